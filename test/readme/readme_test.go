// Package readme runs the tour of the README, and guides, and compares what they
// print.
package readme

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/worker/runner/drivertest"
)

var update = flag.Bool("update", false, "write what the commands print into the README")

const readme = "../../README.md"

// TestMain runs the tests in namespaces of their own: tasks have networks on the node.
func TestMain(m *testing.M) {
	drivertest.Isolate()
	os.Exit(m.Run())
}

func TestTour(t *testing.T) {
	testtool.Need(t, "dig", "bind9-dnsutils")
	testtool.Need(t, "aws", "awscli")
	shell := newShell(t)
	shell.serve(t)
	compare(t, readme, shell)
	// The tour removes the files that it creates.
	entries, err := os.ReadDir(shell.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); name != "bin" && name != "data" && !strings.HasPrefix(name, ".") {
			t.Errorf("the tour leaves %s in the current folder", name)
		}
	}
}

// TestSetupSaysWhatItInstalls runs the set-up of the tests where no program is
// found and none is to be installed.
func TestSetupSaysWhatItInstalls(t *testing.T) {
	setup := exec.Command("/bin/sh", "../setup.sh")
	setup.Env = []string{"PATH=/nonexistent", "INSTALL=no"}
	out, err := setup.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"Debian packages are missing:", " awscli ", "To install: apt-get install"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}

// TestIdentityGuide runs docs/identity.md, with the files that it shows.
func TestIdentityGuide(t *testing.T) {
	testtool.Need(t, "aws", "awscli")
	testtool.Need(t, "openssl", "openssl")
	const guide = "../../docs/identity.md"
	shell := newShell(t)
	shell.writeFiles(t, guide, 2)
	compare(t, guide, shell)
}

// TestECSTour runs docs/ecs.md.
func TestECSTour(t *testing.T) {
	testtool.Need(t, "dig", "bind9-dnsutils")
	testtool.Need(t, "aws", "awscli")
	if os.Geteuid() != 0 {
		t.Skip("the process driver needs root")
	}
	const guide = "../../docs/ecs.md"
	shell := newShell(t)
	shell.writeFiles(t, guide, 1)
	compare(t, guide, shell)
}

// TestRoute53Tour runs docs/route53.md.
func TestRoute53Tour(t *testing.T) {
	testtool.Need(t, "dig", "bind9-dnsutils")
	testtool.Need(t, "aws", "awscli")
	const guide = "../../docs/route53.md"
	shell := newShell(t)
	shell.writeFiles(t, guide, 1)
	compare(t, guide, shell)
}

// TestMeshTour runs docs/mesh.md with a real Envoy.
func TestMeshTour(t *testing.T) {
	envoy := testtool.Envoy(t)
	testtool.Need(t, "curl", "curl")
	testtool.Need(t, "aws", "awscli")
	shell := newShell(t)
	if err := os.Symlink(envoy, filepath.Join(shell.dir, "bin", "envoy")); err != nil {
		t.Fatal(err)
	}
	compare(t, "../../docs/mesh.md", shell)
}

// writeFiles writes the files that a document shows.
func (s *shell) writeFiles(t *testing.T, document string, count int) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	files := fileBlock.FindAllSubmatch(text, -1)
	if len(files) != count {
		t.Fatalf("%s shows %d files, want %d", document, len(files), count)
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(s.dir, string(f[1])), f[2], 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// fileBlock is a file in a document: its name and what it contains.
var fileBlock = regexp.MustCompile("(?s)his is `([a-z.]+)`:\n\n```[a-z]+\n(.*?)```")

// compare runs the console blocks of a document and compares, or updates, what
// they print.
func compare(t *testing.T, document string, shell *shell) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	got := consoleBlock.ReplaceAllStringFunc(string(text), func(block string) string {
		return "```console\n" + shell.play(t, block) + "```"
	})
	if *update {
		if err := os.WriteFile(document, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if mask(got) != mask(string(text)) {
		t.Errorf("%s does not show what the commands print (go test ./test/readme -update):\n%s", document, firstDifference(mask(string(text)), mask(got)))
	}
}

var consoleBlock = regexp.MustCompile("(?s)```console\n.*?```")

// shell is one bash that runs all commands of the tour, in a folder of its own.
type shell struct {
	dir   string // has cairn in its folder bin
	in    *bufio.Writer
	out   *bufio.Reader
	ports *strings.Replacer // of the real node, in what is printed
	real  *strings.Replacer // of the README, in what is run
}

// play runs the commands of a block and returns it with what they print.
func (s *shell) play(t *testing.T, block string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(block) {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		b.WriteString(line)
		if args, ok := strings.CutPrefix(command, "cairn serve"); ok {
			s.serve(t, strings.Fields(args)...)
			continue
		}
		b.WriteString(s.run(t, strings.TrimSpace(command)))
	}
	return b.String()
}

const endOfCommand = "--- end of command, status "

func (s *shell) run(t *testing.T, command string) string {
	t.Helper()
	fmt.Fprintf(s.in, "%s\necho \"%s$?\"\n", s.real.Replace(command), endOfCommand)
	if err := s.in.Flush(); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, b.String())
		}
		if status, ok := strings.CutPrefix(line, endOfCommand); ok {
			if status != "0\n" {
				t.Fatalf("%s: exit status %s%s", command, status, b.String())
			}
			return s.ports.Replace(b.String())
		}
		b.WriteString(line)
	}
}

// newShell builds cairn and starts a shell that finds it.
func newShell(t *testing.T) *shell {
	t.Helper()
	dir := t.TempDir()
	if err := testtool.Build(filepath.Join(dir, "bin", "cairn"), "github.com/cairn-discovery/cairn/cmd/cairn"); err != nil {
		t.Fatal(err)
	}
	bash := exec.Command("bash", "--noprofile", "--norc")
	bash.Dir = dir
	bash.Env = append(cleanEnv(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), "HOME="+dir,
		"SHELL=/bin/bash", "AWS_PAGER=", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	in, err := bash.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := bash.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	bash.Stderr = os.Stderr
	if err := bash.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); bash.Wait() })
	return &shell{dir, bufio.NewWriter(in), bufio.NewReader(out), strings.NewReplacer(), strings.NewReplacer()}
}

// serve starts a node and points the shell at it.
func (s *shell) serve(t *testing.T, flags ...string) {
	t.Helper()
	addrs := serve(t, s.dir, flags...)
	s.run(t, fmt.Sprintf("export CAIRN_ENDPOINT=http://%s CAIRN_ADMIN=http://%s", addrs["api"], addrs["admin"]))
	var printed, run []string
	for name, usual := range map[string]string{"api": "8053", "dns": "8054", "admin": "8055", "xds": "8056"} {
		if _, port, err := net.SplitHostPort(addrs[name]); err == nil {
			printed = append(printed, port, usual)
			run = append(run, usual, port)
		}
	}
	s.ports, s.real = strings.NewReplacer(printed...), strings.NewReplacer(run...)
}

// cleanEnv is the environment without what would point AWS clients elsewhere.
func cleanEnv() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") && !strings.HasPrefix(v, "CAIRN_") {
			env = append(env, v)
		}
	}
	return env
}

var readyAddr = regexp.MustCompile(`(api|dns|admin|xds)=(\S+)`)

// serve starts a node on free ports and returns its addresses once it is ready.
func serve(t *testing.T, dir string, flags ...string) map[string]string {
	t.Helper()
	args := append([]string{"serve", "--data-dir", filepath.Join(dir, "data"), "--api-addr", "127.0.0.1:0",
		"--dns-addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0", "--xds-addr", "127.0.0.1:0"}, flags...)
	node := exec.Command(filepath.Join(dir, "bin", "cairn"), args...)
	node.Env, node.Dir = cleanEnv(), dir
	stderr, err := node.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	ready, drained := make(chan map[string]string, 1), make(chan struct{})
	go follow(stderr, ready, drained)
	t.Cleanup(func() {
		node.Process.Signal(os.Interrupt)
		<-drained
		if err := node.Wait(); err != nil {
			t.Errorf("cairn serve: %v", err)
		}
	})
	addrs, ok := <-ready
	if !ok {
		t.Fatal("cairn serve ended before it was ready")
	}
	return addrs
}

// follow reads a node's log to its end, passing it on, so that the node never
// waits for its reader.
func follow(log io.Reader, ready chan<- map[string]string, drained chan<- struct{}) {
	defer close(drained)
	defer close(ready)
	lines, told := bufio.NewScanner(log), false
	for lines.Scan() {
		if !told && strings.Contains(lines.Text(), "msg=ready") {
			addrs := map[string]string{}
			for _, m := range readyAddr.FindAllStringSubmatch(lines.Text(), -1) {
				addrs[m[1]] = m[2]
			}
			ready <- addrs
			told = true
		}
	}
}

// volatile is what differs from run to run, and what takes its place.
var volatile = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`[a-z2-7]{32}-[0-9a-z]{8}`), "OPERATION"},
	{regexp.MustCompile(`(ns|srv)-[a-z2-7]{16}`), "$1-ID"},
	{regexp.MustCompile(`\bZ[A-Z2-7]{20}\b`), "ZONE"},
	{regexp.MustCompile(`AKIA[A-Z2-7]{16}`), "KEY"},
	{regexp.MustCompile(`(SecretAccessKey +)\S{40}`), "${1}SECRET"},
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "TASK"},
	{regexp.MustCompile(`(created|running for) \d+s`), "$1 SECONDS"},
	{regexp.MustCompile(`(stream from 127.0.0.1:)\d+`), "${1}PORT"},
	{regexp.MustCompile(`(, revision |sent version |accepted |answers )\S+`), "${1}NUMBER"},
	{regexp.MustCompile(`node "[^"]*"`), "node NAME"},
	{regexp.MustCompile(`AVAILABILITY_ZONE=[^,]*`), "AVAILABILITY_ZONE=ZONE"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[0-9.]*(Z|[+-]\d\d:\d\d)?`), "TIME"},
	{regexp.MustCompile(`(?m)^(\S+\.\s+)\d+(\s+IN)`), "${1}TTL${2}"},
}

func mask(s string) string {
	for _, v := range volatile {
		s = v.pattern.ReplaceAllString(s, v.instead)
	}
	return s
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d\nREADME: %s\nreal:   %s", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("README has %d lines, real output makes %d", len(w), len(g))
}
