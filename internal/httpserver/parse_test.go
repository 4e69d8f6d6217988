package httpserver

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

const (
	testHeader = 2 << 10
	testBody   = 4 << 10
)

func newRequest() *request {
	return &request{header: http.Header{}, maxHeader: testHeader, maxBody: testBody}
}

// usual is a request as an SDK writes it.
const usual = "POST / HTTP/1.1\r\nHost: 127.0.0.1:8053\r\nUser-Agent: aws-sdk-go-v2/1.47\r\nContent-Length: 2\r\n" +
	"amz-sdk-invocation-id: 1\r\nContent-Type:application/x-amz-json-1.1\r\nx-amz-target: \t T.Op \r\nX-Odd_Name: \xe9, \r\n\r\n{}"

func TestParse(t *testing.T) {
	header := func(fields string) string { return "POST / HTTP/1.1\r\n" + fields + "\r\n" }
	long := strings.Repeat("x", testHeader)
	for _, c := range []struct {
		in   string
		want verdict
	}{
		{"", partial}, {"PO", partial}, {"POST / HTTP/1.1\r\n", partial}, {"POST / HTTP/1.1\r\nHost: a\r\n", partial},
		{usual, whole}, {usual + usual, whole}, {usual[:len(usual)-1], partial}, {usual[:len(usual)-3], partial},
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", other}, {"PUT", other}, {"POST /x HTTP/1.1\r\n", other},
		{"POST http://a/ HTTP/1.1\r\n", other}, {"POST / HTTP/1.0\r\n", other}, {"\r\nPOST / HTTP/1.1", other}, {"\x16\x03\x01", other},
		{header("Host: a\r\nContent-Length: 0\r\n"), whole},
		{header("Host: a\r\nContent-Length: 0\r\nConnection: keep-alive\r\n"), whole},
		{header("Host: a\r\n"), other}, {header("Content-Length: 0\r\n"), other},
		{header("Host: a\r\nHost: a\r\nContent-Length: 0\r\n"), other}, {header("Host: \r\nContent-Length: 0\r\n"), other},
		{header("Host: a b\r\nContent-Length: 0\r\n"), other}, {header("Host: a/b\r\nContent-Length: 0\r\n"), other},
		{header("Host: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n"), other},
		{header("Host: a\r\nContent-Length: +1\r\n"), other}, {header("Host: a\r\nContent-Length: 1, 1\r\n"), other},
		{header("Host: a\r\nContent-Length: 99999999\r\n"), other}, {header("Host: a\r\nContent-Length: 4097\r\n"), other},
		{header("Host: a\r\nContent-Length: 4096\r\n"), partial}, {header("Host: a\r\nContent-Length:\r\n"), other},
		{header("Host: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n"), other},
		{header("Host: a\r\nContent-Length: 0\r\ntransfer-encoding: identity\r\n"), other},
		{header("Host: a\r\nContent-Length: 0\r\nExpect: 100-continue\r\n"), other},
		{header("Host: a\r\nContent-Length: 0\r\nConnection: close\r\n"), other},
		{header("Host: a\r\nContent-Length: 0\r\nUpgrade: h2c\r\n"), other},
		{header("Host: a\r\nContent-Length: 0\r\nX: 1\r\nx: 2\r\n"), other},
		{header("Host: a\r\nContent-Length: 0\r\n folded\r\n"), other}, {header("Host : a\r\nContent-Length: 0\r\n"), other},
		{header(": a\r\nHost: a\r\nContent-Length: 0\r\n"), other}, {header("no colon\r\n"), other},
		{header("Host: a\nContent-Length: 0\r\n"), other}, {"POST / HTTP/1.1\r\nHost: a\n", other},
		{header("Host: a\r\nX: \x00\r\nContent-Length: 0\r\n"), other}, {header("Host: a\r\nX: \r\r\nContent-Length: 0\r\n"), other},
		{"POST / HTTP/1.1\r\nX: " + long, other},
		{header("Host: a\r\nContent-Length: 0\r\nX: " + long + "\r\n"), other},
	} {
		if got := newRequest().parse([]byte(c.in)); got != c.want {
			t.Errorf("%q: %d, want %d", c.in, got, c.want)
		}
	}
	r := newRequest()
	r.parse([]byte(usual))
	if r.header["X-Amz-Target"][0] != "T.Op" || r.header["X-Odd_name"][0] != "\xe9," || r.header["Amz-Sdk-Invocation-Id"][0] != "1" {
		t.Errorf("%q", r.header)
	}
}

// FuzzAgainstNetHTTP: what is served here, net/http reads in the same way; what is
// taken for the beginning of a request, net/http does not answer yet either.
func FuzzAgainstNetHTTP(f *testing.F) {
	for _, seed := range []string{usual, usual + usual, usual[:30], usual[:len(usual)-1],
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: [::1]:80\r\ncontent-length: 00001\r\nCookie: a=b; c\r\nX-Amz-Date: \r\n\r\nxyz"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := newRequest()
		switch r.parse(in) {
		case whole:
			sameAsNetHTTP(t, in, r)
		case partial:
			incomplete(t, in)
		}
	})
}

func sameAsNetHTTP(t *testing.T, in []byte, r *request) {
	rd := bufio.NewReader(bytes.NewReader(in))
	want, err := http.ReadRequest(rd)
	if err != nil {
		t.Fatalf("net/http refuses it: %v", err)
	}
	body, err := io.ReadAll(want.Body)
	if err != nil || !bytes.Equal(body, in[r.body:r.end]) {
		t.Fatalf("body %q, net/http has %q, %v", in[r.body:r.end], body, err)
	}
	if want.Method != "POST" || want.RequestURI != "/" || want.Proto != "HTTP/1.1" || want.Close || want.Host != r.host ||
		want.ContentLength != int64(r.length) || len(want.TransferEncoding) > 0 || len(want.Trailer) > 0 {
		t.Fatalf("net/http has %+v", want)
	}
	if !reflect.DeepEqual(r.header, want.Header) {
		t.Fatalf("header\n%q, net/http has\n%q", r.header, want.Header)
	}
	rest, _ := io.ReadAll(rd)
	if !bytes.Equal(rest, in[r.end:]) {
		t.Fatalf("%q follows, in net/http %q", in[r.end:], rest)
	}
}

func incomplete(t *testing.T, in []byte) {
	more := new(asked)
	want, err := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader(in), more)))
	if err == nil {
		_, err = io.ReadAll(want.Body)
	}
	if !*more {
		t.Fatalf("net/http would answer without more: %v", err)
	}
}

// asked is the end of what has come so far. It is true once that was read.
type asked bool

func (a *asked) Read([]byte) (int, error) {
	*a = true
	return 0, io.ErrUnexpectedEOF
}
