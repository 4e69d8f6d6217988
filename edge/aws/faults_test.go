package aws_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/store"
)

// TestQueueFull: what finds no place in the queue is throttled, at once.
func TestQueueFull(t *testing.T) {
	s := start(t, func(o *options) { o.replica.QueueSize, o.replica.BatchSize = 1, 1 })
	entered := s.store.hold()
	answers := make(chan *answer, 10)
	create := func(i int) { answers <- s.call("CreateHttpNamespace", fmt.Sprintf(`{"Name":"n%d"}`, i)) }
	go create(0)
	<-entered // the first is being committed
	for i := range 9 {
		go create(i + 1)
	}
	for range 8 { // one of them waits in the queue
		a := <-answers
		s.wantError(a, http.StatusBadRequest, "ThrottlingException")
		if a.text("message") != "Rate exceeded" {
			t.Errorf("got %s", a.body)
		}
	}
	if a := s.call("ListNamespaces", `{}`); a.status != http.StatusOK {
		t.Errorf("reads wait for writes: %d %s", a.status, a.body)
	}
	s.store.release()
	for range 2 {
		if a := <-answers; a.status != http.StatusOK {
			t.Errorf("got %d %s", a.status, a.body)
		}
	}
}

// TestDiskFull: a clear 5xx, reads go on, and it is over when space returns.
func TestDiskFull(t *testing.T) {
	s := start(t)
	ns := s.namespace("h")
	s.store.fail(fmt.Errorf("write segment: %w", store.ErrFull))
	for range 3 {
		a := s.call("CreateService", `{"Name":"s","NamespaceId":"`+ns+`"}`)
		s.wantError(a, http.StatusServiceUnavailable, "ServiceUnavailable")
		if !strings.Contains(a.text("message"), "disk is full") || strings.Contains(a.body, "segment") {
			t.Errorf("got %s", a.body)
		}
	}
	s.wantError(s.call("GetService", `{"Id":"srv-0"}`), http.StatusBadRequest, "ServiceNotFound")
	if a := s.must("ListServices", `{}`); a.body != `{"Services":[]}` {
		t.Errorf("got %s", a.body)
	}
	s.store.fail(nil)
	s.service(ns, "s")
}

func TestStoreFails(t *testing.T) {
	s := start(t)
	s.store.fail(fmt.Errorf("secret detail"))
	a := s.call("CreateHttpNamespace", `{"Name":"h"}`)
	s.wantError(a, http.StatusServiceUnavailable, "ServiceUnavailable")
	if strings.Contains(a.body, "secret detail") {
		t.Errorf("got %s", a.body)
	}
	s.store.fail(nil)
	s.namespace("h")
}

// TestPanics: in a handler or in Decide, a panic is one client's 500, with a
// request id that leads to the reason in the log.
func TestPanics(t *testing.T) {
	s := start(t)
	s.namespace("before")
	good := s.rules.Load()
	for name, breakIt := range map[string]func(){
		"handler": func() { s.rules.Store(nil) },
		"Decide":  func() { s.decides.Store(nil) },
	} {
		breakIt()
		a := s.call("CreateHttpNamespace", `{"Name":"`+name+`"}`)
		s.wantError(a, http.StatusInternalServerError, "InternalFailure")
		if strings.Contains(a.body, "nil pointer") || strings.Contains(a.body, "goroutine") {
			t.Errorf("%s: a client sees %s", name, a.body)
		}
		recs := s.log.of(t, a.header.Get("x-amzn-RequestId"))
		if len(recs) != 1 || recs[0]["level"] != "ERROR" || !strings.Contains(fmt.Sprint(recs[0]["cause"]), "nil pointer") {
			t.Errorf("%s: logged %v", name, recs)
		}
		s.rules.Store(good)
		s.decides.Store(good)
		s.namespace(name)
	}
}

// TestGracefulStop: a request in flight is answered after the stop has begun.
func TestGracefulStop(t *testing.T) {
	s := start(t)
	entered := s.store.hold()
	answered := make(chan *answer, 1)
	go func() { answered <- s.call("CreateHttpNamespace", `{"Name":"h"}`) }()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	for { // until new connections are refused
		if resp, err := http.Post("http://"+s.addr, "", nil); err != nil {
			break
		} else {
			resp.Body.Close()
		}
	}
	select {
	case err := <-stopped:
		t.Fatalf("stopped with a request in flight: %v", err)
	default:
	}
	s.store.release()
	if a := <-answered; a.status != http.StatusOK {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
