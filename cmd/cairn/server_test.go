package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience bounds every wait for a process, for the slowest machine that runs
// the tests.
const patience = time.Minute

// serverProcess is a "cairn serve" process.
type serverProcess struct {
	cmd             *exec.Cmd
	api, dns, admin string // HOST:PORT
	done            chan struct{}
	err             error // of cmd.Wait; read after done

	mu    sync.Mutex
	log   strings.Builder
	grown chan struct{} // closed and renewed when log grows
}

// startServer runs "cairn serve" on free ports and waits until it is ready.
func startServer(env []string, dir string, args ...string) (*serverProcess, error) {
	path, err := exec.LookPath("cairn")
	if err != nil {
		return nil, err
	}
	args = append([]string{"serve", "--api-addr", "127.0.0.1:0", "--dns-addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0", "--xds-addr", "127.0.0.1:0"}, args...)
	s := &serverProcess{cmd: exec.Command(path, args...), done: make(chan struct{}), grown: make(chan struct{})}
	s.cmd.Env, s.cmd.Dir = env, dir
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go s.read(stderr)
	line, err := s.wait(regexp.MustCompile(`msg=ready api=(\S+) dns=(\S+)(?: dot=\S+)?(?: doh=\S+)? admin=(\S+)`))
	if err != nil {
		s.kill()
		return nil, err
	}
	s.api, s.dns, s.admin = line[1], line[2], line[3]
	return s, nil
}

// read collects the log until the process ends.
func (s *serverProcess) read(stderr io.Reader) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		s.mu.Lock()
		s.log.WriteString(lines.Text() + "\n")
		close(s.grown)
		s.grown = make(chan struct{})
		s.mu.Unlock()
	}
	s.err = s.cmd.Wait()
	close(s.done)
}

func (s *serverProcess) logged() (text string, grown <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String(), s.grown
}

// wait waits for a pattern in the log and returns its groups.
func (s *serverProcess) wait(pattern *regexp.Regexp) ([]string, error) {
	late := time.After(patience)
	for {
		text, grown := s.logged()
		if m := pattern.FindStringSubmatch(text); m != nil {
			return m, nil
		}
		select {
		case <-grown:
		case <-s.done:
			text, _ := s.logged()
			return nil, fmt.Errorf("cairn serve ended (%v):\n%s", s.err, text)
		case <-late:
			return nil, fmt.Errorf("no %q in the log:\n%s", pattern, text)
		}
	}
}

// end sends a signal and waits until the process ends with exit code 0.
func (s *serverProcess) end(signal os.Signal) error {
	if err := s.cmd.Process.Signal(signal); err != nil {
		return err
	}
	select {
	case <-s.done:
	case <-time.After(patience):
		return fmt.Errorf("still running %v after %v", patience, signal)
	}
	if s.err != nil {
		text, _ := s.logged()
		return fmt.Errorf("after %v: %w\n%s", signal, s.err, text)
	}
	return nil
}

func (s *serverProcess) kill() {
	_ = s.cmd.Process.Kill() // may have ended
	<-s.done
}

// serveIn runs a server for a Go test.
func serveIn(t *testing.T, dataDir string, args ...string) *serverProcess {
	t.Helper()
	s, err := startServer(os.Environ(), t.TempDir(), append([]string{"--data-dir", dataDir}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	return s
}

func nodeCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || neg {
		ts.Fatalf("usage: node start|stop|interrupt|kill|hangup|logged NAME ...")
	}
	servers := ts.Value(serversKey{}).(map[string]*serverProcess)
	name := args[1]
	if args[0] == "start" {
		env := scriptEnv(ts)
		s, err := startServer(env, ts.Getenv("WORK"), args[2:]...)
		ts.Check(err)
		servers[name] = s
		ts.Setenv("CAIRN_ENDPOINT", "http://"+s.api)
		ts.Setenv("CAIRN_ADMIN", "http://"+s.admin)
		ts.Setenv("API_ADDR", s.api)
		ts.Setenv("DNS_ADDR", s.dns)
		ts.Setenv("ADMIN_ADDR", s.admin)
		return
	}
	s := servers[name]
	if s == nil {
		ts.Fatalf("no node %s", name)
	}
	switch args[0] {
	case "stop":
		ts.Check(s.end(syscall.SIGTERM))
	case "interrupt":
		ts.Check(s.end(os.Interrupt))
	case "kill":
		s.kill()
	case "hangup":
		ts.Check(s.cmd.Process.Signal(syscall.SIGHUP))
		fallthrough
	case "logged":
		_, err := s.wait(regexp.MustCompile(args[2]))
		ts.Check(err)
	default:
		ts.Fatalf("unknown: node %s", args[0])
	}
}

// scriptEnv returns the part of a script's environment that a node gets.
func scriptEnv(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "CAIRN_CONFIG", "CAIRN_LOG_LEVEL", "CAIRN_DATA_DIR"} {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}
