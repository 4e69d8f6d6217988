package rdata

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// Text returns the text of the data of a record. Data that is not that of the type is
// written in the form of RFC 3597 section 5.
func (f Form) Text(t uint16, data string) string {
	b := make([]byte, 0, 2*len(data)+16)
	left := []byte(data)
	for _, k := range layout[t] {
		if len(b) > 0 && (k != svcParams) {
			b = append(b, ' ')
		}
		var ok bool
		if b, left, ok = f.appendField(b, left, k); !ok {
			return unknown(data)
		}
	}
	if len(left) > 0 || len(layout[t]) == 0 {
		return unknown(data)
	}
	return string(b)
}

// generic is the first word of data in the form of RFC 3597 section 5.
const generic = `\#`

func unknown(data string) string {
	return strings.TrimSuffix(fmt.Sprintf("%s %d %x", generic, len(data), data), " ")
}

// fixedSize is the size of the kinds of fields that have one.
var fixedSize = map[kind]int{number8: 1, number16: 2, number32: 4, v4: 4, v6: 16}

func (f Form) appendField(b, data []byte, k kind) (out, left []byte, ok bool) {
	if n := fixedSize[k]; n > 0 {
		if len(data) < n {
			return b, data, false
		}
		return appendFixed(b, data[:n], k), data[n:], true
	}
	switch k {
	case name:
		n := dnswire.NameLen(data)
		if n < 0 {
			return b, data, false
		}
		return f.AppendName(b, string(data[:n])), data[n:], true
	case text, tag:
		if len(data) == 0 || len(data) < 1+int(data[0]) {
			return b, data, false
		}
		raw := data[1 : 1+int(data[0])]
		data = data[1+len(raw):]
		if k == tag {
			return append(b, raw...), data, validTag(string(raw))
		}
		return append(f.appendQuoted(append(b, '"'), raw), '"'), data, true
	case texts:
		if len(data) == 0 {
			return b, data, false
		}
		for first := true; len(data) > 0; first = false {
			if !first {
				b = append(b, ' ')
			}
			var ok bool
			if b, data, ok = f.appendField(b, data, text); !ok {
				return b, data, false
			}
		}
		return b, nil, true
	case rest:
		return append(f.appendQuoted(append(b, '"'), data), '"'), nil, true
	case hexRest:
		return append(b, strings.ToUpper(fmt.Sprintf("%x", data))...), nil, len(data) > 0
	case base64Rest:
		return base64.StdEncoding.AppendEncode(b, data), nil, len(data) > 0
	}
	b, ok = f.appendSvcParams(b, data)
	return b, nil, ok
}

func appendFixed(b, data []byte, k kind) []byte {
	switch k {
	case v4, v6:
		a, _ := netip.AddrFromSlice(data)
		return a.AppendTo(b)
	case number8:
		return strconv.AppendUint(b, uint64(data[0]), 10)
	case number16:
		return strconv.AppendUint(b, uint64(binary.BigEndian.Uint16(data)), 10)
	}
	return strconv.AppendUint(b, uint64(binary.BigEndian.Uint32(data)), 10)
}
