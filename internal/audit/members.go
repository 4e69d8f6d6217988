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

// Form says how the members of an API are recorded.
type Form struct {
	// Verbatim leaves names as they are. Otherwise they begin in lower case, as
	// in CloudTrail, and those that do so already are left out: the API does not
	// know them.
	Verbatim bool
	// Maps are the members whose keys were chosen by the caller, and stay.
	Maps map[string]bool
	// Secrets are the members, in lower case, whose values are hidden.
	Secrets map[string]bool
}

// Members turns a JSON object of an API into what is recorded, on one line. It
// returns nil for what is not a JSON object, and says so where there is too much
// of it.
func (f *Form) Members(text []byte) []byte {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || text[0] != '{' || !json.Valid(text) {
		return nil
	}
	if len(text) > maxMembers {
		return []byte(`{"omitted":true,"originalSize":` + strconv.Itoa(len(text)) + `,"reason":"too large"}`)
	}
	m := &members{Form: f, in: text, out: make([]byte, 0, len(text))}
	m.value(!f.Verbatim)
	if !utf8.Valid(m.out) {
		return bytes.ToValidUTF8(m.out, []byte("\uFFFD"))
	}
	return m.out
}

// members walks over JSON that is known to be valid.
type members struct {
	*Form
	in, out []byte
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

// list copies what is between brackets. An element that copies nothing leaves no
// comma.
func (m *members) list(end byte, element func()) {
	m.take(1)
	begin := len(m.out)
	for m.space(); m.in[0] != end; m.space() {
		if m.in[0] == ',' {
			m.in = m.in[1:]
		}
		before := len(m.out)
		if before > begin {
			m.out = append(m.out, ',')
		}
		after := len(m.out)
		if element(); len(m.out) == after {
			m.out = m.out[:before]
		}
	}
	m.take(1)
}

func (m *members) member(names bool) {
	m.space()
	start := len(m.out)
	key := m.take(stringEnd(m.in))
	name := string(key[1 : len(key)-1])
	c := m.out[start+1]
	m.space()
	m.take(1) // colon
	value := len(m.out)
	secret := m.Secrets[strings.ToLower(name)]
	m.value(names && !m.Maps[name])
	switch {
	case names && (c < 'A' || c > 'Z'):
		m.out = m.out[:start]
		return
	case names:
		m.out[start+1] = c | 0x20
	}
	if secret {
		m.out = append(m.out[:value], `"`+Hidden+`"`...)
	}
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
