package httpserver

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// FuzzWriter: no value of a header can add fields or change the body of an answer.
func FuzzWriter(f *testing.F) {
	f.Add("text/plain", []byte("ok"), 200, false)
	f.Add("a\r\nX-Injected: 1\r\n\r\nbody", []byte(""), 400, true)
	f.Add(strings.Repeat("x", 2*headRoom), bytes.Repeat([]byte("y"), 3*headRoom), 599, false)
	f.Fuzz(func(t *testing.T, value string, body []byte, status int, stopping bool) {
		if status < 200 || status > 999 || status == http.StatusNoContent || status == http.StatusNotModified {
			return // have no body
		}
		w := &writer{header: http.Header{}}
		w.begin()
		w.Header()["X-Value"] = []string{value}
		w.Header()["Content-Length"] = []string{value}
		w.WriteHeader(status)
		for len(body) > 0 {
			n := min(len(body), 1000)
			w.Write(body[:n])
			body = body[n:]
		}
		whole := bytes.Clone(w.out[min(headRoom, len(w.out)):])
		out, stay := w.finish(time.Unix(0, 0), stopping)
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(out)), nil)
		if err != nil {
			if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
				return // clients refuse control characters
			}
			t.Fatalf("%v in %q", err, out)
		}
		got, err := io.ReadAll(resp.Body)
		if err != nil || !bytes.Equal(got, whole) || resp.StatusCode != status || resp.Close == stay {
			t.Fatalf("%d %v %q, %v in %q", resp.StatusCode, resp.Close, got, err, out)
		}
		delete(resp.Header, "X-Value")
		delete(resp.Header, "Content-Length")
		delete(resp.Header, "Date")
		delete(resp.Header, "Connection")
		if len(resp.Header) > 0 {
			t.Fatalf("further fields: %v", resp.Header)
		}
	})
}
