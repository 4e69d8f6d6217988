package aws_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/edge/aws"
)

func TestHeaders(t *testing.T) {
	s := start(t)
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	svc := s.service(s.namespace("h"), "s")
	for _, a := range []*answer{
		s.call("ListNamespaces", `{}`),
		s.call("GetNamespace", `{"Id":"ns-0"}`),
		s.call("NoSuchOperation", `{}`),
		s.call("DeleteService", `{"Id":"`+svc+`"}`),
	} {
		id := a.header.Get("x-amzn-RequestId")
		if !uuid.MatchString(id) || seen[id] {
			t.Errorf("request id %q", id)
		}
		seen[id] = true
		if got := a.header.Get("Content-Length"); got != strconv.Itoa(len(a.body)) {
			t.Errorf("Content-Length %s of a body of %d", got, len(a.body))
		}
		if _, err := http.ParseTime(a.header.Get("Date")); err != nil {
			t.Errorf("Date: %v", err) // SDKs set their clocks by it
		}
		if got := a.header.Get("Content-Type"); got != "application/x-amz-json-1.1" {
			t.Errorf("Content-Type %q", got)
		}
		if a.status == http.StatusOK && a.header.Get("x-amzn-ErrorType") != "" {
			t.Errorf("an error type on success: %v", a.header)
		}
	}
}

// TestSpelledAsAWS: names of headers have no case, but not every script knows.
func TestSpelledAsAWS(t *testing.T) {
	s := start(t)
	got := s.raw(rawRequest("POST / HTTP/1.1", "Connection: close", `{"Id":"ns-0"}`, "GetNamespace"))
	for _, name := range []string{"\r\nx-amzn-RequestId: ", "\r\nx-amzn-ErrorType: NamespaceNotFound\r\n"} {
		if !strings.Contains(got, name) {
			t.Errorf("no %q in %q", name, got)
		}
	}
}

func TestEmptyAnswers(t *testing.T) {
	s := start(t)
	ns := s.namespace("h")
	svc := s.must("CreateService", `{"Name":"s","NamespaceId":"`+ns+`","HealthCheckCustomConfig":{}}`).json["Service"].(map[string]any)["Id"].(string)
	s.must("RegisterInstance", `{"ServiceId":"`+svc+`","InstanceId":"i","Attributes":{}}`)
	if a := s.must("UpdateInstanceCustomHealthStatus", `{"ServiceId":"`+svc+`","InstanceId":"i","Status":"HEALTHY"}`); a.body != "" {
		t.Errorf("UpdateInstanceCustomHealthStatus answers %q; it has no output", a.body)
	}
	if a := s.must("UpdateServiceAttributes", `{"ServiceId":"`+svc+`","Attributes":{"k":"v"}}`); a.body != "{}" {
		t.Errorf("UpdateServiceAttributes answers %q", a.body)
	}
}

func TestTargets(t *testing.T) {
	s := start(t)
	for _, target := range []string{"", "x", "ListNamespaces", targetPrefix, targetPrefix + "CreateNamespace", targetPrefix + "listNamespaces",
		"Route53AutoNaming_v20170315.ListNamespaces", targetPrefix + "ListNamespaces.x", strings.Repeat("x", 8000)} {
		req := s.request("", strings.NewReader("{}"))
		req.Header.Set("X-Amz-Target", target)
		a := s.send(req)
		s.wantError(a, http.StatusBadRequest, "UnknownOperationException")
		if len(a.body) > 1000 {
			t.Errorf("an answer of %d bytes to a wrong target", len(a.body))
		}
	}
}

func TestMethods(t *testing.T) {
	s := start(t)
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "X"} {
		req := s.request("ListNamespaces", nil)
		req.Method = method
		a := s.send(req)
		if a.status != http.StatusMethodNotAllowed || a.header.Get("x-amzn-ErrorType") != "UnknownOperationException" {
			t.Errorf("%s: got %d %v", method, a.status, a.header)
		}
	}
}

func TestContentTypeDoesNotMatter(t *testing.T) {
	s := start(t)
	for _, contentType := range []string{"", "text/plain", "application/json", "application/x-amz-json-1.0"} {
		req := s.request("ListNamespaces", strings.NewReader("{}"))
		req.Header.Set("Content-Type", contentType)
		if a := s.send(req); a.status != http.StatusOK {
			t.Errorf("%q: got %d %s", contentType, a.status, a.body)
		}
	}
}

func TestBodies(t *testing.T) {
	s := start(t)
	for _, test := range []struct{ body, code string }{
		{``, ""}, {`{}`, ""}, {" \r\n\t{ } ", ""}, {`{"Unknown":[1,{"a":null}]}`, ""}, {`{"MaxResults":null}`, ""}, {`{"MaxResults":1.0}`, ""},
		{`{`, "SerializationException"}, {`[]`, "SerializationException"}, {`null`, "SerializationException"}, {`"x"`, "SerializationException"},
		{`{} {}`, "SerializationException"}, {`{"MaxResults":"1"}`, "SerializationException"}, {`{"MaxResults":1.5}`, "SerializationException"},
		{`{"Filters":{}}`, "SerializationException"}, {`{"NextToken":1}`, "SerializationException"}, {"{\"NextToken\":\"\xff\"}", "SerializationException"},
		{"\ufeff{}", "SerializationException"}, {`{"a":` + strings.Repeat("[", 100000) + strings.Repeat("]", 100000) + `}`, "SerializationException"},
		{`{"MaxResults":` + strings.Repeat("9", 5000) + `}`, "SerializationException"}, {`{'a':1}`, "SerializationException"},
		{`{"MaxResults":0}`, "InvalidInput"}, {`{"MaxResults":101}`, "InvalidInput"}, {`{"nextToken":1}`, ""},
	} {
		a := s.call("ListNamespaces", test.body)
		if test.code != "" {
			s.wantError(a, http.StatusBadRequest, test.code)
		} else if a.status != http.StatusOK {
			t.Errorf("%.40q: got %d %s", test.body, a.status, a.body)
		}
	}
}

// TestLargeBodies: 413, which also those see who do not look at the answer
// before they have sent everything, and the same with chunks.
func TestLargeBodies(t *testing.T) {
	s := start(t, func(o *options) { o.server.Limits.MaxBody = 10_000 })
	fits := `{"NextToken":"` + strings.Repeat("x", 4096) + `"}`
	s.wantError(s.call("ListNamespaces", fits), http.StatusBadRequest, "InvalidInput")
	for _, size := range []int{10_001, 1 << 20, 20 << 20} {
		body := `{"NextToken":"` + strings.Repeat("x", size-16) + `"}`
		for _, chunked := range []bool{false, true} {
			req := s.request("ListNamespaces", strings.NewReader(body))
			if chunked {
				req.ContentLength = -1
			}
			a := s.send(req)
			s.wantError(a, http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException")
			if !strings.Contains(a.text("message"), "10000") {
				t.Errorf("the limit is not told: %s", a.body)
			}
		}
	}
}

func TestChunkedBody(t *testing.T) {
	s := start(t)
	req := s.request("CreateHttpNamespace", io.MultiReader(strings.NewReader(`{"Na`), strings.NewReader(`me":"h"}`)))
	if a := s.send(req); a.status != http.StatusOK || a.text("OperationId") == "" {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func TestLargeHeader(t *testing.T) {
	s := start(t)
	req := s.request("ListNamespaces", strings.NewReader("{}"))
	req.Header.Set("X-Large", strings.Repeat("x", 64<<10))
	s.wantError(s.send(req), http.StatusRequestHeaderFieldsTooLarge, "RequestHeaderFieldsTooLargeException")
}

// TestNoRequestAtAll: what net/http refuses before a handler sees it is answered
// like every other error.
func TestNoRequestAtAll(t *testing.T) {
	s := start(t)
	for request, status := range map[string]int{
		"POST / HTTP/1.1\r\n\r\n":                                                   http.StatusBadRequest, // no Host
		"\x16\x03\x01\r\n\r\n":                                                      http.StatusBadRequest,
		"POST / HTTP/2.0\r\nHost: x\r\n\r\n":                                        http.StatusHTTPVersionNotSupported,
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n":             http.StatusNotImplemented,
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: more\r\n\r\n{}": http.StatusExpectationFailed,
	} {
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(s.raw(request))), nil)
		if err != nil {
			t.Fatalf("%q: %v", request, err)
		}
		s.wantError(s.read(resp), status, "MalformedHttpRequestException")
		if date, err := http.ParseTime(resp.Header.Get("Date")); err != nil || time.Since(date).Abs() > time.Hour {
			t.Errorf("%q: date %v, %v", request, date, err)
		}
	}
	if got := s.raw("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); !strings.Contains(got, "\r\nAllow: POST\r\n") {
		t.Errorf("OPTIONS *: got %s", got)
	}
}

// rawRequest is a request as it goes over the wire.
func rawRequest(line, header, body, operation string) string {
	if header != "" {
		header += "\r\n"
	}
	return fmt.Sprintf("%s\r\nHost: any.host.example\r\nX-Amz-Target: %s%s\r\nContent-Length: %d\r\n%s\r\n%s", line, targetPrefix, operation, len(body), header, body)
}

func (s *server) dial() net.Conn {
	s.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { c.Close() })
	return c
}

// raw sends bytes and returns what comes until the server closes.
func (s *server) raw(request string) string {
	s.Helper()
	c := s.dial()
	if _, err := io.WriteString(c, request); err != nil {
		s.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil {
		s.Fatal(err)
	}
	return string(got)
}

// TestRequestLines: clients behind HTTP_PROXY send the whole URL, and all hosts
// lead here.
func TestRequestLines(t *testing.T) {
	s := start(t)
	for _, test := range []struct{ line, header string }{
		{"POST / HTTP/1.1", "Connection: close"},
		{"POST http://data-servicediscovery.us-east-1.amazonaws.com/ HTTP/1.1", "Connection: close"},
		{"POST http://data-127.0.0.1:8053/ HTTP/1.1", "Connection: close"},
		{"POST /any/path?query=x HTTP/1.1", "Connection: close"},
		{"POST / HTTP/1.0", ""},
	} {
		got := s.raw(rawRequest(test.line, test.header, `{}`, "ListNamespaces"))
		if !regexp.MustCompile(`^HTTP/1\.[01] 200 OK\r\n(.+\r\n)+\r\n\{"Namespaces":\[\]\}$`).MatchString(got) {
			t.Errorf("%s: got %q", test.line, got)
		}
	}
}

func TestPipelinedRequests(t *testing.T) {
	s := start(t)
	request := rawRequest("POST / HTTP/1.1", "", `{}`, "ListNamespaces")
	got := s.raw(request + request + rawRequest("POST / HTTP/1.1", "Connection: close", `{}`, "ListServices"))
	if strings.Count(got, "HTTP/1.1 200 OK") != 3 || strings.Count(got, `{"Namespaces":[]}`) != 2 || !strings.HasSuffix(got, `{"Services":[]}`) {
		t.Errorf("got %q", got)
	}
}

func TestExpectContinue(t *testing.T) {
	s := start(t)
	c := s.dial()
	whole := rawRequest("POST / HTTP/1.1", "Expect: 100-continue", `{}`, "ListNamespaces")
	head := strings.TrimSuffix(whole, `{}`)
	io.WriteString(c, head)
	in := bufio.NewReader(c)
	if line, err := in.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	in.ReadString('\n')
	io.WriteString(c, `{}`)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a := s.read(resp); a.status != http.StatusOK {
		t.Errorf("got %d %s", a.status, a.body)
	}
	// What is too large is not asked for.
	got := s.raw(strings.Replace(head, "Content-Length: 2", "Content-Length: 99999999", 1))
	if !strings.HasPrefix(got, "HTTP/1.1 413 ") {
		t.Errorf("got %q", got)
	}
}

// TestWholeAnswers: an answer leaves in one write whatever its size, or the Go
// SDK may lose it.
func TestWholeAnswers(t *testing.T) {
	s := start(t)
	svc := s.service(s.namespace("h"), "s")
	for i := range 100 {
		s.must("RegisterInstance", fmt.Sprintf(`{"ServiceId":"%s","InstanceId":"i-%d","Attributes":{"k":"%s"}}`, svc, i, strings.Repeat("v", 300)))
	}
	for _, max := range []int{1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 50, 100} {
		before := s.writes.Load()
		a := s.must("DiscoverInstances", fmt.Sprintf(`{"NamespaceName":"h","ServiceName":"s","MaxResults":%d}`, max))
		if got := s.writes.Load() - before; got != 1 {
			t.Errorf("%d bytes left in %d writes", len(a.body), got)
		}
	}
	// Answers to pipelined requests are each whole, and in order.
	discover := rawRequest("POST / HTTP/1.1", "", `{"NamespaceName":"h","ServiceName":"s"}`, "DiscoverInstances")
	before := s.writes.Load()
	got := s.raw(discover + discover + rawRequest("POST / HTTP/1.1", "Connection: close", `{"Id":"ns-0"}`, "GetNamespace"))
	if writes := s.writes.Load() - before; writes > 3 || strings.Count(got, "InstancesRevision") != 2 || !strings.HasSuffix(got, "ns-0\"}") {
		t.Errorf("three answers in %d writes, %d bytes", writes, len(got))
	}
}

// TestSlowClients: those who do not get on are dropped.
func TestSlowClients(t *testing.T) {
	short := func(o *options) {
		o.server.Limits = aws.Limits{ReadTimeout: 100 * time.Millisecond, IdleTimeout: 100 * time.Millisecond, WriteTimeout: 100 * time.Millisecond}
	}
	s := start(t, short)
	request := rawRequest("POST / HTTP/1.1", "", `{}`, "ListNamespaces")
	for name, sent := range map[string]string{
		"nothing":       "",
		"half a header": request[:20],
		"no body":       request[:len(request)-2],
		"half a body":   request[:len(request)-1],
		"idle after":    request,
	} {
		t.Run(name, func(t *testing.T) {
			got := s.raw(sent) // returns when the server closes
			if answered := strings.Contains(got, "200 OK"); answered != (name == "idle after") {
				t.Errorf("got %q", got)
			}
		})
	}
}
