package admin

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestToken(t *testing.T) {
	const token = "a token that nobody guesses"
	h := authorized(token, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
	certificate := &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{}}}
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
	if h := authorized("", http.NotFoundHandler()); h == nil {
		t.Error("no handler")
	}
}
