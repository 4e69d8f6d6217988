package sigv4

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"
)

const (
	oracleRegion  = "eu-west-1"
	oracleService = "servicediscovery"
)

// signed is a request as the official signer made it.
type signed struct {
	req       Request
	presigned bool
	now       time.Time
}

// signRequest has the official Go signer sign a request.
func signRequest(t fataler, r Request, token string, presign bool, expires int, now time.Time) signed {
	target := "https://" + r.Host + r.Path
	if r.RawQuery != "" {
		target += "?" + r.RawQuery
	}
	h, err := http.NewRequest(r.Method, target, bytes.NewReader(r.Body))
	if err != nil {
		t.Fatalf("%v", err)
	}
	h.Header = http.Header(r.Header).Clone()
	creds := aws.Credentials{AccessKeyID: suiteKey, SecretAccessKey: suiteSecret, SessionToken: token}
	sum := sha256.Sum256(r.Body)
	hash := hex.EncodeToString(sum[:])
	signer := v4.NewSigner()
	if !presign {
		if err := signer.SignHTTP(context.Background(), creds, h, hash, oracleService, oracleRegion, now); err != nil {
			t.Fatalf("%v", err)
		}
		r.Header, r.RawQuery = h.Header, h.URL.RawQuery
		return signed{r.arrived(), false, now}
	}
	if expires > 0 {
		q := h.URL.Query()
		q.Set("X-Amz-Expires", fmt.Sprint(expires))
		h.URL.RawQuery = q.Encode()
	}
	link, header, err := signer.PresignHTTP(context.Background(), creds, h, hash, oracleService, oracleRegion, now)
	if err != nil {
		t.Fatalf("%v", err)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatalf("%v", err)
	}
	header.Del("Host")
	r.Header, r.RawQuery = header, u.RawQuery
	return signed{r.arrived(), true, now}
}

// arrived gives the request the form that net/http gives it on a server.
func (r Request) arrived() Request {
	if len(r.Body) > 0 {
		http.Header(r.Header).Set("Content-Length", fmt.Sprint(len(r.Body)))
	}
	return r
}

type fataler interface {
	Fatalf(format string, args ...any)
}

func drawRequest(t *rapid.T) Request {
	word := rapid.StringMatching(`[A-Za-z0-9._~-]{1,8}`)
	r := Request{
		Method: rapid.SampledFrom([]string{"POST", "GET", "PUT", "DELETE"}).Draw(t, "method"),
		Path:   drawPath(t),
		Host:   rapid.SampledFrom([]string{"data-127.0.0.1:8053", "localhost:8053", "servicediscovery.eu-west-1.amazonaws.com", "[::1]:8053"}).Draw(t, "host"),
		Header: map[string][]string{},
		Body:   rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "body"),
	}
	q := url.Values{}
	for range rapid.IntRange(0, 4).Draw(t, "parameters") {
		q.Set(word.Draw(t, "name"), rapid.StringN(0, 6, 20).Draw(t, "value"))
	}
	r.RawQuery = q.Encode()
	header := http.Header(r.Header)
	header.Set("Content-Type", "application/x-amz-json-1.1")
	header.Set("X-Amz-Target", "Route53AutoNaming_v20170314."+word.Draw(t, "operation"))
	for i := range rapid.IntRange(0, 3).Draw(t, "headers") {
		// Go's signer does not fold tabs, so none are drawn.
		header.Add(fmt.Sprintf("My-Header-%d", i), strings.Trim(rapid.StringMatching(`[!-~]{1,4}( {1,3}[!-~]{1,4}){0,3}`).Draw(t, "header"), " "))
	}
	return r
}

// drawPath draws normal paths: Go's signer does not normalise.
func drawPath(t *rapid.T) string {
	path := ""
	for range rapid.IntRange(0, 3).Draw(t, "segments") {
		path += "/" + url.PathEscape(rapid.StringMatching(`[A-Za-z0-9 +%:@,;=&$!é-]{1,6}`).Draw(t, "segment"))
	}
	return path + rapid.SampledFrom([]string{"/", ""}).Draw(t, "end")
}

func drawSigned(t *rapid.T) signed {
	now := time.Unix(rapid.Int64Range(1e9, 4e9).Draw(t, "now"), 0).UTC()
	token := ""
	if rapid.Bool().Draw(t, "session") {
		token = rapid.StringMatching(`[A-Za-z0-9+/=]{1,60}`).Draw(t, "token")
	}
	r, presign := drawRequest(t), rapid.Bool().Draw(t, "presign")
	if r.Path == "" {
		r.Path = "/"
	}
	return signRequest(t, r, token, presign, rapid.SampledFrom([]int{0, 1, 900, 604800}).Draw(t, "expires"), now)
}

// TestOfficialSigner: what the official signer signs is accepted, and nothing
// whose canonical form, made by the model below, differs from it is.
func TestOfficialSigner(t *testing.T) {
	v := NewVerifier()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSigned(t)
		if err := verifyAll(v, &s.req, oracleRegion, oracleService, suiteSecret, s.now); err != nil {
			t.Fatalf("the official signature is refused: %v\n%+v", err, s.req)
		}
		want := modelCanonical(&s.req)
		for range 40 {
			m := mutate(t, s.req)
			err := verifyAll(v, &m, oracleRegion, oracleService, suiteSecret, s.now)
			if err == nil && modelCanonical(&m) != want {
				t.Fatalf("accepted though it differs\nsigned  %+v\nmutated %+v", s.req, m)
			}
			if _, ok := errors.AsType[*Error](err); err != nil && !ok {
				t.Fatalf("untyped error %v", err)
			}
		}
	})
}

// TestChangedPartsAreRefused changes, in every way that means something, what
// was signed.
func TestChangedPartsAreRefused(t *testing.T) {
	v := NewVerifier()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSigned(t)
		for name, change := range changes {
			m := s.req.clone()
			if !change(&m) {
				continue
			}
			if err := verifyAll(v, &m, oracleRegion, oracleService, suiteSecret, s.now); err == nil {
				t.Fatalf("%s: accepted\n%+v", name, m)
			}
		}
		for name, err := range map[string]error{
			"region":  verifyAll(v, &s.req, "us-east-1", oracleService, suiteSecret, s.now),
			"service": verifyAll(v, &s.req, oracleRegion, "sts", suiteSecret, s.now),
			"secret":  verifyAll(v, &s.req, oracleRegion, oracleService, suiteSecret+"x", s.now),
			"early":   verifyAll(v, &s.req, oracleRegion, oracleService, suiteSecret, s.now.Add(-window-time.Second)),
			"late":    verifyAll(v, &s.req, oracleRegion, oracleService, suiteSecret, s.now.Add(maxExpires+time.Second)),
		} {
			if err == nil {
				t.Fatalf("another %s is accepted", name)
			}
		}
	})
}

func (r Request) clone() Request {
	r.Header = http.Header(r.Header).Clone()
	r.Body = bytes.Clone(r.Body)
	return r
}

// changes are each false where they do not apply.
var changes = map[string]func(r *Request) bool{
	"method":         func(r *Request) bool { r.Method += "X"; return true },
	"path":           func(r *Request) bool { r.Path += "/x"; return true },
	"host":           func(r *Request) bool { r.Host = "evil." + r.Host; return true },
	"port":           func(r *Request) bool { r.Host += "0"; return true },
	"body grows":     func(r *Request) bool { r.Body = append(r.Body, ' '); return true },
	"body byte":      func(r *Request) bool { return len(r.Body) > 0 && flip(r.Body) },
	"body dropped":   func(r *Request) bool { ok := len(r.Body) > 0; r.Body = nil; return ok },
	"more query":     func(r *Request) bool { r.RawQuery += "&zz=1"; return true },
	"target":         func(r *Request) bool { return changeHeader(r, "X-Amz-Target") },
	"target dropped": func(r *Request) bool { return dropHeader(r, "X-Amz-Target") },
	"content type":   func(r *Request) bool { return changeHeader(r, "Content-Type") },
	"type dropped":   func(r *Request) bool { return dropHeader(r, "Content-Type") },
	"date":           func(r *Request) bool { return changeHeader(r, "X-Amz-Date") },
	"token":          func(r *Request) bool { return changeHeader(r, "X-Amz-Security-Token") },
	"header twice": func(r *Request) bool {
		http.Header(r.Header).Add("X-Amz-Target", "Route53AutoNaming_v20170314.DeleteNamespace")
		return true
	},
	"unsigned x-amz header":  func(r *Request) bool { r.Header["X-Amz-Extra"] = []string{"1"}; return true },
	"key":                    func(r *Request) bool { return replaceAuth(r, suiteKey, "AKIDEXAMPLF") },
	"region in the scope":    func(r *Request) bool { return replaceAuth(r, oracleRegion, "us-east-1") },
	"service in the scope":   func(r *Request) bool { return replaceAuth(r, oracleService, "sts") },
	"algorithm":              func(r *Request) bool { return replaceAuth(r, "AWS4-HMAC", "AWS4-ECDSA-P256") },
	"signed headers":         func(r *Request) bool { return replaceAuth(r, "host", "host;host") },
	"host not signed":        func(r *Request) bool { return replaceAuth(r, "host", "x") },
	"presigned for longer":   func(r *Request) bool { return replaceAuth(r, "X-Amz-Expires=", "X-Amz-Expires=1") },
	"presigned without date": func(r *Request) bool { return replaceAuth(r, "X-Amz-Date=", "X-Amz-Dat=") },
	"upper-case signature": func(r *Request) bool {
		was := r.Header["Authorization"]
		if len(was) == 0 {
			return false
		}
		head, sig, _ := strings.Cut(was[0], "Signature=")
		r.Header["Authorization"] = []string{head + "Signature=" + strings.ToUpper(sig)}
		return strings.ToUpper(sig) != sig
	},
}

func flip(b []byte) bool { b[len(b)/2] ^= 1; return true }

func changeHeader(r *Request, key string) bool {
	was, ok := r.Header[key]
	if ok {
		r.Header[key] = []string{was[0] + "1"}
	}
	return ok
}

func dropHeader(r *Request, key string) bool {
	_, ok := r.Header[key]
	delete(r.Header, key)
	return ok
}

// replaceAuth changes the claim in the header or the query.
func replaceAuth(r *Request, from, to string) bool {
	if auth := r.Header["Authorization"]; len(auth) > 0 {
		next := strings.Replace(auth[0], from, to, 1)
		r.Header["Authorization"] = []string{next}
		return next != auth[0]
	}
	next := strings.Replace(r.RawQuery, from, to, 1)
	changed := next != r.RawQuery
	r.RawQuery = next
	return changed
}

// mutate changes one random byte somewhere: whether that means anything is for
// the model to say.
func mutate(t *rapid.T, r Request) Request {
	m := r.clone()
	change := func(s string) string {
		at := rapid.IntRange(0, len(s)).Draw(t, "at")
		c := rapid.SampledFrom([]string{"", " ", "/", ".", "%", "&", "=", "+", ";", ",", "a", "A", "0", "\t"}).Draw(t, "byte")
		if at < len(s) && rapid.Bool().Draw(t, "replace") {
			return s[:at] + c + s[at+1:]
		}
		return s[:at] + c + s[at:]
	}
	switch rapid.IntRange(0, 5).Draw(t, "part") {
	case 0:
		m.Path = change(m.Path)
	case 1, 2:
		m.RawQuery = change(m.RawQuery)
	case 3:
		m.Host = change(m.Host)
	case 4:
		m.Body = []byte(change(string(m.Body)))
	default:
		keys := make([]string, 0, len(m.Header))
		for key := range m.Header {
			keys = append(keys, key)
		}
		sort.Strings(keys)
		if len(keys) == 0 {
			break
		}
		key := rapid.SampledFrom(keys).Draw(t, "key")
		m.Header[key] = []string{change(m.Header[key][0])}
	}
	return m
}

// modelCanonical is the specification, slowly: everything that a signature says,
// in one text. It shares no code with the package.
func modelCanonical(r *Request) string {
	var b strings.Builder
	query, err := url.ParseQuery(strings.ReplaceAll(r.RawQuery, ";", "%3B"))
	if err != nil {
		return "unreadable"
	}
	signedHeaders := query.Get("X-Amz-SignedHeaders")
	for _, field := range strings.FieldsFunc(strings.Join(r.Header["Authorization"], ""), func(c rune) bool { return c == ',' || c == ' ' || c == '\t' }) {
		if list, ok := strings.CutPrefix(field, "SignedHeaders="); ok {
			signedHeaders = list
		}
		if credential, ok := strings.CutPrefix(field, "Credential="); ok {
			fmt.Fprintln(&b, credential)
		}
	}
	fmt.Fprintln(&b, r.Method)
	fmt.Fprintln(&b, modelPath(r.Path))
	for _, list := range query {
		sort.Strings(list)
	}
	query.Del("X-Amz-Signature")
	fmt.Fprintln(&b, query.Encode())
	for name := range strings.SplitSeq(signedHeaders, ";") {
		values := http.Header(r.Header).Values(name)
		if name == "host" {
			values = []string{r.Host}
		}
		for i, v := range values {
			values[i] = strings.Join(strings.FieldsFunc(v, func(c rune) bool { return c < 128 && strings.ContainsRune(" \t\n\v\f\r", c) }), " ")
		}
		fmt.Fprintln(&b, name, strings.Join(values, ","))
	}
	fmt.Fprintf(&b, "%x", sha256.Sum256(r.Body))
	return b.String()
}

func modelPath(path string) string {
	u, err := url.Parse("http://h" + strings.ReplaceAll(strings.ReplaceAll("/"+strings.TrimPrefix(path, "/"), "%", "%25"), "?", "%3F"))
	if err != nil {
		return path
	}
	var kept []string
	parts := strings.Split(u.Path, "/")[1:]
	for i, p := range parts {
		last := i == len(parts)-1
		if p == ".." && len(kept) > 0 {
			kept = kept[:len(kept)-1]
		}
		if p != "" && p != "." && p != ".." {
			kept = append(kept, p)
		} else if last {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

// FuzzRaw reads any bytes as an HTTP request: nothing may panic, and nothing
// may be accepted.
func FuzzRaw(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: h\r\nX-Amz-Date: 20150830T123600Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + strings.Repeat("0", 64) + "\r\n\r\n"))
	f.Add([]byte("GET /?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fservice%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host&X-Amz-Signature=" + strings.Repeat("0", 64) + " HTTP/1.1\r\nHost: h\r\n\r\n"))
	f.Add([]byte("POST /a/../b?x=%zz&X-Amz-Signature HTTP/1.1\r\nHost: h\r\nAuthorization: AWS4-ECDSA-P256-SHA256 x\r\n\r\n"))
	v := NewVerifier()
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, err := http.ReadRequest(newReader(raw))
		if err != nil {
			return
		}
		body, err := io.ReadAll(io.LimitReader(h.Body, 1<<16))
		if err != nil {
			return
		}
		r := Request{Method: h.Method, Path: h.URL.EscapedPath(), RawQuery: h.URL.RawQuery, Host: h.Host, Header: h.Header, Body: body}
		err = verifyAll(v, &r, "us-east-1", "service", "a secret that nobody signed with", suiteNow)
		if _, ok := errors.AsType[*Error](err); !ok {
			t.Fatalf("not refused with a typed error: %v", err)
		}
	})
}
