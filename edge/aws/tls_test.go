package aws_test

import (
	"bufio"
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testca"
)

// TestPlainHTTPToTLS: a client that uses http:// where TLS is spoken gets an answer
// that it can read, with the remedy, after it has sent a body of any size.
func TestPlainHTTPToTLS(t *testing.T) {
	ca := testca.New(t)
	certFile, keyFile := ca.Issue(t, testca.Names{DNS: []string{"localhost"}})
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, func(o *options) { o.server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}} })
	for _, size := range []int{2, 256 << 10} {
		got := s.raw(rawRequest("POST / HTTP/1.1", "", strings.Repeat("x", size), "ListNamespaces"))
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(got)), nil)
		if err != nil {
			t.Fatalf("%d bytes: %v in %q", size, err, got)
		}
		answer := s.read(resp)
		s.wantError(answer, http.StatusBadRequest, "MalformedHttpRequestException")
		if !strings.Contains(answer.body, "https://") {
			t.Errorf("%s", answer.body)
		}
	}
}
