package aws_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/aws"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

const targetPrefix = "Route53AutoNaming_v20170314."

// server is the front door on a registry in memory, on a real listener.
type server struct {
	*testing.T
	addr    string
	store   *faultyStore
	rules   atomic.Pointer[state.Rules] // of the edge; nil makes a request panic
	decides atomic.Pointer[state.Rules] // of the replica; nil makes Decide panic
	log     *records
	metrics *prometheus.Registry
	writes  *writeCounter
	replica *replica.Replica
	stop    func() error // ends Serve and returns what it returned
}

// options are what a test can change before the server starts.
type options struct {
	server  aws.Config
	replica replica.Config
	wrap    func(aws.Replica) aws.Replica // nil: the replica itself
}

func start(t *testing.T, change ...func(*options)) *server {
	t.Helper()
	s := &server{T: t, store: &faultyStore{Store: memory.New()}, log: new(records), metrics: prometheus.NewRegistry(), writes: new(writeCounter)}
	rules := &state.Rules{Registry: registry.Rules{Region: "eu-west-1", DefaultTTL: 60}}
	s.rules.Store(rules)
	s.decides.Store(rules)
	logger := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o := options{
		server:  aws.Config{Rules: s.rules.Load, Logger: logger, Registerer: s.metrics},
		replica: replica.Config{Store: s.store, Rules: s.decides.Load, Logger: logger},
	}
	for _, c := range change {
		c(&o)
	}
	r := s.startReplica(o.replica)
	o.server.Replica, s.replica = r, r
	if o.wrap != nil {
		o.server.Replica = o.wrap(r)
	}
	s.serve(o.server)
	return s
}

func (s *server) startReplica(cfg replica.Config) *replica.Replica {
	s.Helper()
	r, err := replica.New(cfg)
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	s.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			s.Errorf("replica: %v", err)
		}
	})
	<-r.Loaded()
	return r
}

func (s *server) serve(cfg aws.Config) {
	s.Helper()
	front, err := aws.New(cfg)
	if err != nil {
		s.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	s.addr = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- front.Serve(ctx, countingListener{ln, s.writes}) }()
	s.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	s.Cleanup(func() {
		s.store.release()
		if err := s.stop(); err != nil {
			s.Errorf("serve: %v", err)
		}
	})
}

// answer is a complete answer to a request.
type answer struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

func (a *answer) text(name string) string {
	s, _ := a.json[name].(string)
	return s
}

// call calls an operation with a body in JSON.
func (s *server) call(operation, body string) *answer {
	s.Helper()
	return s.send(s.request(operation, strings.NewReader(body)))
}

func (s *server) request(operation string, body io.Reader) *http.Request {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), http.MethodPost, "http://"+s.addr+"/", body)
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", targetPrefix+operation)
	return req
}

func (s *server) send(req *http.Request) *answer {
	s.Helper()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		s.Fatal(err)
	}
	return s.read(resp)
}

func (s *server) read(resp *http.Response) *answer {
	s.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	a := &answer{status: resp.StatusCode, header: resp.Header, body: string(body)}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &a.json); err != nil {
			s.Fatalf("body %q: %v", body, err)
		}
	}
	return a
}

// must calls an operation that must succeed.
func (s *server) must(operation, body string) *answer {
	s.Helper()
	a := s.call(operation, body)
	if a.status != http.StatusOK {
		s.Fatalf("%s %s: %d %s", operation, body, a.status, a.body)
	}
	return a
}

// wantError checks an answer that is an error, in all the places where clients
// look for it.
func (s *server) wantError(a *answer, status int, code string) {
	s.Helper()
	if a.status != status || a.text("__type") != code || a.header.Get("x-amzn-ErrorType") != code {
		s.Errorf("got %d, type %q, header %q, want %d %s: %s", a.status, a.text("__type"), a.header.Get("x-amzn-ErrorType"), status, code, a.body)
	}
	if a.text("message") == "" || a.text("message") != a.text("Message") || a.header.Get("x-amzn-RequestId") == "" {
		s.Errorf("%s: both messages and a request id are wanted: %v %s", code, a.header, a.body)
	}
}

// namespace makes an HTTP namespace and returns its id.
func (s *server) namespace(name string) string {
	s.Helper()
	op := s.must("CreateHttpNamespace", `{"Name":"`+name+`"}`).text("OperationId")
	got := s.must("GetOperation", `{"OperationId":"`+op+`"}`).json["Operation"].(map[string]any)
	return got["Targets"].(map[string]any)["NAMESPACE"].(string)
}

func (s *server) service(namespace, name string) string {
	s.Helper()
	a := s.must("CreateService", `{"Name":"`+name+`","NamespaceId":"`+namespace+`"}`)
	return a.json["Service"].(map[string]any)["Id"].(string)
}

// faultyStore is a store whose commits can be held up or refused.
type faultyStore struct {
	store.Store
	mu      sync.Mutex
	err     error         // of every commit, if not nil
	gate    chan struct{} // commits wait until it is closed, if not nil
	entered chan struct{} // gets a value from every commit that waits
}

func (f *faultyStore) Commit(ctx context.Context, txn store.Txn) (store.Revision, error) {
	f.mu.Lock()
	err, gate, entered := f.err, f.gate, f.entered
	f.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if gate != nil {
		entered <- struct{}{}
		<-gate
	}
	return f.Store.Commit(ctx, txn)
}

func (f *faultyStore) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// hold makes commits wait, and returns a channel that receives each.
func (f *faultyStore) hold() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gate, f.entered = make(chan struct{}), make(chan struct{}, 100)
	return f.entered
}

// release lets all commits go on.
func (f *faultyStore) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gate != nil {
		close(f.gate)
		f.gate = nil
	}
}

// records is a log in JSON.
type records struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *records) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

func (r *records) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

// of returns the records of the request with that id.
func (r *records) of(t *testing.T, requestID string) []map[string]any {
	t.Helper()
	var found []map[string]any
	for line := range strings.Lines(r.text()) {
		var rec map[string]any
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		if rec["request_id"] == requestID {
			found = append(found, rec)
		}
	}
	return found
}

// countingListener counts the writes on the connections that it accepts.
type countingListener struct {
	net.Listener
	count *writeCounter
}

type writeCounter struct{ atomic.Int64 }

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{c, l.count}, nil
}

type countingConn struct {
	net.Conn
	count *writeCounter
}

func (c countingConn) Write(p []byte) (int, error) {
	c.count.Add(1)
	return c.Conn.Write(p)
}
