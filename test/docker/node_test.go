// Package docker runs a real node with the docker driver on a real engine.
package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/worker/runner/docker/enginetest"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// The tests have a network namespace of their own, so all ports are free.
const (
	apiAddress = "127.0.0.1:18080"
	dnsAddress = "127.0.0.1:18053"
)

// node is a process of cairn that can be killed and started again.
type node struct {
	t       *testing.T
	program string
	args    []string
	log     string // file
	data    string // folder
	cmd     *exec.Cmd
	// key is the access key of the requests, which selects the account. Empty: none.
	key string
}

// as returns the node for requests with an access key.
func (n *node) as(key string) *node {
	other := *n
	other.key = key
	return &other
}

// newNode starts a node, with further lines of configuration.
func newNode(t *testing.T, e *enginetest.Engine, more ...string) *node {
	t.Helper()
	dir := t.TempDir()
	n := &node{t: t, program: filepath.Join(dir, "cairn"), log: filepath.Join(dir, "log")}
	if err := testtool.Build(n.program, "github.com/cairn-discovery/cairn/cmd/cairn"); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "cairn.yaml")
	text := fmt.Sprintf(`runner:
  docker:
    socket: %s
    pull: never
  subnets:
    - {id: subnet-a, cidr: 10.88.1.0/24, cidr_ipv6: "fd88:1::/64"}
%s
`, e.Socket(), strings.Join(more, "\n"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n.data = filepath.Join(dir, "data")
	n.args = []string{"serve", "--config", config, "--data-dir", n.data, "--runner", "docker",
		"--api-addr", apiAddress, "--dns-addr", dnsAddress, "--admin-addr", "127.0.0.1:0", "--xds-addr", "127.0.0.1:0"}
	n.start()
	t.Cleanup(func() {
		n.kill()
		if t.Failed() {
			b, _ := os.ReadFile(n.log)
			t.Logf("log of the node:\n%s", b[max(0, len(b)-8000):])
		}
	})
	return n
}

func (n *node) start() {
	n.t.Helper()
	f, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		n.t.Fatal(err)
	}
	defer f.Close()
	n.cmd = exec.Command(n.program, n.args...)
	n.cmd.Stdout, n.cmd.Stderr = f, f
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.until("the API answers", func() bool {
		c, err := net.Dial("tcp", apiAddress)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// kill ends the process as kill -9 does.
func (n *node) kill() {
	n.cmd.Process.Signal(syscall.SIGKILL)
	n.cmd.Wait()
}

// output returns what a container of cluster "c" has printed.
func (n *node) output(task, container string) string {
	n.t.Helper()
	text, err := os.ReadFile(filepath.Join(n.data, "runner", "logs", "000000000000", "tasks", "c", task, container))
	if err != nil {
		n.t.Fatal(err)
	}
	return string(text)
}

type object = map[string]any

// call calls an operation, such as "ecs:RunTask", and fails the test if it fails.
func (n *node) call(operation string, in object) object {
	n.t.Helper()
	out, err := n.try(operation, in)
	if err != nil {
		n.t.Fatal(err)
	}
	return out
}

func (n *node) try(operation string, in object) (object, error) {
	api, name, _ := strings.Cut(operation, ":")
	prefix := map[string]string{"ecs": "AmazonEC2ContainerServiceV20141113.", "cloudmap": "Route53AutoNaming_v20170314."}[api]
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(n.t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+apiAddress, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", prefix+name)
	if n.key != "" { // a node in open mode does not look at the signature
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+n.key+"/20260101/us-east-1/"+api+"/aws4_request, SignedHeaders=host, Signature=00")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s %s", operation, resp.Status, text)
	}
	var out object
	return out, json.Unmarshal(text, &out)
}

// until waits until a condition holds.
func (n *node) until(what string, holds func() bool) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), 2*time.Minute)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			n.t.Fatalf("not within two minutes: %s", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// at returns the value at a path of an answer, such as "service", "events", 0.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(object)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func text(v any, path ...any) string {
	s, _ := at(v, path...).(string)
	return s
}
