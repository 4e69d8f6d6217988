package sigv4

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// canonical builds the canonical request in s.text.
func (s *scratch) canonical(r *Request, c *Claim) error {
	b := append(s.text[:0], r.Method...)
	b = append(b, '\n')
	b = appendPath(b, r.Path)
	b = append(b, '\n')
	b, err := s.appendQuery(b, r.RawQuery, c.Presigned)
	if err != nil {
		return err
	}
	b = append(b, '\n')
	if b, err = appendHeaders(b, r, c.signedHeaders); err != nil {
		return err
	}
	b = append(b, '\n')
	b = append(b, c.signedHeaders...)
	b = append(b, '\n')
	if stated := r.Header["X-Amz-Content-Sha256"]; r.Stream && len(stated) > 0 && stated[0] == unsignedPayload {
		s.text = append(b, unsignedPayload...)
		return nil
	}
	sum := sha256.Sum256(r.Body)
	b = hex.AppendEncode(b, sum[:])
	s.text = b
	if stated := r.Header["X-Amz-Content-Sha256"]; len(stated) > 0 && stated[0] != string(b[len(b)-64:]) {
		return errMismatch() // the body is not the one that was signed
	}
	return nil
}

// stringToSign replaces the canonical request in s.text by the string to sign.
func (s *scratch) stringToSign(c *Claim) {
	sum := sha256.Sum256(s.text)
	b := append(s.text[:0], algorithm+"\n"...)
	b = append(b, c.stamp...)
	b = append(b, '\n')
	for _, part := range [4]string{c.date, c.Region, c.Service, terminator} {
		b = append(b, part...)
		b = append(b, '/')
	}
	b[len(b)-1] = '\n'
	s.text = hex.AppendEncode(b, sum[:])
}

// appendPath normalises a path by RFC 3986 section 6.2.2.3, and encodes it once
// more: on the wire it is encoded already. S3 alone does neither.
func appendPath(b []byte, path string) []byte {
	if path == "" || path == "/" {
		return append(b, '/')
	}
	start := len(b)
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		switch segment {
		case "", ".":
		case "..":
			b = b[:start+max(0, bytes.LastIndexByte(b[start:], '/'))]
		default:
			b = append(b, '/')
			b = appendEncoded(b, segment)
		}
	}
	last := path[strings.LastIndexByte(path, '/')+1:]
	if len(b) == start || last == "" || last == "." || last == ".." {
		b = append(b, '/')
	}
	return b
}

// appendHeaders appends the signed headers. One that is listed but not in the
// request was signed with something else, or was dropped on the way.
func appendHeaders(b []byte, r *Request, signed string) ([]byte, error) {
	for name := range strings.SplitSeq(signed, ";") {
		b = append(b, name...)
		b = append(b, ':')
		if name == "host" {
			b = appendFolded(b, r.Host)
			b = append(b, '\n')
			continue
		}
		found := values(r, name)
		if found == nil {
			return b, errMismatch()
		}
		for i, value := range found {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendFolded(b, value)
		}
		b = append(b, '\n')
	}
	return b, nil
}

// values returns the values of a header whose name is in lower case.
func values(r *Request, name string) []string {
	var buf [64]byte
	if len(name) > len(buf) {
		return nil // nobody signs such a header
	}
	key, upper := buf[:len(name)], true
	for i := range len(name) {
		key[i] = name[i]
		if upper && 'a' <= name[i] && name[i] <= 'z' {
			key[i] -= 'a' - 'A'
		}
		upper = name[i] == '-'
	}
	return r.Header[string(key)]
}

// appendFolded drops white space at both ends and makes one space of every run
// of it. The specification says spaces; the SDKs for Python, JavaScript
// and Java fold tabs too, and only Go's does not.
func appendFolded(b []byte, value string) []byte {
	space, start := false, len(b)
	for i := range len(value) {
		switch c := value[i]; c {
		case ' ', '\t', '\n', '\v', '\f', '\r':
			space = true
		default:
			if space && len(b) > start {
				b = append(b, ' ')
			}
			space = false
			b = append(b, c)
		}
	}
	return b
}
