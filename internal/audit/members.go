package audit

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxMembers bounds the parameters, or the answer, in a record.
const maxMembers = 64 << 10

// Hidden stands in the place of a secret, as in CloudTrail.
const Hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// Members turns a JSON object of an API into the form that CloudTrail records:
// on one line, with names of members that begin in lower case, but not those in
// maps, which are whose values the caller chose. It returns nil for what is not
// a JSON object, and says so where there is too much of it.
//
// The values of members whose names are in secrets (in lower case) are hidden.
func Members(text []byte, maps, secrets map[string]bool) []byte {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || text[0] != '{' || !json.Valid(text) {
		return nil
	}
	if len(text) > maxMembers {
		return []byte(`{"omitted":true,"originalSize":` + strconv.Itoa(len(text)) + `,"reason":"requestParameters too large"}`)
	}
	m := &members{in: text, out: make([]byte, 0, len(text)), maps: maps, secrets: secrets}
	m.value(true)
	if !utf8.Valid(m.out) {
		return bytes.ToValidUTF8(m.out, []byte("\uFFFD"))
	}
	return m.out
}

// members walks over JSON that is known to be valid.
type members struct {
	in, out       []byte
	maps, secrets map[string]bool
}

func (m *members) space() {
	for len(m.in) > 0 && (m.in[0] == ' ' || m.in[0] == '\n' || m.in[0] == '\r' || m.in[0] == '\t') {
		m.in = m.in[1:]
	}
}

// take copies n bytes.
func (m *members) take(n int) []byte {
	m.out = append(m.out, m.in[:n]...)
	taken := m.in[:n]
	m.in = m.in[n:]
	return taken
}

// value copies one value; names says whether its keys are names of members.
func (m *members) value(names bool) {
	m.space()
	switch m.in[0] {
	case '{':
		m.list('}', func() { m.member(names) })
	case '[':
		m.list(']', func() { m.value(names) })
	case '"':
		m.take(stringEnd(m.in))
	default: // number, true, false or null
		n := 0
		for n < len(m.in) && !strings.ContainsRune(",]} \n\r\t", rune(m.in[n])) {
			n++
		}
		m.take(n)
	}
	m.space()
}

// list copies what is between brackets.
func (m *members) list(end byte, element func()) {
	m.take(1)
	for m.space(); m.in[0] != end; m.space() {
		if m.in[0] == ',' {
			m.take(1)
		}
		element()
	}
	m.take(1)
}

func (m *members) member(names bool) {
	m.space()
	start := len(m.out)
	key := m.take(stringEnd(m.in))
	name := string(key[1 : len(key)-1])
	if c := m.out[start+1]; names && 'A' <= c && c <= 'Z' {
		m.out[start+1] = c | 0x20
	}
	m.space()
	m.take(1) // colon
	if m.secrets[strings.ToLower(name)] {
		kept := m.out
		m.out = nil
		m.value(names)
		m.out = append(kept, `"`+Hidden+`"`...)
		return
	}
	m.value(names && !m.maps[name])
}

// stringEnd returns the length of the string that the text begins with.
func stringEnd(text []byte) int {
	for i := 1; ; i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}
