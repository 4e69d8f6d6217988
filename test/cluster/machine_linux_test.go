package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// machine is a process on a host of its own, with a small disk.
type machine struct {
	*host
	t      *testing.T
	disk   string // a file system of its own
	args   []string
	log    *os.File
	client *http.Client // for listeners on loopback of the host

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{} // closed when cmd has ended
	// up counts the times that the process began or ceased to serve; odd: it serves.
	up atomic.Int64
}

// diskMebibytes has room for the log files that etcd makes in advance.
const diskMebibytes = 320

// newMachine makes a host with a disk. Its process ends with the test.
func newMachine(t *testing.T, n *network, name string) *machine {
	t.Helper()
	dir := t.TempDir()
	disk := filepath.Join(dir, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, fmt.Sprintf("size=%dm", diskMebibytes)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(disk, unix.MNT_DETACH) })
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{host: n.add(name), t: t, disk: disk, log: log}
	m.client = &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{DialContext: m.dial, MaxIdleConnsPerHost: 64}}
	t.Cleanup(func() {
		m.kill()
		m.client.CloseIdleConnections()
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, m.lastLog(12_000))
		}
	})
	return m
}

func (m *machine) lastLog(most int) string {
	text, _ := os.ReadFile(m.log.Name())
	return string(text[max(0, len(text)-most):])
}

// start starts the process.
func (m *machine) start() {
	cmd := exec.Command(m.args[0], m.args[1:]...)
	cmd.Stdout, cmd.Stderr = m.log, m.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var err error
	m.do(func() { err = cmd.Start() })
	if err != nil {
		m.t.Errorf("start %s: %v", m.name, err)
		return
	}
	done := make(chan struct{})
	m.mu.Lock()
	m.cmd, m.done = cmd, done
	m.mu.Unlock()
	go func() {
		defer close(done)
		cmd.Wait()
	}()
}

// down notes that the process does not serve. It is called before the process is hurt.
func (m *machine) down() {
	if n := m.up.Load(); n%2 == 1 {
		m.up.CompareAndSwap(n, n+1)
	}
}

// serves notes that the process serves.
func (m *machine) serves() {
	if n := m.up.Load(); n%2 == 0 {
		m.up.CompareAndSwap(n, n+1)
	}
}

func (m *machine) signal(s syscall.Signal) {
	m.mu.Lock()
	cmd := m.cmd
	m.mu.Unlock()
	if cmd != nil {
		cmd.Process.Signal(s)
	}
}

// kill ends the process at once.
func (m *machine) kill() {
	m.down()
	m.signal(syscall.SIGKILL)
	m.mu.Lock()
	done := m.done
	m.mu.Unlock()
	if done != nil {
		<-done
	}
}

// ended reports whether the process has ended.
func (m *machine) ended() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.done:
		return true
	default:
		return false
	}
}

// ballast is the file that fills a disk.
const ballast = "ballast"

// fillDisk leaves no space on the disk.
func (m *machine) fillDisk() {
	f, err := os.Create(filepath.Join(m.disk, ballast))
	if err != nil {
		m.t.Error(err)
		return
	}
	defer f.Close()
	for block := make([]byte, 64<<10); len(block) > 0; {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
}

func (m *machine) emptyDisk() { os.Remove(filepath.Join(m.disk, ballast)) }

// Addresses of a node on its host.
const (
	apiAddr   = "127.0.0.1:8053"
	dnsAddr   = "127.0.0.1:8054"
	adminAddr = "127.0.0.1:8055"
)

// answer is what a node has answered.
type answer struct {
	status   int
	revision uint64
	stale    bool
	body     []byte
}

// errNotSent means that a request was surely not sent.
var errNotSent = errors.New("not sent")

// call sends an operation of Cloud Map to the node on this machine. min is the value of
// cairn-min-revision; 0: none.
func (m *machine) call(ctx context.Context, operation, body string, min uint64) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+apiAddr, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.GetBody = nil // not sent twice
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "Route53AutoNaming_v20170314."+operation)
	if min > 0 {
		req.Header.Set("cairn-min-revision", fmt.Sprint(min))
	}
	resp, err := m.client.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
			err = errNotSent
		}
		return answer{}, err
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, stale: resp.Header.Get("cairn-stale") != ""}
	fmt.Sscan(resp.Header.Get("cairn-revision"), &a.revision)
	a.body, err = io.ReadAll(resp.Body)
	return a, err
}

// is reports whether an answer is a certain error.
func (a *answer) is(code string) bool { return bytes.Contains(a.body, []byte(code)) }
