package aws_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// revision returns the revision in the header of an answer.
func (s *server) revision(a *answer) uint64 {
	s.Helper()
	n, err := strconv.ParseUint(a.header.Get("cairn-revision"), 10, 64)
	if err != nil {
		s.Fatalf("header cairn-revision: %v", err)
	}
	return n
}

// at sends a request that asks for a revision.
func (s *server) at(minimum, operation, body string) *answer {
	req := s.request(operation, strings.NewReader(body))
	req.Header.Set("cairn-min-revision", minimum)
	return s.send(req)
}

func TestEveryAnswerHasItsRevision(t *testing.T) {
	s := start(t)
	empty := s.revision(s.must("ListNamespaces", `{}`))
	written := s.revision(s.must("CreateHttpNamespace", `{"Name":"shop"}`))
	read := s.must("ListNamespaces", `{}`)
	if empty != 0 || written == 0 || s.revision(read) != written {
		t.Errorf("before %d, after a write %d, then %d", empty, written, s.revision(read))
	}
	repeated := s.call("CreateHttpNamespace", `{"Name":"shop"}`) // an error
	unknown := s.call("NoSuchOperation", `{}`)
	if repeated.status != http.StatusBadRequest || s.revision(repeated) != written || s.revision(unknown) != written {
		t.Errorf("errors have the revisions %d and %d, want %d", s.revision(repeated), s.revision(unknown), written)
	}
	if read.header.Get("cairn-stale") != "" {
		t.Error("a node that never loses its store marks answers as stale")
	}
}

func TestMinRevision(t *testing.T) {
	s := start(t, func(o *options) { o.server.RevisionWait = time.Minute })
	written := s.revision(s.must("CreateHttpNamespace", `{"Name":"shop"}`))
	if a := s.at(fmt.Sprint(written), "ListNamespaces", `{}`); a.status != http.StatusOK {
		t.Errorf("a revision that is there: %d %s", a.status, a.body)
	}
	later := make(chan *answer, 1)
	go func() { later <- s.at(fmt.Sprint(written+1), "ListNamespaces", `{}`) }()
	s.must("CreateHttpNamespace", `{"Name":"other"}`)
	if a := <-later; a.status != http.StatusOK || s.revision(a) < written+1 || !strings.Contains(a.body, "other") {
		t.Errorf("after a wait: %d, revision %d: %s", a.status, s.revision(a), a.body)
	}
}

func TestMinRevisionIsNotReached(t *testing.T) {
	s := start(t, func(o *options) { o.server.RevisionWait = time.Millisecond })
	a := s.at("18446744073709551615", "CreateHttpNamespace", `{"Name":"shop"}`)
	if a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "revision 18446744073709551615") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if again := s.must("ListNamespaces", `{}`); strings.Contains(again.body, "shop") {
		t.Error("the write was made")
	}
	for _, bad := range []string{"", "x", "-1", "1.0", "18446744073709551616", "1, 2"} {
		a := s.at(bad, "ListNamespaces", `{}`)
		if a.status != http.StatusBadRequest || !strings.Contains(a.body, "cairn-min-revision") {
			t.Errorf("%q: %d %s", bad, a.status, a.body)
		}
	}
}

func TestStaleAnswers(t *testing.T) {
	age := 7*time.Second + time.Millisecond
	s := start(t, func(o *options) {
		o.server.MaxStaleness = 10 * time.Second
		o.server.Staleness = func(time.Time) time.Duration { return age }
	})
	a := s.must("ListNamespaces", `{}`)
	if got := a.header.Get("cairn-stale"); got != "7" {
		t.Errorf("cairn-stale %q, want 7", got)
	}
	age = 11 * time.Second
	if a := s.call("ListNamespaces", `{}`); a.status != http.StatusServiceUnavailable || a.header.Get("cairn-stale") != "11" {
		t.Errorf("above the limit: %d %s", a.status, a.body)
	}
}
