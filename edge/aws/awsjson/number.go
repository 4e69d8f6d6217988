package awsjson

import (
	"bytes"
	"math"
)

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// scanNumber passes a number and returns its text.
func (r *Reader) scanNumber() []byte {
	if r.err != nil {
		return nil
	}
	n := numberLength(r.data[r.pos:])
	switch {
	case n == 0:
		r.failCharacter()
		return nil
	case n > maxNumberLength:
		r.fail("Number is too long")
		return nil
	}
	r.pos += n
	return r.data[r.pos-n : r.pos]
}

// numberLength returns how many bytes the number at the start of b takes, or 0 if
// there is none (RFC 8259 §6).
func numberLength(b []byte) int {
	i := 0
	if i < len(b) && b[i] == '-' {
		i++
	}
	whole := digits(b[i:])
	if whole == 0 || whole > 1 && b[i] == '0' {
		return 0
	}
	i += whole
	if i < len(b) && b[i] == '.' {
		fraction := digits(b[i+1:])
		if fraction == 0 {
			return 0
		}
		i += 1 + fraction
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		exponent := digits(b[i:])
		if exponent == 0 {
			return 0
		}
		i += exponent
	}
	return i
}

// digits returns how many digits b starts with.
func digits(b []byte) int {
	n := 0
	for n < len(b) && isDigit(b[n]) {
		n++
	}
	return n
}

// wholeNumber returns the value of a well-formed number, and whether that is
// whole and fits an int64. It works on the digits, so that no precision is lost
// on the way through a float.
func wholeNumber(text []byte) (int64, bool) {
	mantissa, negative := bytes.CutPrefix(text, []byte("-"))
	exponent := 0
	if i := bytes.IndexAny(mantissa, "eE"); i >= 0 {
		exponent = smallInt(mantissa[i+1:])
		mantissa = mantissa[:i]
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte("."))
	fraction = bytes.TrimRight(fraction, "0")
	exponent -= len(fraction)

	magnitude, ok := scaled(whole, fraction, exponent)
	switch {
	case !ok:
		return 0, false
	case negative && magnitude <= -math.MinInt64:
		return -int64(magnitude), true
	case !negative && magnitude <= math.MaxInt64:
		return int64(magnitude), true
	default:
		return 0, false
	}
}

// scaled returns the digits of whole and fraction as one number, times ten to the
// exponent.
func scaled(whole, fraction []byte, exponent int) (n uint64, ok bool) {
	var buf [maxNumberLength]byte
	all := append(append(buf[:0], whole...), fraction...)
	all = bytes.TrimLeft(all, "0")
	for exponent < 0 && len(all) > 0 && all[len(all)-1] == '0' {
		all = all[:len(all)-1]
		exponent++
	}
	if len(all) == 0 {
		return 0, true
	}
	const maxDigits = 19 // of any int64; 19 digits fit a uint64
	if exponent < 0 || exponent > maxDigits || len(all)+exponent > maxDigits {
		return 0, false
	}
	for _, c := range all {
		n = n*10 + uint64(c-'0')
	}
	for range exponent {
		n *= 10
	}
	return n, true
}

// smallInt reads an exponent. One beyond any use stops growing, before it could
// overflow.
func smallInt(text []byte) int {
	n := 0
	for _, c := range bytes.TrimLeft(text, "+-") {
		if n < 10*maxNumberLength {
			n = n*10 + int(c-'0')
		}
	}
	if text[0] == '-' {
		return -n
	}
	return n
}
