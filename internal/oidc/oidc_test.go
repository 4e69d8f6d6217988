package oidc

import (
	"bytes"
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
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var testNow = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

type issuer struct {
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey
}

func newIssuer(t testing.TB) *issuer {
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

func (i *issuer) token(t testing.TB, head string, claims map[string]any) string {
	t.Helper()
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return i.sign(t, head, body)
}

// sign signs with the algorithm that the header names; with none where it names
// none that is known.
func (i *issuer) sign(t testing.TB, head string, body []byte) string {
	t.Helper()
	signed := b64([]byte(head)) + "." + b64(body)
	sum := sha256.Sum256([]byte(signed))
	var sig []byte
	var err error
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
		{"not yet", i.token(t, es, with("nbf", testNow.Add(2*time.Minute).Unix())), "not valid yet"},
		{"another issuer", i.token(t, es, with("iss", "https://evil")), "another issuer"},
		{"another audience", i.token(t, es, with("aud", "x")), "another audience"},
		{"no audience", i.token(t, es, with("aud", nil)), "aud"},
		{"no subject", i.token(t, es, with("sub", "")), "no subject"},
		{"alg none", i.token(t, `{"alg":"none","kid":"r"}`, good()), "not signed with RS256 or ES256"},
		{"HS256 with the public key", i.token(t, `{"alg":"HS256","kid":"r"}`, good()), "not signed with RS256 or ES256"},
		{"key of the other algorithm", i.token(t, `{"alg":"RS256","kid":"e"}`, good()), "no such key"},
		{"unknown key", i.token(t, `{"alg":"RS256","kid":"x"}`, good()), "no such key"},
		{"critical extension", i.token(t, `{"alg":"RS256","kid":"r","crit":["b64"]}`, good()), "critical"},
		{"another's key", newIssuer(t).token(t, rs, good()), "signature is wrong"},
		{"two parts", "a.b", "not a JSON Web Token"},
		{"too long", strings.Repeat("a", maxToken+1), "longer"},
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

// transport answers requests for a key set in this process.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func respond(status int, body []byte) (*http.Response, error) {
	return &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader(body))}, nil
}

// TestRotation: an unknown key causes another read of the set, but not every time.
func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newIssuer(t), newIssuer(t)
		current, fetched := first, 0
		keys := NewKeys(Location{URL: "https://issuer/keys"})
		keys.client.Transport = transport(func(*http.Request) (*http.Response, error) {
			fetched++
			if current == nil {
				return respond(http.StatusServiceUnavailable, nil)
			}
			return respond(http.StatusOK, current.set())
		})
		v := &Verifier{Issuer: "https://issuer", Audiences: []string{"sts.amazonaws.com"}, Keys: keys}
		verify := func(i *issuer, head string, after time.Duration) error {
			_, err := v.Verify(t.Context(), i.token(t, head, with("exp", testNow.Add(24*time.Hour).Unix())), testNow.Add(after))
			synctest.Wait() // for a read that runs beside
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
		if err := verify(first, es, 2*maxAge-time.Second); err == nil || fetched != 3 {
			t.Fatalf("with the key that was replaced: %v, fetched %d times", err, fetched)
		}
		current = nil
		if err := verify(second, es, 3*maxAge); err != nil || fetched != 4 {
			t.Fatalf("with the issuer down: %v, fetched %d times", err, fetched)
		}
	})
}

// TestHangingIssuer: with a key URL that does not answer, only the tokens that
// no known key has signed wait; the last good set stays in use, and one read runs
// at a time.
func TestHangingIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		known, unknown := newIssuer(t), newIssuer(t)
		fetched, hanging := 0, false
		keys := NewKeys(Location{URL: "https://issuer/keys"})
		keys.client.Transport = transport(func(r *http.Request) (*http.Response, error) {
			fetched++
			if hanging {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return respond(http.StatusOK, known.set())
		})
		v := &Verifier{Issuer: "https://issuer", Audiences: []string{"sts.amazonaws.com"}, Keys: keys}
		late := with("exp", testNow.Add(48*time.Hour).Unix())
		honest := func(at time.Time) {
			t.Helper()
			start := time.Now()
			if _, err := v.Verify(t.Context(), known.token(t, `{"alg":"ES256","kid":"e"}`, late), at); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(start); waited > 0 {
				t.Errorf("an honest call waited for %v", waited)
			}
		}
		honest(testNow)
		hanging = true
		var waiting sync.WaitGroup
		for n := range 100 {
			waiting.Go(func() {
				head := fmt.Sprintf(`{"alg":"ES256","kid":"random-%d"}`, n)
				if _, err := v.Verify(t.Context(), unknown.token(t, head, late), testNow.Add(maxAge)); err == nil {
					t.Error("a token of an unknown key is accepted")
				}
			})
		}
		synctest.Wait()
		for range 10 {
			honest(testNow.Add(maxAge))
		}
		waiting.Wait()
		if fetched != 2 {
			t.Errorf("fetched %d times, want 2", fetched)
		}
	})
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
}

// TestKeysCannotBeRead: the caller is told so, without the name of the file.
func TestKeysCannotBeRead(t *testing.T) {
	var log strings.Builder
	file := filepath.Join(t.TempDir(), "missing")
	v := &Verifier{Issuer: "https://issuer", Audiences: []string{"sts.amazonaws.com"},
		Keys: NewKeys(Location{File: file, Logger: slog.New(slog.NewTextHandler(&log, nil))})}
	_, err := v.Verify(t.Context(), newIssuer(t).token(t, `{"alg":"ES256","kid":"e"}`, good()), testNow)
	if err == nil || !strings.Contains(err.Error(), "cannot be read") || strings.Contains(err.Error(), "missing") {
		t.Errorf("Verify() = %v", err)
	}
	if !strings.Contains(log.String(), file) {
		t.Errorf("the log does not name the file: %s", log.String())
	}
}

// TestClaimNames: names are exact, and none comes twice.
func TestClaimNames(t *testing.T) {
	i := newIssuer(t)
	file := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(file, i.set(), 0o600); err != nil {
		t.Fatal(err)
	}
	v := &Verifier{Issuer: "https://issuer", Audiences: []string{"sts.amazonaws.com"}, Keys: NewKeys(Location{File: file})}
	const rest = `"aud":"sts.amazonaws.com","exp":99999999999`
	for payload, want := range map[string]string{
		`{"iss":"https://issuer","sub":"attacker",` + rest + `}`:                          "attacker",
		`{"iss":"https://issuer","sub":"attacker","SUB":"web",` + rest + `}`:              "attacker",
		`{"iss":"https://issuer","Sub":"web","sub":"attacker",` + rest + `}`:              "attacker",
		`{"iss":"https://issuer","SUB":"web",` + rest + `}`:                               "", // no subject
		`{"iss":"https://issuer","sub":"attacker","sub":"web",` + rest + `}`:              "",
		`{"iss":"https://issuer","sub":"attacker","\u0073ub":"web",` + rest + `}`:         "",
		`{"iss":"https://evil","ISS":"https://issuer","sub":"web",` + rest + `}`:          "",
		`{"iss":"https://evil","iss":"https://issuer","sub":"web",` + rest + `}`:          "",
		`{"iss":"https://issuer","sub":"web","AUD":"sts.amazonaws.com","exp":9999999999}`: "",
		`{"iss":"https://issuer","sub":"web","aud":"sts.amazonaws.com","EXP":9999999999}`: "",
		`{"iss":"https://issuer","sub":"web","x":1,"x":2,` + rest + `}`:                   "",
		`{"iss":"https://issuer","sub":"web",` + rest + `}{}`:                             "",
		`["iss"]`: "",
	} {
		claims, err := v.Verify(t.Context(), i.sign(t, `{"alg":"ES256","kid":"e"}`, []byte(payload)), testNow)
		got := ""
		if err == nil {
			got = claims.Subject
		}
		if got != want {
			t.Errorf("%s: subject %q, %v; want %q", payload, got, err, want)
		}
	}
}

// TestJSONForm: a token in JSON form can have signatures of several, and its
// header need not be signed.
func TestJSONForm(t *testing.T) {
	i := newIssuer(t)
	file := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(file, i.set(), 0o600); err != nil {
		t.Fatal(err)
	}
	v := &Verifier{Issuer: "https://issuer", Audiences: []string{"sts.amazonaws.com"}, Keys: NewKeys(Location{File: file})}
	parts := strings.Split(i.token(t, `{"alg":"ES256","kid":"e"}`, good()), ".")
	for _, token := range []string{
		`{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`,
		`{"a":"1.2.3","protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`,
	} {
		if _, err := v.Verify(t.Context(), token, testNow); err == nil {
			t.Errorf("accepted: %s", token)
		}
	}
}

func FuzzVerify(f *testing.F) {
	i := newIssuer(f)
	file := filepath.Join(f.TempDir(), "jwks.json")
	if err := os.WriteFile(file, i.set(), 0o600); err != nil {
		f.Fatal(err)
	}
	v := &Verifier{Issuer: "https://issuer", Audiences: []string{"sts.amazonaws.com"}, Keys: NewKeys(Location{File: file})}
	f.Add(`{"alg":"ES256","kid":"e"}`, []byte(`{"iss":"https://issuer","sub":"a","aud":["sts.amazonaws.com"],"exp":99999999999}`), true)
	f.Add(`{"alg":"RS256","kid":"r"}`, []byte(`{"iss":"https://issuer","sub":"a","SUB":"b","aud":"sts.amazonaws.com","exp":1e10,"nbf":1}`), true)
	f.Add(`{"alg":"none"}`, []byte(`{"iss":"https://issuer"}`), false)
	f.Fuzz(func(t *testing.T, header string, payload []byte, genuine bool) {
		token := b64([]byte(header)) + "." + b64(payload) + "." + b64(make([]byte, 64))
		if genuine {
			token = i.sign(t, header, payload)
		}
		_, _ = Issuer(token)
		claims, err := v.Verify(t.Context(), token, testNow)
		if err != nil {
			return
		}
		var exact map[string]json.RawMessage
		if err := json.Unmarshal(payload, &exact); err != nil || !genuine {
			t.Fatalf("accepted a token that is not genuine or not JSON: %v", err)
		}
		var subject, issuer string
		if json.Unmarshal(exact["sub"], &subject) != nil || json.Unmarshal(exact["iss"], &issuer) != nil ||
			subject != claims.Subject || issuer != v.Issuer {
			t.Errorf("claims %+v of %s", claims, payload)
		}
		if members, err := readMembers(payload); err != nil || len(members) != len(exact) {
			t.Errorf("%d members, %v; want %d of %s", len(members), err, len(exact), payload)
		}
	})
}

func FuzzKeySet(f *testing.F) {
	f.Add(newIssuer(f).set())
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","alg":"RS256"},{"kty":"oct","k":"AAAA"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := parseSet(text)
		if err != nil {
			return
		}
		for _, key := range set {
			if !key.IsPublic() || key.Algorithm != "RS256" && key.Algorithm != "ES256" {
				t.Errorf("key %+v", key)
			}
		}
	})
}
