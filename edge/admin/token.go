package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/internal/authlimit"
)

// authorized requires the token, unless the client has a verified certificate or
// requests only liveness or readiness: probes have no secrets. Without a token it
// requires the certificate, or nothing.
func authorized(token string, certificate bool, budget *authlimit.Budget, next http.Handler) http.Handler {
	if token == "" && !certificate {
		return next
	}
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !probes(r) && !certified(r) && (token == "" || !bears(r, want)) {
			if !budget.Fail(sourceOf(r), time.Now()) {
				writeText(w, http.StatusTooManyRequests, "too many requests without the token, or with a wrong one\n")
				return
			}
			w.Header().Set("WWW-Authenticate", `Bearer realm="cairn admin"`)
			writeText(w, http.StatusUnauthorized, "this listener wants the admin token (Authorization: Bearer TOKEN),"+
				" or the client certificate of an operator, which names no user of the API\n")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// sourceOf returns the address that a request came from.
func sourceOf(r *http.Request) netip.Addr {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Addr()
}

func probes(r *http.Request) bool { return r.URL.Path == "/livez" || r.URL.Path == "/readyz" }

// certified reports whether the client has the certificate of an operator: one
// without an ARN, which would name a user of the API.
func certified(r *http.Request) bool {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return false
	}
	return !slices.ContainsFunc(r.TLS.VerifiedChains[0][0].URIs, func(u *url.URL) bool { return u.Scheme == "arn" })
}

// bears reports whether a request has the token. It compares hashes, so that the time
// does not depend on the token, not even on its length.
func bears(r *http.Request, want [sha256.Size]byte) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	got := sha256.Sum256([]byte(token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}
