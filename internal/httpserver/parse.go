package httpserver

import (
	"bytes"
	"net/http"
	"net/textproto"
	"strings"
)

// verdict says what the bytes of a connection are.
type verdict uint8

const (
	partial verdict = iota // the beginning of a request that may be served here
	whole                  // a request that is served here
	other                  // anything else, for net/http
)

// request is a parsed request. Offsets are into the bytes it was read from.
type request struct {
	header http.Header // without Host
	host   string
	body   int // where it begins
	end    int // where the next request begins

	values    []string // those in header
	hosts     int
	lengths   int
	length    int
	maxHeader int
	maxBody   int
}

const requestLine = "POST / HTTP/1.1\r\n"

// parse finds out what b begins with. The strings that it makes are copies.
func (r *request) parse(b []byte) verdict {
	if len(b) < len(requestLine) {
		if requestLine[:len(b)] == string(b) {
			return partial
		}
		return other
	}
	if string(b[:len(requestLine)]) != requestLine {
		return other
	}
	size := r.measure(b)
	if size <= 0 {
		return verdictOf(size, len(b), r.maxHeader)
	}
	return r.fields(b, size)
}

// verdictOf distinguishes a header that is not complete from one for net/http.
func verdictOf(size, have, most int) verdict {
	if size == 0 && have < most {
		return partial
	}
	return other
}

// measure returns the length of the header with the empty line that ends it. It returns 0
// if the end has not arrived, and a negative number if a line is not well formed.
func (r *request) measure(b []byte) int {
	for at := len(requestLine); ; {
		line := b[at:min(len(b), r.maxHeader)]
		n := bytes.IndexByte(line, '\n')
		switch {
		case n < 0:
			return 0
		case n == 0 || line[n-1] != '\r':
			return -1
		case n == 1:
			return at + 2
		case !wellFormed(line[:n-1]):
			return -1
		}
		at += n + 1
	}
}

// wellFormed reports whether a line is a header field as RFC 9112 section 5 has
// it, without folding.
func wellFormed(line []byte) bool {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 {
		return false
	}
	for _, c := range line[:colon] {
		if !isToken[c] {
			return false
		}
	}
	for _, c := range line[colon+1:] {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// isToken are the characters of a token: RFC 9110 section 5.6.2.
var isToken = func() (t [256]bool) {
	for _, c := range "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		t[c] = true
	}
	return t
}()

// fields reads the fields of a header of well-formed lines that is size long, and
// finds out whether the body is there.
func (r *request) fields(b []byte, size int) verdict {
	clear(r.header)
	r.values, r.host, r.hosts, r.lengths = r.values[:0], "", 0, 0
	text := string(b[len(requestLine) : size-2]) // all strings are parts of this one
	for len(text) > 0 {
		line, rest, _ := strings.Cut(text, "\r\n")
		colon := strings.IndexByte(line, ':')
		if !r.field(line[:colon], strings.Trim(line[colon+1:], " \t")) {
			return other
		}
		text = rest
	}
	if r.hosts != 1 || r.lengths != 1 {
		return other
	}
	r.body, r.end = size, size+r.length
	if r.end > len(b) {
		return partial
	}
	return whole
}

// field takes one field in. It is false for what is not for us.
func (r *request) field(name, value string) bool {
	name = canonical(name)
	switch name {
	case "Host":
		r.hosts++
		r.host = value
		return isHost(value)
	case "Content-Length":
		r.lengths++
		n, ok := number(value)
		if !ok || n > r.maxBody {
			return false
		}
		r.length = n
	case "Connection":
		if value != "keep-alive" && value != "Keep-Alive" {
			return false
		}
	case "Transfer-Encoding", "Trailer", "Te", "Expect", "Upgrade", "Pragma", "Proxy-Connection", "Http2-Settings":
		return false
	}
	r.values = append(r.values, value)
	last := len(r.values)
	r.header[name] = r.values[last-1 : last : last]
	return len(r.header) == last // else it is there again, to be put together in order by net/http
}

// isHost accepts the usual host names and addresses, with or without a port.
func isHost(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '.', c == '-', c == '_', c == ':', c == '[', c == ']':
		default:
			return false
		}
	}
	return s != ""
}

// number reads a number of at most seven digits.
func number(s string) (int, bool) {
	if s == "" || len(s) > 7 {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = 10*n + int(s[i]-'0')
	}
	return n, true
}

// known are the names of usual fields in the spelling that http.Header keeps, by
// the spellings that clients use.
var known = func() map[string]string {
	m := map[string]string{}
	for _, name := range []string{
		"Host", "Content-Length", "Content-Type", "Accept", "Accept-Encoding", "User-Agent", "Connection", "Authorization",
		"X-Amz-Target", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256", "X-Amz-User-Agent",
		"Amz-Sdk-Invocation-Id", "Amz-Sdk-Request", "X-Amzn-Trace-Id",
	} {
		m[name] = name
		m[string(bytes.ToLower([]byte(name)))] = name
	}
	return m
}()

func canonical(name string) string {
	if spelled, ok := known[name]; ok {
		return spelled
	}
	return textproto.CanonicalMIMEHeaderKey(name)
}
