package sts

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/internal/oidc"
)

// signer signs the tokens of an issuer whose keys are served at a URL.
type signer struct {
	*testing.T
	key *ecdsa.PrivateKey
	url string
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"keys":[{"kty":"EC","kid":"e","crv":"P-256","x":%q,"y":%q}]}`, encoded(point[1:33]), encoded(point[33:]))
	}))
	t.Cleanup(server.Close)
	return &signer{t, key, server.URL}
}

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// token signs a payload.
func (s *signer) token(payload string) string {
	signed := encoded([]byte(`{"alg":"ES256","kid":"e"}`)) + "." + encoded([]byte(payload))
	sum := sha256.Sum256([]byte(signed))
	r, v, err := ecdsa.Sign(rand.Reader, s.key, sum[:])
	if err != nil {
		s.Fatal(err)
	}
	return signed + "." + encoded(append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...))
}

// webTrust has the conditions that AWS's examples have, and a Deny for everybody.
const webTrust = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111111111111:oidc-provider/issuer.example"},"Action":"sts:AssumeRoleWithWebIdentity",
	 "Condition":{"StringEquals":{"issuer.example:sub":["shop:web","shop:banned"],"issuer.example:aud":"a"}}},
	{"Effect":"Deny","Principal":"*","Action":"sts:*","Condition":{"StringEquals":{"issuer.example:sub":"shop:banned"}}}]}`

// TestWebIdentity: what a genuine token gives, and which tokens give nothing. The keys
// come from a URL.
func TestWebIdentity(t *testing.T) {
	h, s := newHarness(t), newSigner(t)
	provider := Provider{identity.ProviderARN(account, issuer), &oidc.Verifier{
		Issuer: issuer, Audiences: []string{"a", "b"}, Keys: oidc.NewKeys(oidc.Location{URL: s.url}),
	}}
	h.providers = []Provider{provider}
	h.trust(webTrust)
	const good = `{"iss":"https://issuer.example","sub":"shop:web","aud":"a","exp":1800000600}`
	form := func(token string) string { return base + "&WebIdentityToken=" + url.QueryEscape(token) }

	answer, e := h.try("AssumeRoleWithWebIdentity", "", form(s.token(good)))
	if e != nil {
		t.Fatal(e)
	}
	var parsed struct {
		Result struct {
			Credentials                                     struct{ SessionToken string }
			AssumedRoleUser                                 struct{ Arn string }
			SubjectFromWebIdentityToken, Audience, Provider string
		} `xml:"AssumeRoleWithWebIdentityResult"`
	}
	if err := xml.Unmarshal([]byte(answer), &parsed); err != nil {
		t.Fatal(err)
	}
	r := parsed.Result
	session, err := h.sessions.Open(r.Credentials.SessionToken)
	if err != nil || session.Provider != provider.ARN || session.Expires-session.Issued != 3600 {
		t.Errorf("%+v, %v", session, err)
	}
	if r.SubjectFromWebIdentityToken != "shop:web" || r.Audience != "a" || r.Provider != provider.ARN ||
		r.AssumedRoleUser.Arn != "arn:aws:sts::111111111111:assumed-role/deployer/me" {
		t.Errorf("%s", answer)
	}

	change := func(old, new string) string { return s.token(strings.Replace(good, old, new, 1)) }
	for _, tt := range []struct{ name, token, code, text string }{
		{"another subject", change("shop:web", "shop:db"), "AccessDenied", ""},
		{"Deny for everybody", change("shop:web", "shop:banned"), "AccessDenied", ""},
		{"SUB", change(`"aud"`, `"SUB":"shop:web","sub2":"","aud"`), "", ""}, // unknown claims are ignored
		{"SUB in place of sub", change(`"sub"`, `"sub":"x","SUB"`), "AccessDenied", ""},
		{"SUB before sub", change(`{"iss"`, `{"SUB":"shop:web","iss"`), "", ""},
		{"sub twice", change(`"aud"`, `"sub":"shop:web","aud"`), "InvalidIdentityToken", "twice"},
		{"sub twice, escaped", change(`"aud"`, `"s\u0075b":"shop:web","aud"`), "InvalidIdentityToken", "twice"},
		{"another audience", change(`"aud":"a"`, `"aud":"c"`), "InvalidIdentityToken", "another audience"},
		{"an audience that the role does not trust", change(`"aud":"a"`, `"aud":"b"`), "AccessDenied", ""},
		{"AUD", change(`"aud"`, `"AUD"`), "InvalidIdentityToken", "another audience"},
		{"expired", change("1800000600", "1799999000"), "ExpiredTokenException", ""},
		{"without an end", change(`,"exp":1800000600`, ""), "InvalidIdentityToken", "never expires"},
		{"not yet", change(`"aud"`, `"nbf":1800000600,"aud"`), "InvalidIdentityToken", "not valid yet"},
		{"an end that is text", change("1800000600", `"1800000600"`), "InvalidIdentityToken", "exp is not a number"},
		{"another issuer", change("issuer.example", "other.example"), "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://other.example"},
		{"the issuer by other letters", change("issuer.example", "ISSUER.example"), "InvalidIdentityToken", "No OpenIDConnect provider"},
		{"no issuer", change("https://issuer.example", ""), "InvalidIdentityToken", "no issuer"},
		{"another key", newSigner(t).token(good), "InvalidIdentityToken", "signature is wrong"},
		{"no signature", s.token(good)[:strings.LastIndexByte(s.token(good), '.')+1], "InvalidIdentityToken", ""},
		{"two parts", "aa.bb", "InvalidIdentityToken", "not a JSON Web Token"},
		{"not base64", "?.?.?", "InvalidIdentityToken", "not base64"},
		{"a list", s.token(`[]`), "InvalidIdentityToken", "not a JSON object"},
	} {
		answer, e := h.try("AssumeRoleWithWebIdentity", "", form(tt.token))
		switch {
		case e == nil && tt.code != "":
			t.Errorf("%s: %s", tt.name, answer)
		case e != nil && (e.Code != tt.code || !strings.Contains(e.Message, tt.text)):
			t.Errorf("%s: got %s: %s, want %s: %s", tt.name, e.Code, e.Message, tt.code, tt.text)
		case e != nil && strings.Contains(e.Message, s.url):
			t.Errorf("%s: the error names the address of the keys: %s", tt.name, e.Message)
		}
	}
	for _, name := range []string{"other", "deployer2"} {
		h.fails("AssumeRoleWithWebIdentity", "", strings.Replace(form(s.token(good)), "deployer", name, 1), "AccessDenied", "sts:AssumeRoleWithWebIdentity")
	}
	elsewhere := strings.Replace(form(s.token(good)), account, "222222222222", 1)
	h.fails("AssumeRoleWithWebIdentity", "", elsewhere, "InvalidIdentityToken", "No OpenIDConnect provider")
	h.fails("AssumeRoleWithWebIdentity", "", base, "ValidationError", "Value null at 'webIdentityToken'")
	h.fails("AssumeRoleWithWebIdentity", "", form("a.b"), "ValidationError", "at 'webIdentityToken'")
	h.fails("AssumeRoleWithWebIdentity", "", form(strings.Repeat("a", 20001)), "ValidationError", "at 'webIdentityToken'")
	h.fails("AssumeRoleWithWebIdentity", "", form(s.token(good))+"&ProviderId=www.amazon.com", "ValidationError", "ProviderId is not supported")
	h.fails("AssumeRoleWithWebIdentity", "", form(s.token(good))+"&Policy=", "ValidationError", "at 'policy'")
}

// TestChainedSession: a session that assumes a role has an hour at most, and keeps its
// source identity.
func TestChainedSession(t *testing.T) {
	h := newHarness(t)
	if _, e := h.try("AssumeRole", "ann", base+"&SourceIdentity=ann"); e != nil {
		t.Fatal(e)
	}
	first, err := h.directory.Session(h.latest())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ form, code string }{
		{base + "&DurationSeconds=3600", ""},
		{base + "&DurationSeconds=3601", "ValidationError"},
		{base + "&SourceIdentity=bob", "AccessDenied"},
	} {
		h.caller = first
		_, e := h.try("AssumeRole", "", tt.form)
		switch {
		case e != nil && e.Code != tt.code || e == nil && tt.code != "":
			t.Errorf("%s: %v", tt.form, e)
		case e == nil && h.latest().SourceIdentity != "ann":
			t.Errorf("%s: %+v", tt.form, h.latest())
		}
	}
}
