package zonefile

import "strings"

// entry is one entry of a file: a line, or several within parentheses.
type entry struct {
	line     int
	indented bool     // it begins with white space
	fields   []string // quotation marks and escapes are still there
}

// scanner divides a file into entries.
type scanner struct {
	text string
	at   int
	line int
}

// next returns the next entry that is not empty.
func (s *scanner) next() (*entry, bool, *Error) {
	for s.at < len(s.text) {
		e, err := s.entry()
		if err != nil {
			return nil, false, err
		}
		if len(e.fields) > 0 {
			return e, true, nil
		}
	}
	return nil, false, nil
}

// entry reads up to the end of a line that is not within parentheses.
func (s *scanner) entry() (*entry, *Error) {
	e := &entry{line: s.line}
	depth := 0
	if c := s.text[s.at]; c == ' ' || c == '\t' {
		e.indented = true
	}
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '\n':
			s.at++
			s.line++
			if depth == 0 {
				return e, nil
			}
		case c == ' ' || c == '\t' || c == '\r':
			s.at++
		case c == ';':
			if end := strings.IndexByte(s.text[s.at:], '\n'); end >= 0 {
				s.at += end
			} else {
				s.at = len(s.text)
			}
		case c == '(':
			depth++
			s.at++
		case c == ')':
			if depth--; depth < 0 {
				return nil, &Error{Line: s.line, Text: "a closing parenthesis without an opening one"}
			}
			s.at++
		default:
			field, err := s.field()
			if err != nil {
				return nil, err
			}
			e.fields = append(e.fields, field)
		}
	}
	if depth > 0 {
		return nil, &Error{Line: e.line, Text: "a parenthesis is not closed"}
	}
	return e, nil
}

// field reads a word or a character string.
func (s *scanner) field() (string, *Error) {
	start, inside := s.at, false
	for s.at < len(s.text) {
		c := s.text[s.at]
		switch {
		case c == '\\' && s.at+1 < len(s.text) && s.text[s.at+1] != '\n':
			s.at++
		case c == '"':
			inside = !inside
		case c == '\n' && inside:
			return "", &Error{Line: s.line, Text: "a character string does not end in its line"}
		case !inside && strings.IndexByte(" \t\r\n;()", c) >= 0:
			return s.text[start:s.at], nil
		}
		s.at++
	}
	if inside {
		return "", &Error{Line: s.line, Text: "a character string does not end"}
	}
	return s.text[start:s.at], nil
}
