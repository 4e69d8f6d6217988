package prober

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http/httputil"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/health"
)

// answer is what a check uses of an HTTP/1 response: its status, and how its body
// is encoded. Everything else in the header is ignored, even if it is malformed: a
// probe finds out whether a server answers, and is no judge of its header.
type answer struct {
	status   int
	length   int64    // of the body; -1: unknown
	transfer []string // codings of Transfer-Encoding, in the order they were applied
	content  []string // codings of Content-Encoding
}

var errNotHTTP = errors.New("not an HTTP answer")

// readHeader reads the first answer that is not an interim one (RFC 9110 section
// 15.2), up to the empty line.
func readHeader(r *bufio.Reader) (*answer, error) {
	var interim *answer
	for range maxInterim {
		a, err := readOne(r)
		switch {
		case err == io.EOF && interim != nil:
			return interim, nil // nothing follows, so this was the answer
		case err != nil || a.status >= 200 || a.status == 101:
			return a, err
		}
		interim = a
	}
	return nil, errNotHTTP
}

// readOne reads a status line and header lines. An end within them is
// io.ErrUnexpectedEOF, one before them io.EOF.
func readOne(r *bufio.Reader) (*answer, error) {
	line, err := readLine(r)
	if err != nil {
		return nil, err
	}
	status, ok := parseStatus(line)
	if !ok {
		return nil, errNotHTTP
	}
	a := &answer{status: status, length: -1}
	for {
		line, err := readLine(r)
		switch {
		case err == io.EOF:
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		case line == "":
			return a, nil
		}
		if name, value, ok := strings.Cut(line, ":"); ok {
			a.set(strings.ToLower(strings.TrimSpace(name)), strings.ToLower(strings.TrimSpace(value)))
		}
	}
}

// readLine reads a line without its end, which is LF with or without CR (RFC 9112
// section 2.2). The caller bounds r.
func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	switch {
	case err == io.EOF && line != "":
		return "", io.ErrUnexpectedEOF
	case err != nil:
		return "", err
	}
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), nil
}

// parseStatus reads "HTTP/1.1 200 OK"; the reason may be missing (RFC 9112 section
// 4).
func parseStatus(line string) (int, bool) {
	version, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	digit := func(b byte) bool { return '0' <= b && b <= '9' }
	if len(version) != len("HTTP/1.1") || version[:5] != "HTTP/" || !digit(version[5]) || version[6] != '.' || !digit(version[7]) {
		return 0, false
	}
	status, err := strconv.ParseUint(code, 10, 16)
	return int(status), err == nil && len(code) == 3 && status >= 100
}

func (a *answer) set(name, value string) {
	switch name {
	case "content-length":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && n >= 0 {
			a.length = n
		}
	case "transfer-encoding":
		a.transfer = append(a.transfer, codings(value)...)
	case "content-encoding":
		a.content = append(a.content, codings(value)...)
	}
}

// codings splits a list of codings, and leaves out their parameters.
func codings(value string) []string {
	var all []string
	for item := range strings.SplitSeq(value, ",") {
		name, _, _ := strings.Cut(item, ";")
		if name = strings.TrimSpace(name); name != "" && name != "identity" {
			all = append(all, name)
		}
	}
	return all
}

// body returns a reader of the body that undoes its codings.
func (a *answer) body(r io.Reader) io.Reader {
	if len(a.transfer) == 0 && a.length >= 0 {
		r = &exactReader{r, a.length}
	}
	for _, list := range [][]string{a.transfer, a.content} {
		for i := len(list) - 1; i >= 0; i-- {
			r = decoded(r, list[i])
		}
	}
	return r
}

// decoded undoes one coding. An unknown one is left as it is: the text that the
// check looks for will not be found.
func decoded(r io.Reader, coding string) io.Reader {
	switch coding {
	case "chunked":
		return httputil.NewChunkedReader(r)
	case "gzip", "x-gzip":
		return &lazyReader{open: func() (io.Reader, error) { return gzip.NewReader(r) }}
	case "deflate":
		return &lazyReader{open: func() (io.Reader, error) { return inflated(r) }}
	}
	return r
}

// exactReader reads as many bytes as the header announced; an earlier end is an
// error.
type exactReader struct {
	r    io.Reader
	left int64
}

// Read reads what is left.
func (e *exactReader) Read(b []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.r.Read(b[:min(int64(len(b)), e.left)])
	if e.left -= int64(n); err == io.EOF && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// lazyReader opens a reader when it is first read: the opening reads itself.
type lazyReader struct {
	open func() (io.Reader, error)
	r    io.Reader
}

// Read reads from the reader that open returns.
func (l *lazyReader) Read(b []byte) (int, error) {
	if l.r == nil {
		var err error
		if l.r, err = l.open(); err != nil {
			return 0, err
		}
	}
	return l.r.Read(b)
}

// inflated undoes "deflate", which is the zlib format (RFC 9110 section
// 8.4.1.2), though some servers send the raw format inside it.
func inflated(body io.Reader) (io.Reader, error) {
	r := bufio.NewReader(body)
	start, err := r.Peek(2)
	if err != nil {
		return nil, err
	}
	if start[0]&0x0f == 8 && (int(start[0])<<8|int(start[1]))%31 == 0 { // RFC 1950 section 2.2
		return zlib.NewReader(r)
	}
	return flate.NewReader(r), nil
}

// search looks for a text in the beginning of a body. It stops as soon as the
// text is there: the rest may never come.
func search(body io.Reader, text string) health.Reason {
	var seen [searchBytes]byte
	n := 0
	for n < len(seen) {
		read, err := body.Read(seen[n:])
		n += read
		if bytes.Contains(seen[:n], []byte(text)) {
			return health.Reason{Kind: health.Passed}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return readReason(err)
		}
	}
	return health.Reason{Kind: health.TextMissing}
}
