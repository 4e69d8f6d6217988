package node_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/embedded"
	"github.com/cairn-discovery/cairn/store/memory"
)

// call sends one Cloud Map operation and returns status and body.
func call(t *testing.T, n *nodetest.Node, operation, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequest("POST", n.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "Route53AutoNaming_v20170314."+operation)
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func createNamespace(t *testing.T, n *nodetest.Node, name string) (int, string) {
	t.Helper()
	return call(t, n, "CreateHttpNamespace", fmt.Sprintf(`{"Name":%q}`, name))
}

// get fetches a page of the admin listener.
func get(t *testing.T, n *nodetest.Node, path string) (int, string) {
	t.Helper()
	response, err := http.Get(n.AdminURL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func TestReadyLine(t *testing.T) {
	var log logBuffer
	n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) { c.LogOutput = &log }))
	want := fmt.Sprintf("level=INFO msg=ready api=%s dns=%s admin=%s xds=%s\n", n.Addrs().API, n.Addrs().DNS, n.Addrs().Admin, n.Addrs().XDS)
	if !strings.Contains(log.String(), want) {
		t.Errorf("the log has no line %q:\n%s", want, log.String())
	}
	if code, text := get(t, n, "/readyz"); code != 200 {
		t.Errorf("/readyz: %d %s", code, text)
	}
	if code, text := get(t, n, "/metrics"); code != 200 || !strings.Contains(text, "cairn_build_info{") {
		t.Errorf("/metrics: %d %.200s", code, text)
	}
}

// Lines of requests may wait to be written, but not beyond the end of Run.
func TestRequestLines(t *testing.T) {
	var log logBuffer
	n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) { c.LogOutput = &log }))
	const requests = 30
	for i := range requests {
		if code, text := createNamespace(t, n, fmt.Sprint("n", i)); code != 200 {
			t.Fatalf("create: %d %s", code, text)
		}
	}
	n.Stop(t)
	at := 0
	for i := range requests {
		line := fmt.Sprintf("operation=CreateHttpNamespace target=n%d from=127.0.0.1 ", i)
		next := strings.Index(log.String()[at:], line)
		if next < 0 {
			t.Fatalf("the log has no line %q after %d others, or elsewhere:\n%s", line, i, log.String())
		}
		at += next
	}
	if !strings.Contains(log.String(), " level=INFO msg=request part=api request_id=") {
		t.Errorf("lines of requests begin otherwise:\n%s", log.String())
	}
}

func TestDataSurvivesRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	n := nodetest.Start(t, nodetest.WithDataDir(dir))
	if code, text := createNamespace(t, n, "kept"); code != 200 {
		t.Fatalf("create: %d %s", code, text)
	}
	n.Stop(t)
	n = nodetest.Start(t, nodetest.WithDataDir(dir))
	if code, text := call(t, n, "ListNamespaces", "{}"); code != 200 || !strings.Contains(text, `"kept"`) {
		t.Errorf("after the restart: %d %s", code, text)
	}
}

func TestBackupAndRestore(t *testing.T) {
	n := nodetest.Start(t)
	if code, text := createNamespace(t, n, "kept"); code != 200 {
		t.Fatalf("create: %d %s", code, text)
	}
	code, backup := get(t, n, "/backup")
	if code != 200 {
		t.Fatalf("/backup: %d %s", code, backup)
	}
	revision, records, err := node.VerifyBackup(strings.NewReader(backup))
	if err != nil || revision == 0 || records == 0 {
		t.Errorf("VerifyBackup() = %d, %d, %v", revision, records, err)
	}
	if _, _, err := node.VerifyBackup(strings.NewReader(backup[:len(backup)-1])); err == nil {
		t.Error("VerifyBackup() takes a part for the whole")
	}
	dir := t.TempDir()
	if got, err := node.Restore(dir, strings.NewReader(backup)); err != nil || got != revision {
		t.Fatalf("Restore() = %d, %v; want revision %d", got, err, revision)
	}
	if _, err := node.Restore(dir, strings.NewReader(backup)); err == nil {
		t.Error("Restore() overwrites a folder")
	}
	restored := nodetest.Start(t, nodetest.WithDataDir(dir))
	if code, text := call(t, restored, "ListNamespaces", "{}"); code != 200 || !strings.Contains(text, `"kept"`) {
		t.Errorf("after the restore: %d %s", code, text)
	}
}

func TestNewChecks(t *testing.T) {
	c := node.Config{Config: config.Default()}
	c.APIAddr = "0.0.0.0:8053"
	c.DNS.DefaultTTL = -1
	_, err := node.New(c)
	for _, want := range []string{"api_addr", "auth.mode open", "dns.default_ttl"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New() = %v, want %s in it", err, want)
		}
	}
}

func newNode(t *testing.T, change func(*node.Config)) *node.Node {
	t.Helper()
	c := nodetest.Config(t)
	change(&c)
	n, err := node.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPortTaken(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	taken := other.Addr().String()
	for key, change := range map[string]func(*node.Config){
		"api_addr":   func(c *node.Config) { c.APIAddr = taken },
		"admin_addr": func(c *node.Config) { c.AdminAddr = taken },
		"xds_addr":   func(c *node.Config) { c.XDSAddr = taken },
	} {
		err := newNode(t, change).Run(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), key+": ") || !strings.Contains(err.Error(), taken) {
			t.Errorf("Run() = %v, want the key %s and the address", err, key)
		}
	}
}

func TestSecondNodeOnOneFolder(t *testing.T) {
	first := nodetest.Start(t)
	err := newNode(t, func(c *node.Config) { c.DataDir = first.DataDir }).Run(t.Context())
	locked, ok := errors.AsType[*embedded.LockedError](err)
	if !ok || locked.Dir != first.DataDir {
		t.Errorf("Run() = %v, want a LockedError for %s", err, first.DataDir)
	}
}

func TestRunOnce(t *testing.T) {
	n := nodetest.Start(t, nodetest.WithMemoryStore())
	if err := n.Run(t.Context()); err == nil {
		t.Error("a second Run() returns nil")
	}
}

// brokenStore cannot be loaded; it notes that it was closed.
type brokenStore struct {
	store.Store
	closed chan struct{}
}

var errBroken = errors.New("broken")

func (b *brokenStore) Load(context.Context, func([]store.Change) error) (store.Revision, error) {
	return 0, errBroken
}

func (b *brokenStore) Close() error {
	close(b.closed)
	return b.Store.Close()
}

func TestStoreThatCannotBeLoaded(t *testing.T) {
	broken := &brokenStore{Store: memory.New(), closed: make(chan struct{})}
	n := newNode(t, func(c *node.Config) {
		c.OpenStore = func() (store.Store, error) { return broken, nil }
	})
	if err := n.Run(t.Context()); !errors.Is(err, errBroken) {
		t.Errorf("Run() = %v, want the store's error", err)
	}
	select {
	case <-broken.closed:
	default:
		t.Error("the store was not closed")
	}
	select {
	case <-n.Ready():
		t.Error("the node was ready")
	default:
	}
}

func TestStoreThatCannotBeOpened(t *testing.T) {
	n := newNode(t, func(c *node.Config) {
		c.OpenStore = func() (store.Store, error) { return nil, errBroken }
	})
	if err := n.Run(t.Context()); !errors.Is(err, errBroken) {
		t.Errorf("Run() = %v, want the store's error", err)
	}
}

func TestServiceManagerIsTold(t *testing.T) {
	states := make(chan string, 10)
	n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) {
		c.Notify = func(state string) error {
			states <- state
			return errors.New("must only be logged")
		}
	}))
	n.Stop(t)
	close(states)
	if got := slices.Collect(chanSeq(states)); !slices.Equal(got, []string{"READY=1", "STOPPING=1"}) {
		t.Errorf("told %q", got)
	}
}

func chanSeq[T any](c <-chan T) func(yield func(T) bool) {
	return func(yield func(T) bool) {
		for v := range c {
			if !yield(v) {
				return
			}
		}
	}
}

// A request that has begun when the node is told to stop is answered, while
// /readyz already says no and new connections are refused.
func TestRequestInFlightIsAnswered(t *testing.T) {
	stopping := make(chan struct{})
	n := nodetest.Start(t, nodetest.With(func(c *node.Config) {
		c.Notify = func(state string) error {
			if state == "STOPPING=1" {
				close(stopping)
			}
			return nil
		}
	}))
	conn, err := net.Dial("tcp", n.Addrs().API)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const body = `{"Name":"late"}`
	// A server that has read nothing of a request may close its connection, so
	// wait until it asks for the body.
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.1\r\n"+
		"X-Amz-Target: Route53AutoNaming_v20170314.CreateHttpNamespace\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(body))
	answers := bufio.NewReader(conn)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("got %q, %v", line, err)
	}
	if _, err := answers.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		n.Stop(t)
	}()
	<-stopping
	if code, text := get(t, n, "/readyz"); code != 503 || !strings.Contains(text, "stopping") {
		t.Errorf("/readyz while stopping: %d %s", code, text)
	}
	fmt.Fprint(conn, body)
	response, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, _ := io.ReadAll(response.Body); response.StatusCode != 200 {
		t.Errorf("answer: %s %s", response.Status, text)
	}
	<-stopped
	after := nodetest.Start(t, nodetest.WithDataDir(n.DataDir))
	if _, text := call(t, after, "ListNamespaces", "{}"); !strings.Contains(text, `"late"`) {
		t.Errorf("what was answered is gone: %s", text)
	}
}

// loaded returns a configuration as Reload takes it.
func loaded(c config.Config) func() (config.Config, error) {
	return func() (config.Config, error) { return c, nil }
}

// A new configuration can be right and still be wrong together with the keys that
// need a restart: here it trusts everybody because it forwards no more, but the
// node still does.
func TestReloadRefusesAWrongMixture(t *testing.T) {
	first := nodetest.Config(t)
	first.DNS.Forward = []string{"127.0.0.1:9"}
	n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) { c.DNS = first.DNS }))
	second := first.Config
	second.DNS.Forward = nil
	second.DNS.Trusted = []config.Prefix{{Prefix: netip.MustParsePrefix("0.0.0.0/0")}}
	if err := n.Reload(loaded(second)); err == nil || !strings.Contains(err.Error(), "open resolver") {
		t.Errorf("Reload() = %v", err)
	}
}

func TestReload(t *testing.T) {
	var log logBuffer
	first := nodetest.Config(t)
	first.LogOutput = &log
	first.Quotas = config.Quotas{"namespaces_per_account": 1}
	n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) {
		c.LogOutput, c.Quotas = first.LogOutput, first.Quotas
	}))
	createNamespace(t, n, "one")
	if code, text := createNamespace(t, n, "two"); code != 400 || !strings.Contains(text, "ResourceLimitExceeded") {
		t.Errorf("over the quota: %d %s", code, text)
	}

	bad := first
	bad.Quotas = config.Quotas{"namespaces_per_account": -1}
	if err := n.Reload(loaded(bad.Config)); err == nil {
		t.Error("a wrong configuration was taken")
	}
	second := first
	second.Quotas = config.Quotas{"namespaces_per_account": 2}
	second.Region = "eu-west-1"
	second.LogLevel = "error"
	if err := n.Reload(loaded(second.Config)); err != nil {
		t.Fatal(err)
	}
	if code, text := createNamespace(t, n, "two"); code != 200 {
		t.Errorf("within the new quota: %d %s", code, text)
	}
	_, text := call(t, n, "ListNamespaces", "{}")
	if strings.Contains(text, "eu-west-1") {
		t.Errorf("the region changed while running: %s", text)
	}
	if n.Log().Enabled(t.Context(), slog.LevelWarn) {
		t.Error("the log level did not change")
	}
}

func TestReloadTellsWhatNeedsARestart(t *testing.T) {
	var log logBuffer
	n := newNode(t, func(c *node.Config) { c.LogOutput = &log })
	c := nodetest.Config(t)
	c.Region, c.Store, c.DNS.DefaultTTL = "eu-west-1", "embedded", 5
	c.DataDir = "elsewhere"
	if err := n.Reload(loaded(c.Config)); err != nil {
		t.Fatal(err)
	}
	want := `msg="these changes need a restart" keys="[data_dir region]"`
	if !strings.Contains(log.String(), want) {
		t.Errorf("the log lacks %s:\n%s", want, log.String())
	}
}

func TestAccounts(t *testing.T) {
	n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) {
		c.Accounts = []config.Account{{ID: "123456789012", Users: []config.User{
			{Name: "a", AccessKeys: []config.AccessKey{{ID: "AKIALISTED", Secret: "hush"}}},
		}}}
	}))
	for key, account := range map[string]string{"AKIALISTED": "123456789012", "AKIAOTHER": "000000000000"} {
		request, err := http.NewRequest("POST", n.URL, strings.NewReader(`{"Name":"`+key+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Amz-Target", "Route53AutoNaming_v20170314.CreateHttpNamespace")
		sign(request, key)
		do(t, request)
		request, err = http.NewRequest("POST", n.URL, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Amz-Target", "Route53AutoNaming_v20170314.ListNamespaces")
		sign(request, key)
		text := do(t, request)
		if strings.Count(text, `"Arn"`) != 1 || !strings.Contains(text, ":"+account+":namespace/") {
			t.Errorf("key %s: %s", key, text)
		}
	}
}

func sign(r *http.Request, key string) {
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+
		"/20260101/us-east-1/servicediscovery/aws4_request, SignedHeaders=host, Signature=00")
}

func do(t *testing.T, r *http.Request) string {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 200 {
		t.Fatalf("%s: %s %v", r.Header.Get("X-Amz-Target"), text, err)
	}
	return string(text)
}
