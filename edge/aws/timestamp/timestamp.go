// Package timestamp has the three forms in which AWS's protocols write a point in
// time: seconds since 1970, ISO 8601 and the date of HTTP.
//
// See "timestampFormat trait" in the Smithy specification.
package timestamp

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Milliseconds is a point in time: milliseconds since 1970 in UTC, between the
// years 1 and 9999.
type Milliseconds int64

// MarshalJSON writes the time as AWS JSON does.
func (t Milliseconds) MarshalJSON() ([]byte, error) { return Append(nil, t, Epoch), nil }

// Format is a form of a time.
type Format int

// The formats.
const (
	// Epoch is seconds since 1970 with up to three decimals: 1516925490.087.
	Epoch Format = iota
	// ISO8601 is 2018-01-26T00:11:30.087Z (RFC 3339). It is read with any offset.
	ISO8601
	// HTTPDate is Fri, 26 Jan 2018 00:11:30 GMT (RFC 9110 section 5.6.7).
	HTTPDate
)

// Bounds of a time, in milliseconds.
const (
	least = -62135596800000 // the start of year 1
	most  = 253402300799999 // the end of year 9999
)

var errRange = errors.New("the time is not between the years 1 and 9999")

// Parse reads a time.
func Parse(text string, f Format) (Milliseconds, error) {
	switch f {
	case ISO8601:
		return parseLayouts(text, time.RFC3339)
	case HTTPDate:
		return parseLayouts(text, "Mon, 02 Jan 2006 15:04:05 GMT", "Mon, 2 Jan 2006 15:04:05 GMT")
	default:
		return parseEpoch(text)
	}
}

// layoutLimit bounds the text of a time, which can have any number of decimals.
const layoutLimit = 64

func parseLayouts(text string, layouts ...string) (Milliseconds, error) {
	if len(text) > layoutLimit {
		return 0, errors.New("the time is too long")
	}
	var err error
	for _, layout := range layouts {
		var t time.Time
		if t, err = time.Parse(layout, text); err == nil {
			return inRange(t.UnixMilli())
		}
	}
	return 0, err
}

func inRange(milliseconds int64) (Milliseconds, error) {
	if milliseconds < least || milliseconds > most {
		return 0, errRange
	}
	return Milliseconds(milliseconds), nil
}

// parseEpoch reads a decimal number. More than three decimals are rounded.
func parseEpoch(text string) (Milliseconds, error) {
	if strings.ContainsAny(text, "xX_") || len(text) > layoutLimit {
		return 0, errors.New("the time is not a decimal number")
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, errors.New("the time is not a decimal number")
	}
	if !(math.Abs(seconds) < most) { // also for what is not a number
		return 0, errRange
	}
	return inRange(int64(math.Round(seconds * 1000)))
}

// Append appends a time.
func Append(b []byte, t Milliseconds, f Format) []byte {
	switch f {
	case ISO8601:
		return time.UnixMilli(int64(t)).UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	case HTTPDate:
		return time.UnixMilli(int64(t)).UTC().AppendFormat(b, "Mon, 02 Jan 2006 15:04:05 GMT")
	default:
		return appendEpoch(b, int64(t))
	}
}

func appendEpoch(b []byte, milliseconds int64) []byte {
	if milliseconds < 0 {
		b = append(b, '-')
	}
	seconds, rest := milliseconds/1000, milliseconds%1000
	b = strconv.AppendUint(b, magnitude(seconds), 10)
	r := magnitude(rest)
	return append(b, '.', byte('0'+r/100), byte('0'+r/10%10), byte('0'+r%10))
}

// magnitude is |n|. Nothing that is divided by 1000 can overflow here.
func magnitude(n int64) uint64 { return uint64(max(n, -n)) }
