// Package etcdtest runs etcd processes for tests: the etcd of Debian, or the one that
// is first in PATH.
package etcdtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/cairn-discovery/cairn/internal/testtool"
)

// Server is one member of an etcd that runs as a process on loopback.
type Server struct {
	// Endpoint is the client URL.
	Endpoint string

	// DataDir is the folder of the member.
	DataDir string

	t    testing.TB
	args []string
	log  lockedBuffer
	cmd  *exec.Cmd
	done chan struct{}
}

// Start runs an etcd of one member with more arguments, and waits until it answers.
// The process ends with the test.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return StartCluster(t, 1, args...)[0]
}

// StartCluster runs an etcd of several members.
func StartCluster(t testing.TB, members int, args ...string) []*Server {
	t.Helper()
	program := testtool.Need(t, "etcd", "etcd-server")
	scheme := "http"
	for _, a := range args {
		if strings.HasPrefix(a, "--cert-file") {
			scheme = "https"
		}
	}
	var peers []string
	var all []*Server
	for i := range members {
		name, peer := fmt.Sprint("m", i), "http://"+FreeAddr(t)
		s := &Server{t: t, Endpoint: scheme + "://" + FreeAddr(t), DataDir: filepath.Join(t.TempDir(), name)}
		peers = append(peers, name+"="+peer)
		s.args = append([]string{
			program, "--name", name, "--data-dir", s.DataDir, "--logger", "zap",
			"--listen-client-urls", s.Endpoint, "--advertise-client-urls", s.Endpoint,
			"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
		}, args...)
		all = append(all, s)
	}
	for _, s := range all {
		s.args = append(s.args, "--initial-cluster", strings.Join(peers, ","))
		s.Run()
	}
	for _, s := range all {
		if scheme == "http" {
			s.await()
		}
	}
	return all
}

// FreeAddr returns a loopback address with a port that is free.
func FreeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Run starts the process, also after Kill.
func (s *Server) Run() {
	s.t.Helper()
	cmd := exec.Command(s.args[0], s.args[1:]...)
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Env = append(os.Environ(), "ETCD_UNSUPPORTED_ARCH=arm64")
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	done := make(chan struct{})
	s.cmd, s.done = cmd, done
	go func() {
		defer close(done)
		cmd.Wait()
	}()
	s.t.Cleanup(func() {
		cmd.Process.Kill()
		<-done
	})
}

// Kill ends the process as kill -9 does. Run starts it again.
func (s *Server) Kill() {
	s.cmd.Process.Kill()
	<-s.done
}

// Stop ends the process in order, with SIGTERM. Run starts it again.
func (s *Server) Stop() {
	s.signal(syscall.SIGTERM)
	<-s.done
}

// Pause stops the process without ending it: it keeps its connections and answers
// nothing. Resume lets it go on.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// await waits until the member answers.
func (s *Server) await() {
	s.t.Helper()
	client := Client(s.t, s.Endpoint)
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
		_, err := client.Get(attempt, "etcdtest")
		cancel()
		if err == nil {
			return
		}
	}
	s.t.Fatalf("etcd does not answer:\n%s", s.log.String())
}

// Client returns a client that ends with the test.
func Client(t testing.TB, endpoints ...string) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: endpoints, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
