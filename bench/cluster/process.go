//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// etcd is a server of one member.
type etcd struct {
	endpoint string
	client   *clientv3.Client
	pid      int
	stop     func()
}

// startEtcd starts a member with an empty folder.
func (r *run) startEtcd(args ...string) (*etcd, error) {
	dir, err := os.MkdirTemp(r.dir, "etcd-")
	if err != nil {
		return nil, err
	}
	client, peer := "http://"+freeAddr(), "http://"+freeAddr()
	cmd := exec.Command("etcd", append([]string{"--name", "m", "--data-dir", dir, "--logger", "zap",
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "m=" + peer}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	e := &etcd{endpoint: client, pid: cmd.Process.Pid, stop: func() { cmd.Process.Kill(); cmd.Wait() }}
	e.client, err = clientv3.New(clientv3.Config{Endpoints: []string{client}, Logger: zap.NewNop(), MaxCallSendMsgSize: 8 << 20})
	if err != nil {
		e.stop()
		return nil, err
	}
	for range 60 {
		ctx, cancel := context.WithTimeout(r.ctx, time.Second)
		_, err = e.client.Get(ctx, "x")
		cancel()
		if err == nil {
			return e, nil
		}
	}
	e.stop()
	return nil, fmt.Errorf("etcd does not answer: %w", err)
}

// databaseSize returns the bytes of the database of etcd.
func (e *etcd) databaseSize(ctx context.Context) (int64, error) {
	s, err := e.client.Status(ctx, e.endpoint)
	if err != nil {
		return 0, err
	}
	return s.DbSize, nil
}

// freeAddr returns a loopback address with a free port.
func freeAddr() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:0"
	}
	defer l.Close()
	return l.Addr().String()
}

// node is a process of cairn.
type node struct {
	cmd      *exec.Cmd
	api, dns string
	ready    time.Duration // from the start of the process
}

var ready = regexp.MustCompile(`msg=ready.* api=(\S+).* dns=(\S+)`)

// startNode starts a node without quotas and waits until it is ready.
func (r *run) startNode(name string, args ...string) (*node, error) {
	config := filepath.Join(r.dir, "config.yaml")
	quotas := "quotas: {namespaces_per_account: 0, services_per_namespace: 0, instances_per_service: 0}\n"
	if err := os.WriteFile(config, []byte(quotas), 0o644); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(r.dir, name)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(r.cairn, append([]string{"serve", "--config", config, "--data-dir", dir, "--node-name", name,
		"--api-addr", "127.0.0.1:0", "--dns-addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0", "--xds-addr", "127.0.0.1:0"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var seen []string
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if m := ready.FindStringSubmatch(lines.Text()); m != nil {
			go io.Copy(io.Discard, stderr) // ends with the process
			return &node{cmd: cmd, api: m[1], dns: m[2], ready: time.Since(start)}, nil
		}
		seen = append(seen, lines.Text())
	}
	return nil, fmt.Errorf("%s did not get ready: %w\n%s", name, cmd.Wait(), strings.Join(seen, "\n"))
}

// startNodes starts nodes that share an etcd.
func (r *run) startNodes(e *etcd, count int) (nodes []*node, err error) {
	for i := range count {
		n, err := r.startNode(fmt.Sprint("n", i), "--store", "etcd", "--etcd-endpoints", e.endpoint)
		if err != nil {
			return nil, errors.Join(err, stopAll(nodes))
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

func stopAll(nodes []*node) error {
	var errs []error
	for _, n := range nodes {
		errs = append(errs, n.stop())
	}
	return errors.Join(errs...)
}

func (n *node) stop() error {
	n.cmd.Process.Signal(syscall.SIGTERM)
	return n.cmd.Wait()
}

// memory returns a value of /proc/PID/status in bytes, such as VmHWM.
func (n *node) memory(name string) int64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.cmd.Process.Pid))
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kb << 10
		}
	}
	return 0
}
