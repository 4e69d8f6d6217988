// Package e2e drives cairn with the programs and libraries that its users have.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testtool"
)

// binaryDir is the folder of binary. TestMain makes and removes it.
var binaryDir string

// binary is the path of the real program, which is compiled once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaryDir, "cairn")
	return path, testtool.Build(path, "github.com/cairn-discovery/cairn/cmd/cairn")
})

func build(t *testing.T) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// parallelTests is how many tests run at a time. It is more than there are processors,
// since tests wait for probes, leases and the pauses of Terraform most of the time.
const parallelTests = 8

func TestMain(m *testing.M) {
	flag.Parse()
	if given := flag.Lookup("test.parallel"); given.Value.String() == given.DefValue {
		given.Value.Set(strconv.Itoa(parallelTests))
	}
	dir, err := os.MkdirTemp("", "cairn-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binaryDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// process is a running node.
type process struct {
	api
	dns   string // HOST:PORT
	admin string // URL
	log   *readyLog
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended
}

// serve runs the program on a data folder and returns when it is ready.
func serve(t *testing.T, program, dataDir string, flags ...string) *process {
	t.Helper()
	args := append([]string{"serve", "--data-dir", dataDir, "--api-addr", "127.0.0.1:0", "--dns-addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0", "--xds-addr", "127.0.0.1:0"}, flags...)
	log := &readyLog{ready: make(chan [3]string, 1)}
	p := &process{cmd: exec.Command(program, args...), log: log, ended: make(chan struct{})}
	p.cmd.Stderr = log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait() // it is killed sooner or later
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	select {
	case addrs := <-log.ready:
		p.url, p.dns, p.admin = "http://"+addrs[0], addrs[1], "http://"+addrs[2]
	case <-p.ended:
		t.Fatalf("the node ended at its start:\n%s", log.text())
	}
	p.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	return p
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.ended
}

// readyLog waits for the line that says that a node serves.
type readyLog struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	ready chan [3]string // gets the addresses of API, DNS and admin listener
}

var readyLine = regexp.MustCompile(`msg=ready api=(\S+) dns=(\S+) admin=(\S+)`)

func (l *readyLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.Write(p)
	if m := readyLine.FindSubmatch(l.buf.Bytes()); m != nil {
		select {
		case l.ready <- [3]string{string(m[1]), string(m[2]), string(m[3])}:
		default:
		}
	}
	return len(p), nil
}

func (l *readyLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// api calls a node without any library.
type api struct {
	url    string
	client *http.Client
}

type object = map[string]any

// call returns the answer to a request. An error means that none came.
func (a *api) call(ctx context.Context, operation string, in object) (int, object, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "Route53AutoNaming_v20170314."+operation)
	resp, err := a.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, err
	}
	var answer object
	if len(text) > 0 {
		err = json.Unmarshal(text, &answer)
	}
	return resp.StatusCode, answer, err
}

// must returns the answer to a request that must succeed.
func (a *api) must(t *testing.T, operation string, in object) object {
	t.Helper()
	status, answer, err := a.call(t.Context(), operation, in)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s %v: %d %v %v", operation, in, status, answer, err)
	}
	return answer
}

// all goes through the pages of a list and returns its elements.
func (a *api) all(t *testing.T, operation, list string, in object) []object {
	t.Helper()
	var all []object
	for {
		answer := a.must(t, operation, in)
		for _, e := range answer[list].([]any) {
			all = append(all, e.(object))
		}
		if answer["NextToken"] == nil {
			return all
		}
		in["NextToken"] = answer["NextToken"]
	}
}

// run runs a program in the environment and returns what it prints.
func run(t *testing.T, dir string, env []string, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var errors strings.Builder
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", filepath.Base(program), strings.Join(args, " "), err, out, errors.String())
	}
	return string(out)
}

// awsEnv is what every AWS client needs to start at all, and keeps the settings
// of the user who runs the tests out.
func awsEnv(dir string) []string {
	none := filepath.Join(dir, "none")
	return []string{"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_CONFIG_FILE=" + none, "AWS_SHARED_CREDENTIALS_FILE=" + none, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=",
		"AWS_MAX_ATTEMPTS=1", "NO_PROXY=", "no_proxy="}
}

// throughProxy makes AWS clients send every request to the node, whatever host
// it is for: no name has to be resolved, not even one with "data-" before it.
func throughProxy(url string) []string {
	return []string{"HTTP_PROXY=" + url, "http_proxy=" + url}
}

const awsEndpoint = "http://servicediscovery.us-east-1.amazonaws.com"

// text returns what a path of names leads to.
func text(v any, path ...string) string {
	for _, name := range path {
		o, _ := v.(object)
		v = o[name]
	}
	return fmt.Sprint(v)
}
