package prober

import (
	"bufio"
	"context"
	"io"
	"net"
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

// probeHTTP requests a path and checks the status. Redirects pass and are not
// followed, and the body is not read unless the check looks for a text.
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

// userAgent tells the owners of the backends who sends the probes.
func (p *Prober) userAgent() string {
	if p.cfg.Version == "" {
		return "cairn (health check)"
	}
	return "cairn/" + p.cfg.Version + " (health check)"
}

// readAnswer reads an answer up to the end of its header, and of its body no more
// than a search needs.
func readAnswer(conn net.Conn, t *target, limits budget) health.Reason {
	limited := &io.LimitedReader{R: conn, N: maxHeader}
	r := bufio.NewReader(limited)
	answer, err := readHeader(r)
	switch {
	case err == nil:
	case refusedForCertificate(conn, err):
		return health.Reason{Kind: health.WantsCertificate}
	case limited.N == 0 && !timeout(err):
		return health.Reason{Kind: health.LargeHeader}
	default:
		return readReason(err)
	}
	code := uint16(answer.status)
	if !expected(t, answer.status) {
		return health.Reason{Kind: health.BadStatus, Code: code}
	}
	if t.settings.Body == "" {
		return health.Reason{Kind: health.Passed, Code: code}
	}
	limited.N = maxRawBody
	if err := conn.SetDeadline(limits.answerBy(bodyTimeout)); err != nil {
		return readReason(err)
	}
	if reason := search(answer.body(r), t.settings.Body); reason.Kind != health.Passed {
		return reason
	}
	return health.Reason{Kind: health.Passed, Code: code}
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
