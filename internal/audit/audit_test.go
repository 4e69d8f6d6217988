package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run starts a log and returns what stops it.
func run(t *testing.T, cfg Config) (*Log, func()) {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return l, stop
}

func record(name string) *Record {
	return &Record{Time: time.Unix(1764331200, 0), Source: "test.amazonaws.com", Name: name, EventID: "e", Request: []byte(`{"a":1}`)}
}

// names returns the operations in a file, each line of which must be whole.
func names(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range bytes.Lines(text) {
		var r struct{ EventName string }
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%s: %v in %q", file, err, line)
		}
		all = append(all, r.EventName)
	}
	return all
}

func TestRecord(t *testing.T) {
	r := &Record{
		Time: time.Unix(1764331200, 0), Source: "servicediscovery.amazonaws.com", Name: "CreateHttpNamespace", Region: "eu-west-1",
		SourceIP: "192.0.2.1", UserAgent: "a\"b\n", RequestID: "r", EventID: "e", Account: "111111111111",
		ErrorCode: "AccessDeniedException", ErrorText: "no", Request: []byte(`{"name":"x"}`),
		Identity: Identity{Type: "AssumedRole", PrincipalID: "AROA:s", ARN: "arn", Account: "111111111111", AccessKeyID: "ASIA",
			Session: &Session{RoleID: "AROA", RoleARN: "role", RoleAccount: "111111111111", RoleName: "deployer", Created: time.Unix(1764331100, 0), SourceIdentity: "me"}},
		Resources:  []Resource{{"arn:1", "111111111111", "AWS::ServiceDiscovery::Namespace"}, {ARN: "arn:2"}},
		TLSVersion: "TLSv1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", TLSHost: "h",
	}
	line := r.append(nil)
	if bytes.Count(line, []byte("\n")) != 1 || !bytes.HasSuffix(line, []byte("\n")) {
		t.Errorf("not one line: %q", line)
	}
	var got map[string]any
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	want := map[string]any{
		"eventVersion": "1.11", "eventTime": "2025-11-28T12:00:00Z", "eventSource": "servicediscovery.amazonaws.com",
		"eventName": "CreateHttpNamespace", "awsRegion": "eu-west-1", "sourceIPAddress": "192.0.2.1", "userAgent": "a\"b\n",
		"errorCode": "AccessDeniedException", "errorMessage": "no", "requestParameters": map[string]any{"name": "x"}, "responseElements": nil,
		"requestID": "r", "eventID": "e", "readOnly": false, "eventType": "AwsApiCall", "managementEvent": true, "eventCategory": "Management",
		"recipientAccountId": "111111111111",
		"resources": []any{map[string]any{"ARN": "arn:1", "accountId": "111111111111", "type": "AWS::ServiceDiscovery::Namespace"},
			map[string]any{"ARN": "arn:2"}},
		"tlsDetails": map[string]any{"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": "h"},
		"userIdentity": map[string]any{"type": "AssumedRole", "principalId": "AROA:s", "arn": "arn", "accountId": "111111111111", "accessKeyId": "ASIA",
			"sessionContext": map[string]any{
				"sessionIssuer": map[string]any{"type": "Role", "principalId": "AROA", "arn": "role", "accountId": "111111111111", "userName": "deployer"},
				"attributes":    map[string]any{"creationDate": "2025-11-28T11:58:20Z", "mfaAuthenticated": "false"}, "sourceIdentity": "me",
			}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRotation(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.log")
	size := len(record("n00").append(nil))
	l, stop := run(t, Config{File: name, MaxBytes: int64(2 * size), MaxFiles: 3})
	for i := range 9 {
		l.Write(t.Context(), record(fmt.Sprintf("n%02d", i)))
	}
	stop()
	got := map[string][]string{}
	for _, suffix := range []string{"", ".1", ".2"} {
		got[suffix] = names(t, name+suffix)
	}
	want := map[string][]string{"": {"n08"}, ".1": {"n06", "n07"}, ".2": {"n04", "n05"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(name + ".3"); err == nil {
		t.Error("one file too many")
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got := l.Stats(); got != (Stats{Written: 9}) {
		t.Errorf("stats %+v", got)
	}
}

// A file that is alone starts again; and one that grew before the start counts.
func TestRotationOfOne(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.log")
	size := int64(len(record("a").append(nil)))
	for _, n := range []string{"a", "b", "c"} {
		l, stop := run(t, Config{File: name, MaxBytes: size, MaxFiles: 1})
		l.Write(t.Context(), record(n))
		stop()
		if diff := cmp.Diff([]string{n}, names(t, name)); diff != "" {
			t.Error(diff)
		}
	}
}

// What cannot be renamed goes on being written.
func TestRotationFails(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.log")
	if err := os.MkdirAll(filepath.Join(name+".1", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	l, stop := run(t, Config{File: name, MaxBytes: 1, MaxFiles: 2})
	for _, n := range []string{"a", "b", "c"} {
		l.Write(t.Context(), record(n))
	}
	stop()
	if diff := cmp.Diff([]string{"a", "b", "c"}, names(t, name)); diff != "" {
		t.Error(diff)
	}
}

// A line that a crash has cut off does not spoil the next one.
func TestTornLine(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(name, []byte(`{"eventName":"to`), 0o600); err != nil {
		t.Fatal(err)
	}
	l, stop := run(t, Config{File: name})
	l.Write(t.Context(), record("next"))
	stop()
	text, err := os.ReadFile(name)
	if _, rest, _ := bytes.Cut(text, []byte("\n")); err != nil || !json.Valid(rest) {
		t.Errorf("%q %v", text, err)
	}
}

func TestReopen(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.log")
	l, stop := run(t, Config{File: name})
	l.Write(t.Context(), record("a"))
	if err := os.Rename(name, name+".old"); err != nil {
		t.Fatal(err)
	}
	l.Write(t.Context(), record("b"))
	l.Reopen()
	l.Write(t.Context(), record("c"))
	stop()
	got := [][]string{names(t, name+".old"), names(t, name)}
	if diff := cmp.Diff([][]string{{"a", "b"}, {"c"}}, got); diff != "" {
		t.Error(diff)
	}
}

// TestFolder: the folder is made, as that of the registry is.
func TestFolder(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log", "cairn", "audit.log")
	l, stop := run(t, Config{File: name})
	l.Write(t.Context(), record("a"))
	stop()
	if diff := cmp.Diff([]string{"a"}, names(t, name)); diff != "" {
		t.Error(diff)
	}
	if info, err := os.Stat(filepath.Dir(name)); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestStderr(t *testing.T) {
	var out bytes.Buffer
	l, stop := run(t, Config{File: "stderr", Stderr: &out})
	l.TryWrite(record("a"))
	l.Write(t.Context(), record("b"))
	l.Reopen()
	stop()
	if n := strings.Count(out.String(), "\n"); n != 2 {
		t.Errorf("%d lines: %s", n, &out)
	}
}

// fullDisk takes so many bytes and no more, until there is room again. It tears
// the write that does not fit.
type fullDisk struct {
	output
	mu   sync.Mutex
	room int
}

func (d *fullDisk) set(room int) { d.mu.Lock(); defer d.mu.Unlock(); d.room = room }

func (d *fullDisk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := min(len(p), d.room)
	d.room -= n
	if written, err := d.output.Write(p[:n]); err != nil || n == len(p) {
		return written, err
	}
	return n, syscall.ENOSPC
}

// TestFullDisk: nobody is kept waiting, the loss is counted and logged once, no
// line is torn, and it goes on when there is room.
func TestFullDisk(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.log")
	disk := &fullDisk{room: 1 << 20}
	open := func(name string) (output, int64, error) {
		out, size, err := openOutput(name)
		disk.output = out
		return disk, size, err
	}
	var log lines
	l, stop := run(t, Config{File: name, open: open, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	l.Write(t.Context(), record("a"))
	disk.set(10)
	for range 5 {
		l.Write(t.Context(), record("lost"))
	}
	disk.set(1 << 20)
	l.Write(t.Context(), record("b"))
	stop()
	if diff := cmp.Diff([]string{"a", "b"}, names(t, name)); diff != "" {
		t.Error(diff)
	}
	if got := l.Stats(); got != (Stats{Written: 2, Lost: 5}) {
		t.Errorf("stats %+v", got)
	}
	if text := log.String(); strings.Count(text, "being lost") != 1 || strings.Count(text, "written again") != 1 {
		t.Errorf("log: %s", text)
	}
}

type lines struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}
func (l *lines) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.Buffer.String() }

// stuck is a disk that does not answer.
type stuck struct {
	output
	release chan struct{}
	entered chan struct{}
}

func (s *stuck) Write(p []byte) (int, error) {
	s.entered <- struct{}{}
	<-s.release
	return len(p), nil
}
func (s *stuck) Sync() error  { return nil }
func (s *stuck) Close() error { return nil }

// TestStuckDisk: reads never wait, writes for a second at most, and memory
// is bounded.
func TestStuckDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &stuck{release: make(chan struct{}), entered: make(chan struct{}, 100)}
		l, stop := run(t, Config{File: "x", open: func(string) (output, int64, error) { return disk, 0, nil }})
		l.TryWrite(record("first"))
		<-disk.entered
		begin := time.Now()
		l.Write(t.Context(), record("late"))
		if took := time.Since(begin); took != maxWait {
			t.Errorf("waited %v", took)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("gone"))
		l.Write(ctx, record("late too"))
		begin = time.Now()
		n := 0
		for l.Stats().Lost == 0 {
			l.TryWrite(record("more"))
			n++
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("offers waited %v", took)
		}
		if size := len(record("more").append(nil)); n*size > maxPending/2+size {
			t.Errorf("%d records of %d bytes wait", n, size)
		}
		l.mu.Lock()
		waiting := len(l.pending)
		l.mu.Unlock()
		if waiting > maxPending/2 {
			t.Errorf("%d bytes wait", waiting)
		}
		close(disk.release)
		stop()
		if got := l.Stats(); got.Written != uint64(n-1+3) || got.Late != 2 {
			t.Errorf("stats %+v of %d", got, n)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("an empty Config is taken")
	}
	if _, err := New(Config{File: "/dev/null/a", Logger: slog.Default()}); err == nil {
		t.Error("a file that cannot be opened is taken")
	}
}

func TestConcurrentRecords(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.log")
	l, stop := run(t, Config{File: name, MaxBytes: 10_000, MaxFiles: 100})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				if i%2 == 0 {
					l.TryWrite(record("n"))
				} else {
					l.Write(t.Context(), record("n"))
				}
			}
		})
	}
	wg.Wait()
	stop()
	files, err := filepath.Glob(name + "*")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, f := range files {
		total += len(names(t, f))
	}
	if total != 400 || len(files) < 2 {
		t.Errorf("%d records in %d files", total, len(files))
	}
}

func BenchmarkTryWrite(b *testing.B) {
	l, err := New(Config{File: filepath.Join(b.TempDir(), "audit.log"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	r := record("n")
	b.ReportAllocs()
	for b.Loop() {
		l.TryWrite(r)
	}
	cancel()
	<-ended
}
