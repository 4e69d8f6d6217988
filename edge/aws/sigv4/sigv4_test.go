package sigv4

import (
	"bufio"
	"bytes"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"
)

func newReader(raw []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(raw)) }

// signedCase is a request that the official signer signed for the suite's time.
func signedCase(t fataler, presign bool) Request {
	r := Request{Method: "POST", Path: "/", Host: "127.0.0.1:8053", Body: []byte(`{"NamespaceName":"n","ServiceName":"s"}`),
		Header: map[string][]string{
			"Content-Type": {"application/x-amz-json-1.1"},
			"X-Amz-Target": {"Route53AutoNaming_v20170314.DiscoverInstances"},
		}}
	return signRequest(t, r, "", presign, 60, suiteNow).req
}

// TestRefusals: each refusal has its kind and AWS's text.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name    string
		presign bool
		change  func(r *Request)
		after   time.Duration // from the time of signing
		kind    Kind
		text    string
	}{
		{name: "no Authorization", change: func(r *Request) { delete(r.Header, "Authorization") }, kind: Missing, text: "Missing Authentication Token"},
		{name: "empty Authorization", change: func(r *Request) { r.Header["Authorization"] = []string{""} }, kind: Unsupported, text: "algorithm"},
		{name: "two", change: func(r *Request) {
			r.Header["Authorization"] = append(r.Header["Authorization"], r.Header["Authorization"][0])
		}, kind: Incomplete, text: "more than one Authorization"},
		{name: "both forms", change: func(r *Request) { r.RawQuery = "X-Amz-Signature=1" }, kind: Incomplete, text: "one of the two"},
		{name: "SigV4a", change: func(r *Request) { replaceAuth(r, algorithm, "AWS4-ECDSA-P256-SHA256") }, kind: Unsupported, text: "SigV4a"},
		{name: "SigV2", change: func(r *Request) { r.Header["Authorization"] = []string{"AWS AKID:sig"} }, kind: Unsupported, text: "'AWS'"},
		{name: "bearer", change: func(r *Request) { r.Header["Authorization"] = []string{"Bearer abc"} }, kind: Unsupported, text: "'Bearer'"},
		{name: "no credential", change: func(r *Request) { replaceAuth(r, "Credential=", "Credentials=") }, kind: Incomplete, text: "unknown parameter"},
		{name: "no signature", change: func(r *Request) { cutAuth(r, ", Signature") }, kind: Incomplete, text: "requires 'Signature' parameter."},
		{name: "no equal sign", change: func(r *Request) { replaceAuth(r, "Signature=", "Signature") }, kind: Incomplete, text: "missing equal-sign"},
		{name: "short credential", change: func(r *Request) { replaceAuth(r, "/aws4_request", "") }, kind: Incomplete, text: "exactly 5 slash-delimited"},
		{name: "terminator", change: func(r *Request) { replaceAuth(r, "aws4_request", "aws5_request") }, kind: Scope, text: "valid terminator: 'aws4_request'"},
		{name: "scope of another day", change: func(r *Request) { replaceAuth(r, "/20150830/", "/20150831/") }, kind: Scope, text: "Date in Credential scope does not match"},
		{name: "no date", change: func(r *Request) { delete(r.Header, "X-Amz-Date") }, kind: Incomplete, text: "requires existence of either a 'X-Amz-Date' or a 'Date' header."},
		{name: "odd date", change: func(r *Request) { r.Header["X-Amz-Date"] = []string{"2015-08-30T12:36:00Z"} }, kind: Incomplete, text: "ISO-8601 'basic format'"},
		{name: "region", change: func(r *Request) { replaceAuth(r, oracleRegion, "mars-north-1") }, kind: Scope, text: "valid region"},
		{name: "service", change: func(r *Request) { replaceAuth(r, oracleService, "ecs") }, kind: Scope, text: "Credential should be scoped to correct service: 'servicediscovery'."},
		{name: "too late", after: window + time.Second, kind: Expired,
			text: "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)"},
		{name: "too early", after: -window - time.Second, kind: NotYet,
			text: "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)"},
		{name: "presigned, over", presign: true, after: 61 * time.Second, kind: Expired, text: "Signature expired: 20150830T123700Z"},
		{name: "expires too late", presign: true, change: func(r *Request) { replaceAuth(r, "X-Amz-Expires=60", "X-Amz-Expires=604801") }, kind: Incomplete, text: "X-Amz-Expires"},
		{name: "expires never", presign: true, change: func(r *Request) { replaceAuth(r, "X-Amz-Expires=60", "X-Amz-Expires=-1") }, kind: Incomplete, text: "X-Amz-Expires"},
		{name: "no credential in query", presign: true, change: func(r *Request) { replaceAuth(r, "X-Amz-Credential", "Credential") }, kind: Incomplete, text: "'X-Amz-Credential'"},
		{name: "parameter twice", presign: true, change: func(r *Request) { r.RawQuery += "&X-Amz-Date=1" }, kind: Incomplete, text: "more than one X-Amz-Date"},
		{name: "unsigned payload", change: func(r *Request) { signHash(r, "UNSIGNED-PAYLOAD") }, kind: Unsupported, text: "UNSIGNED-PAYLOAD"},
		{name: "streaming", change: func(r *Request) { signHash(r, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD") }, kind: Unsupported, text: "STREAMING"},
		{name: "chunked", change: func(r *Request) { r.Header["Content-Encoding"] = []string{"aws-chunked"} }, kind: Unsupported, text: "aws-chunked"},
		{name: "hash of another body", change: func(r *Request) { signHash(r, strings.Repeat("0", 64)) }, kind: Mismatch, text: "does not match"},
		{name: "unsorted", change: func(r *Request) { replaceAuth(r, "content-length;content-type", "content-type;content-length") }, kind: Incomplete, text: "sorted"},
		{name: "upper case", change: func(r *Request) { replaceAuth(r, "host", "Host") }, kind: Incomplete, text: "lower case"},
		{name: "host unsigned", change: func(r *Request) { replaceAuth(r, "host;", "") }, kind: Incomplete, text: "'Host' or ':authority'"},
		{name: "target unsigned", change: func(r *Request) { replaceAuth(r, ";x-amz-target", "") }, kind: Incomplete, text: "x-amz-target were sent but not signed"},
		{name: "signed header gone", change: func(r *Request) { delete(r.Header, "Content-Type") }, kind: Mismatch, text: "does not match"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := signedCase(t, c.presign)
			if c.change != nil {
				c.change(&r)
			}
			err := verifyAll(NewVerifier(), &r, oracleRegion, oracleService, suiteSecret, suiteNow.Add(c.after))
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != c.kind || !strings.Contains(e.Message, c.text) {
				t.Fatalf("got %#v, want kind %d with %q", err, c.kind, c.text)
			}
			if strings.Contains(e.Message, suiteSecret) {
				t.Fatal("the secret is in the text")
			}
		})
	}
}

func cutAuth(r *Request, from string) {
	head, _, _ := strings.Cut(r.Header["Authorization"][0], from)
	r.Header["Authorization"] = []string{head}
}

// signHash adds the header and lists it as signed; the signature is not made again.
func signHash(r *Request, hash string) {
	r.Header["X-Amz-Content-Sha256"] = []string{hash}
	replaceAuth(r, ";x-amz-date", ";x-amz-content-sha256;x-amz-date")
}

// TestEdgesOfTheWindow: both ends are inside.
func TestEdgesOfTheWindow(t *testing.T) {
	v, r := NewVerifier(), signedCase(t, false)
	for _, d := range []time.Duration{-window, 0, window} {
		if err := verifyAll(v, &r, oracleRegion, oracleService, suiteSecret, suiteNow.Add(d)); err != nil {
			t.Errorf("%v after: %v", d, err)
		}
	}
}

// TestDateHeader: a client may send Date instead of X-Amz-Date.
func TestDateHeader(t *testing.T) {
	r := &Request{Method: "GET", Path: "/", Host: "example.amazonaws.com", Header: map[string][]string{"Date": {"Sun, 30 Aug 2015 12:36:00 GMT"}}}
	auth := algorithm + " Credential=" + suiteKey + "/20150830/us-east-1/service/aws4_request, SignedHeaders=date;host, Signature="
	r.Header["Authorization"] = []string{auth + strings.Repeat("0", 64)}
	c, err := Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Time.Equal(suiteNow) || c.stamp != suiteStamp {
		t.Fatalf("time %v, stamp %s", c.Time, c.stamp)
	}
	r.Header["Authorization"] = []string{strings.Replace(auth, "date;", "", 1) + strings.Repeat("0", 64)}
	if _, err := Parse(r); err == nil {
		t.Fatal("a Date that is not signed is believed")
	}
}

// TestNewSecret: a key whose secret changed does not go on with the old one.
func TestNewSecret(t *testing.T) {
	v, r := NewVerifier(), signedCase(t, false)
	for _, c := range []struct {
		secret string
		ok     bool
	}{{suiteSecret, true}, {"another", false}, {suiteSecret, true}, {"", false}} {
		err := verifyAll(v, &r, oracleRegion, oracleService, c.secret, suiteNow)
		if (err == nil) != c.ok {
			t.Fatalf("%q: %v", c.secret, err)
		}
	}
}

// TestCacheIsBounded: more keys than it holds do not make it grow.
func TestCacheIsBounded(t *testing.T) {
	v := NewVerifier()
	for i := range 2 * maxKeys {
		v.key(&Claim{AccessKeyID: strconv.Itoa(i)}, "s")
	}
	if n := v.keys.Len(); n > maxKeys {
		t.Fatalf("%d keys", n)
	}
}

func BenchmarkVerify(b *testing.B) {
	v, r := NewVerifier(), signedCase(b, false)
	b.ReportAllocs()
	for b.Loop() {
		if err := verifyAll(v, &r, oracleRegion, oracleService, suiteSecret, suiteNow); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyBadSignature(b *testing.B) {
	v, r := NewVerifier(), signedCase(b, false)
	r.Body[3] ^= 1
	b.ReportAllocs()
	for b.Loop() {
		if err := verifyAll(v, &r, oracleRegion, oracleService, suiteSecret, suiteNow); err == nil {
			b.Fatal("accepted")
		}
	}
}

func BenchmarkVerifyPresigned(b *testing.B) {
	v, r := NewVerifier(), signedCase(b, true)
	b.ReportAllocs()
	for b.Loop() {
		if err := verifyAll(v, &r, oracleRegion, oracleService, suiteSecret, suiteNow); err != nil {
			b.Fatal(err)
		}
	}
}
