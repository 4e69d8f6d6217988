package sigv4

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// The credentials, time and scope of AWS's published test suite for Signature
// Version 4.
const (
	suiteKey    = "AKIDEXAMPLE"
	suiteSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	suiteStamp  = "20150830T123600Z"
)

var suiteNow = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)

// vector is a case of the suite: what it is about is in its name. Where the
// signature is given it is the published one; elsewhere the canonical lines are.
type vector struct {
	name      string
	method    string
	path      string
	query     string
	headers   string // more headers, one a line, in the order of the wire
	signed    string // besides host and x-amz-date
	body      string
	wantPath  string
	wantQuery string
	wantLines string // of the headers in signed, joined by |
	signature string
}

var vectors = []vector{
	{name: "get-vanilla", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
	{name: "post-vanilla", method: "POST", signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
	{name: "get-vanilla-query-order-key-case", query: "Param2=value2&Param1=value1", wantQuery: "Param1=value1&Param2=value2",
		signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
	{name: "get-utf8", path: "/\u1234", wantPath: "/%E1%88%B4",
		signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
	{name: "get-space", path: "/example space/", wantPath: "/example%20space/",
		signature: "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
	{name: "get-unreserved", path: "/-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
		wantPath: "/-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"},
	{name: "get-header-key-duplicate", headers: "My-Header1: value2\nMy-Header1: value2\nMy-Header1: value1", signed: "my-header1",
		wantLines: "my-header1:value2,value2,value1", signature: "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
	{name: "get-header-value-trim", headers: "My-Header1:  value1\nMy-Header2:  \"a   b   c\"", signed: "my-header1;my-header2",
		wantLines: "my-header1:value1|my-header2:\"a b c\"", signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
	{name: "post-x-www-form-urlencoded", method: "POST", headers: "Content-Type: application/x-www-form-urlencoded", signed: "content-type",
		body: "Param1=value1", wantLines: "content-type:application/x-www-form-urlencoded",
		signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},

	{name: "get-header-value-order", headers: "My-Header1: value4\nMy-Header1: value1\nMy-Header1: value3", signed: "my-header1",
		wantLines: "my-header1:value4,value1,value3"},
	{name: "get-header-value-multiline, joined by the HTTP layer", headers: "My-Header1: value1   value2     value3", signed: "my-header1",
		wantLines: "my-header1:value1 value2 value3"},
	{name: "header value with tabs, as botocore, JS and Java fold them", headers: "My-Header1: a\t \tb", signed: "my-header1",
		wantLines: "my-header1:a b"},
	{name: "empty header value", headers: "My-Header1:", signed: "my-header1", wantLines: "my-header1:"},
	{name: "get-relative", path: "/example/..", wantPath: "/"},
	{name: "get-relative-relative", path: "/example1/example2/../..", wantPath: "/"},
	{name: "above the root", path: "/../../a", wantPath: "/a"},
	{name: "get-slash", path: "//", wantPath: "/"},
	{name: "get-slashes", path: "//example//", wantPath: "/example/"},
	{name: "get-slash-dot-slash", path: "/./", wantPath: "/"},
	{name: "get-slash-pointless-dot", path: "/./example", wantPath: "/example"},
	{name: "dot at the end", path: "/example/.", wantPath: "/example/"},
	{name: "empty path", path: "", wantPath: "/"},
	{name: "encoded path is encoded again", path: "/a%20b%2Fc+d", wantPath: "/a%2520b%252Fc%2Bd"},
	{name: "encoded dots stay", path: "/a/%2e%2e/b", wantPath: "/a/%252e%252e/b"},
	{name: "get-vanilla-empty-query-key", query: "Param1=value1", wantQuery: "Param1=value1"},
	{name: "get-vanilla-query-order-encoded", query: "Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
		wantQuery: "%E1%88%B4=Value1&Param=Value2&Param-3=Value3"},
	{name: "get-vanilla-query-order-key", query: "Param1=value2&Param1=Value1", wantQuery: "Param1=Value1&Param1=value2"},
	{name: "get-vanilla-query-unreserved", query: "-._~09azAZ=-._~09azAZ", wantQuery: "-._~09azAZ=-._~09azAZ"},
	{name: "get-vanilla-utf8-query", query: "\u1234=bar", wantQuery: "%E1%88%B4=bar"},
	{name: "query without a value", query: "acl&b=", wantQuery: "acl=&b="},
	{name: "query with lower-case escapes", query: "a=%e1%88%b4%2f", wantQuery: "a=%E1%88%B4%2F"},
	{name: "query with plus and equal signs", query: "a=b+c=d%2B", wantQuery: "a=b%20c%3Dd%2B"},
	{name: "names are sorted before values", query: "a%7E=1&a=2&a-=3", wantQuery: "a=2&a-=3&a~=1"},
	{name: "post-header-key-sort", method: "POST", headers: "My-Header1: value1", signed: "my-header1", wantLines: "my-header1:value1"},
}

func (v *vector) request() *Request {
	r := &Request{Method: "GET", Path: "/", RawQuery: v.query, Host: "example.amazonaws.com", Body: []byte(v.body),
		Header: map[string][]string{"X-Amz-Date": {suiteStamp}}}
	if v.method != "" {
		r.Method = v.method
	}
	if v.path != "" || v.name == "empty path" {
		r.Path = v.path
	}
	for line := range strings.SplitSeq(v.headers, "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			http.Header(r.Header).Add(name, strings.Trim(value, " "))
		}
	}
	return r
}

func (v *vector) signedHeaders() string {
	names := []string{"host", "x-amz-date"}
	switch {
	case v.signed == "":
	case v.signed < "host":
		names = append([]string{v.signed}, names...)
	default:
		names = []string{"host", v.signed, "x-amz-date"}
	}
	return strings.Join(names, ";")
}

func TestPublishedVectors(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			r := v.request()
			c := &Claim{AccessKeyID: suiteKey, Region: "us-east-1", Service: "service",
				date: suiteStamp[:8], stamp: suiteStamp, Time: suiteNow, signedHeaders: v.signedHeaders()}
			var s scratch
			if err := s.canonical(r, c); err != nil {
				t.Fatal(err)
			}
			v.compare(t, string(s.text))
			if v.signature == "" {
				return
			}
			r.Header["Authorization"] = []string{algorithm + " Credential=" + suiteKey + "/20150830/us-east-1/service/aws4_request, SignedHeaders=" +
				v.signedHeaders() + ", Signature=" + v.signature}
			if err := verifyAll(NewVerifier(), r, "us-east-1", "service", suiteSecret, suiteNow); err != nil {
				t.Fatalf("the published signature is refused: %v\n%s", err, s.text)
			}
		})
	}
}

func (v *vector) compare(t *testing.T, canonical string) {
	lines := strings.Split(canonical, "\n")
	if want := v.wantPath; want != "" && lines[1] != want {
		t.Errorf("path %q, want %q", lines[1], want)
	}
	if lines[2] != v.wantQuery {
		t.Errorf("query %q, want %q", lines[2], v.wantQuery)
	}
	if v.wantLines == "" {
		return
	}
	for line := range strings.SplitSeq(v.wantLines, "|") {
		if !strings.Contains(canonical, "\n"+line+"\n") {
			t.Errorf("no line %q in\n%s", line, canonical)
		}
	}
}

// verifyAll does what the front door does.
func verifyAll(v *Verifier, r *Request, region, service, secret string, now time.Time) error {
	c, err := Parse(r)
	if err != nil {
		return err
	}
	if c.AccessKeyID != suiteKey {
		return fail(Mismatch, "another key")
	}
	if err := c.Check(region, service, now); err != nil {
		return err
	}
	return v.Verify(r, &c, secret)
}
