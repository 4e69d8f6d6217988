// Package ecs runs tasks on a node with the process driver, and drives it with the AWS
// CLI, boto3 and Terraform.
package ecs

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/worker/runner/drivertest"
)

// TestMain runs the tests in namespaces of their own: the networks of the tasks are not
// seen outside.
func TestMain(m *testing.M) {
	if code, ok := node.TaskCommand(os.Args[1:]); ok {
		os.Exit(code)
	}
	drivertest.Isolate()
	code := m.Run()
	if dir, err := programs(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// programs is a folder with the program, and with a web server that takes the part of
// Apache in the image of the tutorial.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "cairn-ecs-")
	if err != nil {
		return "", err
	}
	server, caller := filepath.Join(dir, "server.go"), filepath.Join(dir, "caller.go")
	for file, text := range map[string]string{server: webServer, caller: callerProgram} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	for name, source := range map[string]string{"cairn": "github.com/cairn-discovery/cairn/cmd/cairn", "httpd-foreground": server, "caller": caller} {
		if err := testtool.Build(filepath.Join(dir, name), source); err != nil {
			return "", err
		}
	}
	return dir, nil
})

const webServer = `package main

import (
	"net/http"
	"os"
)

func main() {
	if len(os.Args) > 1 {
		os.Exit(check())
	}
	name, _ := os.Hostname()
	files := http.FileServer(http.Dir("/usr/local/apache2/htdocs"))
	server := http.Server{Addr: ":80", Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Task", name+" "+os.Getenv("VERSION"))
		files.ServeHTTP(w, r)
	})}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	if err := server.ListenAndServe(); err != nil {
		panic(err)
	}
}

// check is the health check of a container.
func check() int {
	resp, err := http.Get("http://127.0.0.1:80/")
	if err != nil || resp.StatusCode != http.StatusOK {
		return 1
	}
	return 0
}
`

// machine is a running program.
type machine struct {
	*testing.T
	program, config string
	store           string // data folder
	url, dns, admin string
	cmd             *exec.Cmd
	log             *readyLog
	ended           chan struct{} // closed when the program has ended
	env             []string      // of AWS clients
}

// options are what tests change of the configuration.
type options struct {
	store   string // data folder; "": one below the test's folder
	cgroups bool
	images  string // further members of runner.images
	envoy   string // the proxy of Service Connect; "": none
	subnet  string // of the tasks; "": 10.213.0.0/16
	runner  string // further lines of the section runner
}

// start runs a node whose tasks run, with further lines of configuration. The image
// httpd:2.4 is a folder with a shell and the web server.
func start(t *testing.T, more ...string) *machine { return startWith(t, options{}, more...) }

func startWith(t *testing.T, o options, more ...string) *machine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("the process driver needs root")
	}
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	if o.store == "" {
		o.store = filepath.Join(data, "store")
	}
	config := filepath.Join(data, "cairn.yaml")
	text := strings.NewReplacer("DATA", o.store, "IMAGE", image(t, dir), "CGROUPS", fmt.Sprint(o.cgroups), "MORE", o.images, "ENVOY", cmp.Or(o.envoy, "none"),
		"SUBNET", cmp.Or(o.subnet, "10.213.0.0/16"), "RUNNER", o.runner).Replace(`
data_dir: DATA
api_addr: 127.0.0.1:0
dns_addr: 127.0.0.1:0
admin_addr: 127.0.0.1:0
xds_addr: 127.0.0.1:0
vpcs: [{id: vpc-abcd1234, cidrs: [127.0.0.0/8]}]
runner:
  driver: process
  cgroups: CGROUPS
  outbound: false
  envoy: ENVOY
  default_subnet: {cidr: SUBNET, vpc: vpc-abcd1234}
  images: {"httpd:2.4": {root: IMAGE}MORE}
RUNNER
` + strings.Join(more, "\n"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n := &machine{T: t, program: filepath.Join(dir, "cairn"), config: config, store: o.store}
	n.boot()
	t.Cleanup(func() {
		n.cmd.Process.Signal(syscall.SIGTERM)
		<-n.ended
		if t.Failed() {
			t.Log(n.log.text())
		}
	})
	none := filepath.Join(data, "none")
	n.env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_CONFIG_FILE="+none, "AWS_SHARED_CREDENTIALS_FILE="+none, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "NO_PROXY=", "no_proxy=",
		"AWS_ENDPOINT_URL="+n.url, "AWS_DISABLE_HOST_PREFIX_INJECTION=true")
	return n
}

// boot starts the program and waits until it serves.
func (n *machine) boot() {
	n.Helper()
	n.cmd, n.log, n.ended = exec.Command(n.program, "serve", "--config", n.config), &readyLog{ready: make(chan [3]string, 1)}, make(chan struct{})
	n.cmd.Stderr = n.log
	if err := n.cmd.Start(); err != nil {
		n.Fatal(err)
	}
	cmd, ended := n.cmd, n.ended
	go func() { cmd.Wait(); close(ended) }()
	select {
	case addrs := <-n.log.ready:
		n.url, n.dns, n.admin = "http://"+addrs[0], addrs[1], addrs[2]
	case <-ended:
		n.Fatalf("the node ended at its start:\n%s", n.log.text())
	}
}

// kill ends the program as kill -9 does. Its tasks go on.
func (n *machine) kill() {
	n.cmd.Process.Kill()
	<-n.ended
}

// image makes the root file system of httpd:2.4: a shell with the libraries that it
// needs, and the web server.
func image(t *testing.T, programs string) string {
	t.Helper()
	root := t.TempDir()
	shell := testtool.Need(t, "dash", "dash")
	out, err := exec.Command(testtool.Need(t, "ldd", "libc-bin"), shell).Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"bin/sh": shell, "usr/local/bin/httpd-foreground": filepath.Join(programs, "httpd-foreground"), "usr/local/bin/caller": filepath.Join(programs, "caller")}
	for _, library := range regexp.MustCompile(`/\S+`).FindAllString(string(out), -1) {
		files[strings.TrimPrefix(library, "/")] = library
	}
	for to, from := range files {
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(root, to)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"usr/local/apache2/htdocs", "tmp", "etc", "proc", "sys", "dev"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// readyLog waits for the line that says that a node serves.
type readyLog struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	ready chan [3]string // gets the addresses of API, DNS and the admin listener
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

// run runs a program that must succeed and returns its output.
func (n *machine) run(dir, program string, args ...string) string {
	n.Helper()
	cmd := exec.CommandContext(n.Context(), program, args...)
	cmd.Dir, cmd.Env = dir, n.env
	var errors strings.Builder
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		n.Fatalf("%s %s: %v\n%s%s", filepath.Base(program), strings.Join(args, " "), err, out, errors.String())
	}
	return string(out)
}

type object = map[string]any

// targets are the prefixes of operations in requests.
var targets = map[string]string{"ecs": "AmazonEC2ContainerServiceV20141113.", "servicediscovery": "Route53AutoNaming_v20170314."}

// call sends a request of the AWS JSON protocol; it must succeed.
func (n *machine) call(service, operation string, in object) object {
	n.Helper()
	out, err := n.try(service, operation, in)
	if err != nil {
		n.Fatal(err)
	}
	return out
}

// try sends a request of the AWS JSON protocol.
func (n *machine) try(service, operation string, in object) (object, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(n.Context(), http.MethodPost, n.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", targets[service]+operation)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %.200s: %s %s %w", operation, body, resp.Status, answer, err)
	}
	var out object
	return out, json.Unmarshal(answer, &out)
}

// aws runs a command of the AWS CLI and returns its answer.
func (n *machine) aws(dir string, args ...string) object {
	n.Helper()
	out := n.run(dir, testtool.Need(n.T, "aws", "awscli"), append(args, "--output", "json")...)
	var answer object
	if strings.TrimSpace(out) != "" {
		if err := json.Unmarshal([]byte(out), &answer); err != nil {
			n.Fatalf("%v: %s", args, out)
		}
	}
	return answer
}

// get returns what a path of names leads to; a number is an index of a list.
func get(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				return nil
			}
			v = list[step]
		case string:
			o, _ := v.(object)
			v = o[step]
		}
	}
	return v
}

func text(v any, path ...any) string { return fmt.Sprint(get(v, path...)) }
