package prober

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/registry"
)

// probeOnce probes a backend that sends text and closes the connection. It is a TCP
// connection: a net.Pipe whose other end is closed refuses deadlines.
func probeOnce(t *testing.T, text string, s registry.CheckSettings) health.Reason {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		server.Write([]byte(text)) // the prober may have closed its end
		server.Close()
	}()
	tg := &target{kind: registry.CheckHTTP, path: "/", settings: s}
	return readAnswer(client, tg, budget{answer: time.Now().Add(10 * time.Second)})
}

// TestHeaderIsNotJudged: only the status line and the end of the header count.
func TestHeaderIsNotJudged(t *testing.T) {
	for _, header := range []string{
		"", "Transfer-Encoding: identity", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, identity",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: deflate", "Transfer-Encoding:",
		"Transfer-Encoding: chunked\r\nContent-Length: 3", "Content-Length: -1", "Content-Length: 1\r\nContent-Length: 2",
		"Content-Length: many", "no colon", ": no name", "Spaces In Name: x", "Name : x", " folded: x", "X: \x00\x01\xff", "X:" + strings.Repeat(" ", 2000),
		"Trailer: Content-Length", "Content-Encoding: br", "Connection: upgrade", "Date: yesterday", "Set-Cookie: =;=",
	} {
		for status, kind := range map[string]health.Kind{
			"HTTP/1.1 200 OK": health.Passed, "HTTP/1.0 204": health.Passed, "HTTP/1.1 399 ": health.Passed,
			"HTTP/1.1 500 Oops": health.BadStatus, "HTTP/1.1 999 x": health.BadStatus,
		} {
			for _, eol := range []string{"\r\n", "\n"} {
				text := status + eol
				if header != "" {
					text += strings.ReplaceAll(header, "\r\n", eol) + eol
				}
				text += eol + "anything"
				if got := probeOnce(t, text, registry.CheckSettings{}); got.Kind != kind {
					t.Errorf("%q: got %s", text, got)
				}
			}
		}
	}
}

func TestNotHTTP(t *testing.T) {
	for text, kind := range map[string]health.Kind{
		"":                                   health.Reset,
		"HTTP/1.1 200 OK\r\nX: y\r\n":        health.Reset, // the header does not end
		"HTTP/1.1 200 OK":                    health.Reset,
		"HTTP/1.1 20 OK\r\n\r\n":             health.BadAnswer,
		"HTTP/1.1 2000 OK\r\n\r\n":           health.BadAnswer,
		"HTTP/1.1 +20 OK\r\n\r\n":            health.BadAnswer,
		"HTTP/11 200 OK\r\n\r\n":             health.BadAnswer,
		"http/1.1 200 OK\r\n\r\n":            health.BadAnswer,
		"HTTP/1.1\r\n\r\n":                   health.BadAnswer,
		"220 mail.example ESMTP\r\n":         health.BadAnswer,
		"HTTP/1.1 100 Continue\r\n\r\n":      health.BadStatus, // nothing follows
		"HTTP/1.1 101 Switching\r\n\r\n":     health.BadStatus,
		"HTTP/1.1 099 X\r\n\r\n":             health.BadAnswer,
		strings.Repeat("x", maxHeader+1):     health.LargeHeader,
		"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1": health.Reset,
		strings.Repeat("HTTP/1.1 102 P\r\n\r\n", maxInterim+1) + "HTTP/1.1 200 OK\r\n\r\n": health.BadAnswer,
	} {
		if got := probeOnce(t, text, registry.CheckSettings{}); got.Kind != kind {
			t.Errorf("%.60q: got %s", text, got)
		}
	}
}

func TestBodyCodings(t *testing.T) {
	chunks := "3\r\nall\r\n5;x=y\r\n well\r\n0\r\n\r\n"
	for text, kind := range map[string]health.Kind{
		"\r\nall well": health.Passed,
		"Transfer-Encoding: identity\r\n\r\nall well":                      health.Passed,
		"Transfer-Encoding: chunked\r\n\r\n" + chunks:                      health.Passed,
		"Transfer-Encoding: Chunked;q=1\r\n\r\n" + chunks:                  health.Passed,
		"Content-Length: 8\r\n\r\nall well":                                health.Passed,
		"Content-Length: 3\r\n\r\nall well":                                health.TextMissing,
		"Content-Length: 9\r\n\r\nall wel":                                 health.Reset,
		"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks: health.Passed, // RFC 9112 section 6.3
		"Content-Encoding: gzip\r\n\r\n" + gzipped("all well"):             health.Passed,
		"Content-Encoding: gzip\r\n\r\nall well, but not packed":           health.BadAnswer,
		"Content-Encoding: br\r\n\r\nxxxx":                                 health.TextMissing,
		"Transfer-Encoding: gzip\r\n\r\n" + gzipped("all well"):            health.Passed,
		"Content-Encoding: deflate\r\n\r\n" + deflated("all well"):         health.Passed,
	} {
		if got := probeOnce(t, "HTTP/1.1 200 OK\r\n"+text, registry.CheckSettings{Body: "all well"}); got.Kind != kind {
			t.Errorf("%.60q: got %s", text, got)
		}
	}
}

// FuzzAnswer: whatever a backend sends, a probe ends, and where net/http accepts
// the header both see the same status.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), "abc")
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 X\nA: b\n\n"), "")
	f.Add([]byte("HTTP/1.1 200\r\nContent-Encoding: gzip\r\n\r\n"+gzipped("x")), "x")
	f.Fuzz(func(t *testing.T, text []byte, look string) {
		a, err := readHeader(bufio.NewReader(strings.NewReader(string(text))))
		if err == nil {
			search(a.body(strings.NewReader(string(text))), look)
		}
		r := bufio.NewReader(strings.NewReader(string(text)))
		theirs, theirErr := http.ReadResponse(r, nil)
		if theirErr != nil || theirs.StatusCode < 200 || theirs.ProtoMajor > 9 || theirs.ProtoMinor > 9 {
			return
		}
		if err != nil || a.status != theirs.StatusCode {
			t.Errorf("got %+v, %v; net/http got %d", a, err, theirs.StatusCode)
		}
	})
}
