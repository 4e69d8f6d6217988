package admin

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/cairn-discovery/cairn/internal/authlimit"
)

func TestToken(t *testing.T) {
	const token = "a token that nobody guesses"
	h := authorized(token, false, nil, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
	certificate := &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{{}}}}
	for _, c := range []struct {
		path, header string
		tls          *tls.ConnectionState
		want         int
	}{
		{"/metrics", "", nil, 401},
		{"/metrics", "Bearer " + token, nil, 200},
		{"/metrics", "bearer " + token, nil, 200},
		{"/metrics", "Bearer " + token + "x", nil, 401},
		{"/metrics", "Bearer ", nil, 401},
		{"/metrics", token, nil, 401},
		{"/metrics", "Basic " + token, nil, 401},
		{"/metrics", "", certificate, 200},
		{"/metrics", "", &tls.ConnectionState{}, 401},
		{"/livez", "", nil, 200},
		{"/readyz", "", nil, 200},
		{"/livez/../metrics", "", nil, 401},
		{"/backup", "", nil, 401},
	} {
		r := httptest.NewRequest("GET", "http://127.0.0.1"+c.path, nil)
		r.Header.Set("Authorization", c.header)
		r.TLS = c.tls
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s with %q: %d, want %d", c.path, c.header, w.Code, c.want)
		}
	}
}

// Without a token, a certificate may be asked for; a user's does not do.
func TestCertificate(t *testing.T) {
	arn := &url.URL{Scheme: "arn", Opaque: "aws:iam::111111111111:user/web"}
	chain := func(uris ...*url.URL) *tls.ConnectionState {
		return &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{{URIs: uris}}}}
	}
	for _, c := range []struct {
		what  string
		asked bool
		tls   *tls.ConnectionState
		want  int
	}{
		{"nothing is asked for", false, nil, 200},
		{"none", true, nil, 401},
		{"none with TLS", true, &tls.ConnectionState{}, 401},
		{"an operator's", true, chain(), 200},
		{"with another URI", true, chain(&url.URL{Scheme: "spiffe", Host: "ops"}), 200},
		{"a user's", true, chain(arn), 401},
	} {
		h := authorized("", c.asked, nil, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
		r := httptest.NewRequest("GET", "http://127.0.0.1/metrics", nil)
		r.Header.Set("Authorization", "Bearer ")
		r.TLS = c.tls
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s: %d, want %d", c.what, w.Code, c.want)
		}
	}
}

// A caller that fails all the time is refused briefly; the token always works.
func TestFailuresAreLimited(t *testing.T) {
	const token = "0123456789abcdef"
	h := authorized(token, false, authlimit.New(authlimit.Config{PerSecond: 1e-6, Burst: 2}), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
	ask := func(shown, from string) int {
		r := httptest.NewRequest("GET", "http://127.0.0.1/metrics", nil)
		r.Header.Set("Authorization", "Bearer "+shown)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	for i, want := range []int{401, 401, 429, 429} {
		if got := ask("guess", "192.0.2.1:1000"); got != want {
			t.Errorf("guess %d: %d, want %d", i, got, want)
		}
		if got := ask(token, "192.0.2.1:1001"); got != 200 {
			t.Errorf("the token from the same address: %d", got)
		}
	}
	if got := ask("guess", "192.0.2.2:1000"); got != 401 {
		t.Errorf("another address: %d", got)
	}
}
