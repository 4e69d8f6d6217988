package prober

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/health"
)

const (
	// maxHeader bounds the header of an answer, as Route 53 does.
	maxHeader = 16 << 10
	// searchBytes is how much of a body is searched, as Route 53 does.
	searchBytes = 5120
	// maxRawBody bounds what is read of a body, chunks and compression included.
	maxRawBody = 64 << 10
	// maxInterim is how many 1xx answers may come before the final one.
	maxInterim = 5
)

// probeHTTP asks for a path and looks at the status. Redirects pass and are not
// followed, and the body is not read unless it is to hold a text.
func (p *Prober) probeHTTP(ctx context.Context, t *target) health.Reason {
	limits := t.budget(time.Now())
	conn, r := p.connect(ctx, t, limits.connect)
	if conn == nil {
		return r
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // conn may be closed
	defer stop()
	if err := conn.SetDeadline(limits.answerBy(statusTimeout)); err != nil {
		return readReason(err)
	}
	if _, err := conn.Write(p.request(t)); err != nil {
		return readReason(err)
	}
	return readAnswer(conn, t, limits)
}

func (p *Prober) request(t *target) []byte {
	b := make([]byte, 0, 512)
	b = append(b, "GET "...)
	b = append(b, requestPath(t.path)...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, t.hostHeader()...)
	b = append(b, "\r\nUser-Agent: "...)
	b = append(b, p.userAgent()...)
	return append(b, "\r\nAccept: */*\r\nConnection: close\r\n\r\n"...)
}

// userAgent lets the owners of what is probed see who it is.
func (p *Prober) userAgent() string {
	if p.cfg.Version == "" {
		return "cairn (health check)"
	}
	return "github.com/cairn-discovery/cairn/" + p.cfg.Version + " (health check)"
}

func readAnswer(conn net.Conn, t *target, limits budget) health.Reason {
	limited := &io.LimitedReader{R: conn, N: maxHeader}
	r := bufio.NewReader(limited)
	answer, err := finalAnswer(r)
	if err != nil {
		if limited.N == 0 && !timeout(err) {
			return health.Reason{Kind: health.LargeHeader}
		}
		return readReason(err)
	}
	defer answer.Body.Close()
	code := uint16(answer.StatusCode)
	if !expected(t, answer.StatusCode) {
		return health.Reason{Kind: health.BadStatus, Code: code}
	}
	if t.settings.Body == "" {
		return health.Reason{Kind: health.Passed, Code: code}
	}
	limited.N = maxRawBody
	if err := conn.SetDeadline(limits.answerBy(bodyTimeout)); err != nil {
		return readReason(err)
	}
	if reason := search(answer, t.settings.Body); reason.Kind != health.Passed {
		return reason
	}
	return health.Reason{Kind: health.Passed, Code: code}
}

// finalAnswer reads the header of the first answer that is not an interim one
// (RFC 9110 section 15.2).
func finalAnswer(r *bufio.Reader) (*http.Response, error) {
	var interim *http.Response
	for range maxInterim {
		answer, err := http.ReadResponse(r, nil)
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF) && interim != nil:
			return interim, nil // nothing comes after it: so that was the answer
		case err != nil || answer.StatusCode >= 200 || answer.StatusCode == http.StatusSwitchingProtocols:
			return answer, err
		}
		interim = answer
	}
	return nil, http.ErrNotSupported // any error that is neither a timeout nor an end
}

func expected(t *target, code int) bool {
	if len(t.settings.ExpectedStatus) == 0 {
		return 200 <= code && code < 400
	}
	for _, r := range t.settings.ExpectedStatus {
		if r.First <= code && code <= r.Last {
			return true
		}
	}
	return false
}

// search looks for a text in the beginning of a body. It stops as soon as the
// text is there: the rest may never come.
func search(answer *http.Response, text string) health.Reason {
	body, err := decoded(answer)
	if err != nil {
		return readReason(err)
	}
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

// decoded undoes the compression that a server may use unasked.
func decoded(answer *http.Response) (io.Reader, error) {
	switch strings.ToLower(answer.Header.Get("Content-Encoding")) {
	case "gzip", "x-gzip":
		return gzip.NewReader(answer.Body)
	case "deflate":
		return inflated(answer.Body)
	}
	return answer.Body, nil
}

// inflated undoes "deflate", which is the zlib format (RFC 9110 section
// 8.4.1.2), though some servers send what is inside that alone.
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
