package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var testNow = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

type issuer struct {
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{r, e}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (i *issuer) set() []byte {
	point, _ := i.ec.PublicKey.Bytes()
	text, _ := json.Marshal(map[string]any{"keys": []map[string]string{
		{"kty": "RSA", "kid": "r", "use": "sig", "alg": "RS256", "n": b64(i.rsa.N.Bytes()), "e": "AQAB"},
		{"kty": "EC", "kid": "e", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])},
		{"kty": "oct", "kid": "o", "k": "AAAA"},
	}})
	return text
}

func (i *issuer) token(t *testing.T, head string, claims map[string]any) string {
	t.Helper()
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed := b64([]byte(head)) + "." + b64(body)
	sum := sha256.Sum256([]byte(signed))
	var sig []byte
	switch {
	case strings.Contains(head, "RS256"):
		sig, err = rsa.SignPKCS1v15(rand.Reader, i.rsa, crypto.SHA256, sum[:])
	case strings.Contains(head, "ES256"):
		r, s, signErr := ecdsa.Sign(rand.Reader, i.ec, sum[:])
		sig, err = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), signErr
	case strings.Contains(head, "HS256"): // with the public key as the secret
		mac := hmac.New(sha256.New, i.rsa.N.Bytes())
		mac.Write([]byte(signed))
		sig = mac.Sum(nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + b64(sig)
}

func good() map[string]any {
	return map[string]any{"iss": "https://issuer", "sub": "system:serviceaccount:a:b", "aud": []string{"other", "sts.amazonaws.com"},
		"exp": testNow.Add(time.Hour).Unix(), "nbf": testNow.Unix()}
}

func with(key string, value any) map[string]any {
	m := good()
	if value == nil {
		delete(m, key)
	} else {
		m[key] = value
	}
	return m
}

func TestVerify(t *testing.T) {
	i := newIssuer(t)
	file := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(file, i.set(), 0o600); err != nil {
		t.Fatal(err)
	}
	v := &Verifier{Issuer: "https://issuer", Audiences: []string{"sts.amazonaws.com"}, Keys: NewKeys(Location{File: file})}
	rs, es := `{"alg":"RS256","kid":"r"}`, `{"alg":"ES256","kid":"e"}`
	for _, c := range []struct {
		name, token, problem string
	}{
		{"RS256", i.token(t, rs, good()), ""},
		{"ES256", i.token(t, es, good()), ""},
		{"one audience", i.token(t, es, with("aud", "sts.amazonaws.com")), ""},
		{"just over, within the leeway", i.token(t, es, with("exp", testNow.Add(-30*time.Second).Unix())), ""},
		{"expired", i.token(t, es, with("exp", testNow.Add(-2*time.Minute).Unix())), "expired"},
		{"never expires", i.token(t, es, with("exp", nil)), "never expires"},
		{"not yet", i.token(t, es, with("nbf", testNow.Add(2*time.Minute).Unix())), "not good yet"},
		{"another issuer", i.token(t, es, with("iss", "https://evil")), "another issuer"},
		{"another audience", i.token(t, es, with("aud", "x")), "another audience"},
		{"no audience", i.token(t, es, with("aud", nil)), "aud"},
		{"no subject", i.token(t, es, with("sub", "")), "no subject"},
		{"alg none", i.token(t, `{"alg":"none","kid":"r"}`, good()), "only the algorithms"},
		{"HS256 with the public key", i.token(t, `{"alg":"HS256","kid":"r"}`, good()), "only the algorithms"},
		{"key of the other algorithm", i.token(t, `{"alg":"RS256","kid":"e"}`, good()), "no such key"},
		{"unknown key", i.token(t, `{"alg":"RS256","kid":"x"}`, good()), "no such key"},
		{"critical extension", i.token(t, `{"alg":"RS256","kid":"r","crit":["b64"]}`, good()), "critical"},
		{"another's key", newIssuer(t).token(t, rs, good()), "signature is wrong"},
		{"two parts", "a.b", "not a JSON Web Token"},
		{"too long", strings.Repeat("a", MaxToken+1), "longer"},
	} {
		claims, err := v.Verify(t.Context(), c.token, testNow)
		if c.problem == "" && (err != nil || claims.Subject != "system:serviceaccount:a:b") {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.problem)
		}
	}
	if _, err := v.Verify(t.Context(), i.token(t, es, with("exp", 1)), testNow); !errors.Is(err, ErrExpired) {
		t.Errorf("expired: %v", err)
	}
	whole := i.token(t, es, good())
	for at := range whole {
		for _, c := range []byte{'A', 'B', '.'} {
			changed := whole[:at] + string(c) + whole[at+1:]
			if changed == whole {
				continue
			}
			if _, err := v.Verify(t.Context(), changed, testNow); err == nil {
				t.Fatalf("accepted with %q at %d", c, at)
			}
		}
	}
}

// TestRotation: an unknown key makes the set be fetched anew, but not all the time.
func TestRotation(t *testing.T) {
	first, second := newIssuer(t), newIssuer(t)
	current, fetched := first, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetched++
		if current == nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Write(current.set())
	}))
	defer server.Close()
	v := &Verifier{Issuer: "https://issuer", Audiences: []string{"sts.amazonaws.com"}, Keys: NewKeys(Location{URL: server.URL})}
	verify := func(i *issuer, head string, after time.Duration) error {
		_, err := v.Verify(t.Context(), i.token(t, head, with("exp", testNow.Add(24*time.Hour).Unix())), testNow.Add(after))
		return err
	}
	es := `{"alg":"ES256","kid":"e"}`
	if err := verify(first, es, 0); err != nil || fetched != 1 {
		t.Fatalf("%v, fetched %d times", err, fetched)
	}
	for range 10 {
		verify(first, `{"alg":"ES256","kid":"unknown"}`, time.Second)
	}
	if fetched != 1 {
		t.Fatalf("fetched %d times for unknown keys", fetched)
	}
	current = second
	if err := verify(second, es, maxAge); err != nil || fetched != 2 {
		t.Fatalf("after the change: %v, fetched %d times", err, fetched)
	}
	current = nil
	if err := verify(second, es, 2*maxAge); err != nil || fetched != 3 {
		t.Fatalf("with the issuer down: %v, fetched %d times", err, fetched)
	}
}

func TestKeySets(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON": "x", "no keys": `{"keys":[]}`, "small RSA": `{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}]}`,
		"not on the curve": `{"keys":[{"kty":"EC","crv":"P-256","x":"` + b64(make([]byte, 32)) + `","y":"` + b64(make([]byte, 32)) + `"}]}`,
		"for encryption":   `{"keys":[{"kty":"RSA","use":"enc"}]}`,
		"too many":         `{"keys":[` + strings.Repeat(`{"kty":"RSA"},`, maxKeys) + `{"kty":"RSA"}]}`,
	} {
		if _, err := parseSet([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := readAll(strings.NewReader(strings.Repeat(" ", maxKeySet+1))); err == nil {
		t.Error("too long a set is read")
	}
	k := NewKeys(Location{File: filepath.Join(t.TempDir(), "missing")})
	if _, err := k.find(t.Context(), "x", "RS256", testNow); err == nil || !strings.Contains(fmt.Sprint(err), "cannot be read") {
		t.Errorf("missing file: %v", err)
	}
}
