package rdata

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// svcKeys are the parameters of SVCB records, by number: RFC 9460 section 14.3.2,
// RFC 9461, RFC 9540.
var svcKeys = []string{"mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath", "ohttp"}

const (
	svcMandatory = iota
	svcALPN
	svcNoDefaultALPN
	svcPort
	svcIPv4
	svcECH
	svcIPv6
	svcDoHPath
	svcOHTTP
)

func svcKey(name string) (uint16, bool) {
	if i := slices.Index(svcKeys, strings.ToLower(name)); i >= 0 {
		return uint16(i), true
	}
	number, ok := strings.CutPrefix(strings.ToLower(name), "key")
	n, err := strconv.ParseUint(number, 10, 16)
	return uint16(n), ok && err == nil && n < 65535 && strconv.FormatUint(n, 10) == number
}

func svcKeyName(k uint16) string {
	if int(k) < len(svcKeys) {
		return svcKeys[k]
	}
	return "key" + strconv.Itoa(int(k))
}

type svcParam struct {
	key   uint16
	value []byte
}

// svcParams appends the parameters in the order of their keys: RFC 9460 section 2.2.
func (p *parser) svcParams() error {
	var params []svcParam
	for _, tok := range p.tokens {
		name, value, has := strings.Cut(tok.text, "=")
		key, ok := svcKey(name)
		if !ok || tok.quoted {
			return p.invalid("'" + tok.text + "' is not a parameter")
		}
		if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
			value = value[1 : len(value)-1]
		}
		wire, err := p.svcValue(key, value, has)
		if err != nil {
			return err
		}
		params = append(params, svcParam{key, wire})
	}
	p.tokens = nil
	slices.SortFunc(params, func(a, b svcParam) int { return int(a.key) - int(b.key) })
	for i, param := range params {
		if i > 0 && params[i-1].key == param.key {
			return p.invalid("The parameter " + svcKeyName(param.key) + " is given twice")
		}
		p.out = binary.BigEndian.AppendUint16(p.out, param.key)
		p.out = binary.BigEndian.AppendUint16(p.out, uint16(len(param.value)))
		p.out = append(p.out, param.value...)
	}
	return p.checkMandatory(params)
}

// checkMandatory checks that the mandatory keys are there: RFC 9460 section 8.
func (p *parser) checkMandatory(params []svcParam) error {
	if len(params) == 0 || params[0].key != svcMandatory {
		return nil
	}
	list := params[0].value
	for i := 0; i+1 < len(list); i += 2 {
		key := binary.BigEndian.Uint16(list[i:])
		if key == svcMandatory || !slices.ContainsFunc(params, func(x svcParam) bool { return x.key == key }) {
			return p.invalid("The mandatory parameter " + svcKeyName(key) + " is missing")
		}
	}
	return nil
}

func (p *parser) svcValue(key uint16, value string, has bool) ([]byte, error) {
	bad := func() ([]byte, error) {
		return nil, p.invalid("The value '" + value + "' of the parameter " + svcKeyName(key) + " is not valid")
	}
	if (key == svcNoDefaultALPN || key == svcOHTTP) != (!has || value == "") && key <= svcOHTTP {
		return bad()
	}
	var b []byte
	switch key {
	case svcNoDefaultALPN, svcOHTTP:
	case svcPort:
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil {
			return bad()
		}
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	case svcMandatory:
		var keys []uint16
		for name := range strings.SplitSeq(value, ",") {
			k, ok := svcKey(name)
			if !ok || slices.Contains(keys, k) {
				return bad()
			}
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			b = binary.BigEndian.AppendUint16(b, k)
		}
	case svcIPv4, svcIPv6:
		for s := range strings.SplitSeq(value, ",") {
			a, err := netip.ParseAddr(s)
			if err != nil || a.Is4() != (key == svcIPv4) || a.Zone() != "" {
				return bad()
			}
			b = append(b, a.AsSlice()...)
		}
	case svcECH:
		raw, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return bad()
		}
		b = raw
	default:
		raw, err := p.form.unescape(value)
		if err != nil {
			return nil, err
		}
		if key != svcALPN {
			b = raw
			break
		}
		for id := range strings.SplitSeq(string(raw), ",") {
			if id == "" || len(id) > 255 {
				return bad()
			}
			b = append(append(b, byte(len(id))), id...)
		}
	}
	if len(b) > 65535 {
		return bad()
	}
	return b, nil
}

// appendSvcParams appends the text of parameters. It returns false for data that
// RFC 9460 section 2.2 does not allow: parameters that are cut off, out of order or twice.
func (f Form) appendSvcParams(b, data []byte) ([]byte, bool) {
	last := -1
	for len(data) > 0 {
		if len(data) < 4 {
			return b, false
		}
		key, n := int(binary.BigEndian.Uint16(data)), int(binary.BigEndian.Uint16(data[2:]))
		if len(data) < 4+n || key <= last || !validSvcValue(uint16(key), data[4:4+n]) {
			return b, false
		}
		b = append(append(b, ' '), svcKeyName(uint16(key))...)
		if n > 0 {
			b = f.appendSvcValue(append(b, '='), uint16(key), data[4:4+n])
		}
		last, data = key, data[4+n:]
	}
	return b, true
}

// validSvcValue reports whether octets are a value of a parameter that svcValue can return.
func validSvcValue(key uint16, value []byte) bool {
	switch key {
	case svcNoDefaultALPN, svcOHTTP:
		return len(value) == 0
	case svcPort:
		return len(value) == 2
	case svcIPv4:
		return len(value) > 0 && len(value)%4 == 0
	case svcIPv6:
		return len(value) > 0 && len(value)%16 == 0
	case svcMandatory:
		return len(value) > 0 && len(value)%2 == 0
	case svcALPN:
		return validALPN(value)
	}
	return len(value) > 0 || key > svcOHTTP
}

// validALPN reports whether value is a list of protocol ids. Ids with a comma, which the
// text would separate, are left to the form of RFC 3597.
func validALPN(value []byte) bool {
	if len(value) == 0 {
		return false
	}
	for len(value) > 0 {
		n := int(value[0])
		if n == 0 || len(value) < 1+n || bytes.IndexByte(value[1:1+n], ',') >= 0 {
			return false
		}
		value = value[1+n:]
	}
	return true
}

// appendSvcValue appends the text of a value that is valid.
func (f Form) appendSvcValue(b []byte, key uint16, value []byte) []byte {
	comma := func(i int) {
		if i > 0 {
			b = append(b, ',')
		}
	}
	switch key {
	case svcPort:
		return strconv.AppendUint(b, uint64(binary.BigEndian.Uint16(value)), 10)
	case svcMandatory:
		for i := 0; i < len(value); i += 2 {
			comma(i)
			b = append(b, svcKeyName(binary.BigEndian.Uint16(value[i:]))...)
		}
		return b
	case svcIPv4, svcIPv6:
		size := 4
		if key == svcIPv6 {
			size = 16
		}
		for i := 0; i < len(value); i += size {
			comma(i)
			a, _ := netip.AddrFromSlice(value[i : i+size])
			b = a.AppendTo(b)
		}
		return b
	case svcECH:
		return base64.StdEncoding.AppendEncode(b, value)
	}
	b = append(b, '"')
	if key == svcALPN {
		for i := 0; i < len(value); i += 1 + int(value[i]) {
			comma(i)
			b = f.appendQuoted(b, value[i+1:i+1+int(value[i])])
		}
	} else {
		b = f.appendQuoted(b, value)
	}
	return append(b, '"')
}

// appendQuoted appends octets as they are inside quotation marks.
func (f Form) appendQuoted(b, raw []byte) []byte {
	for _, c := range raw {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= ' ' && c < 0x7f:
			b = append(b, c)
		case f == Octal:
			b = fmt.Appendf(b, `\%03o`, c)
		default:
			b = fmt.Appendf(b, `\%03d`, c)
		}
	}
	return b
}
