// Package cluster tests nodes as real processes that share a store: three nodes with
// --store cluster, which are killed under writers.
package cluster

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/internal/testtool"
)

// process is one node.
type process struct {
	t    *testing.T
	args []string
	api  string
	log  *os.File
	cmd  *exec.Cmd
	done chan struct{}
}

// build returns the program: the one that CAIRN_PROGRAM names, or one made from the source.
func build(t *testing.T) string {
	t.Helper()
	if program := os.Getenv("CAIRN_PROGRAM"); program != "" {
		return program
	}
	program := filepath.Join(t.TempDir(), "cairn")
	if err := testtool.Build(program, "github.com/cairn-discovery/cairn/cmd/cairn"); err != nil {
		t.Fatal(err)
	}
	return program
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// newProcess prepares a node; run starts it.
func newProcess(t *testing.T, program, name string, args ...string) *process {
	t.Helper()
	dir := t.TempDir()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, api: freeAddr(t), log: log}
	p.args = append([]string{program, "serve", "--data-dir", filepath.Join(dir, "data"), "--node-name", name,
		"--api-addr", p.api, "--dns-addr", freeAddr(t), "--admin-addr", freeAddr(t), "--xds-addr", freeAddr(t)}, args...)
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			if len(text) > 20_000 {
				text = text[len(text)-20_000:]
			}
			t.Logf("log of %s:\n%s", name, text)
		}
	})
	return p
}

func (p *process) run() {
	p.t.Helper()
	cmd := exec.Command(p.args[0], p.args[1:]...)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	done := make(chan struct{})
	p.cmd, p.done = cmd, done
	go func() {
		defer close(done)
		cmd.Wait()
	}()
}

func (p *process) kill() {
	if p.cmd != nil {
		p.cmd.Process.Kill()
		<-p.done
	}
}

// terminate stops the node in order.
func (p *process) terminate() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.done
}

// dataDir returns the data folder of a node.
func dataDir(p *process) string { return p.flag("--data-dir") }

// flag returns the value of a flag of a node.
func (p *process) flag(name string) string {
	for i, arg := range p.args {
		if arg == name {
			return p.args[i+1]
		}
	}
	return ""
}

// await waits until the node answers.
func (p *process) await() {
	p.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if status, _, err := p.call("ListNamespaces", "{}"); err == nil && status == http.StatusOK {
			return
		}
	}
	p.t.Fatalf("the node %v does not answer", p.args)
}

var caller = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// call sends one operation of Cloud Map.
func (p *process) call(operation, body string) (int, []byte, error) {
	req, err := http.NewRequest(http.MethodPost, "http://"+p.api, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "Route53AutoNaming_v20170314."+operation)
	resp, err := caller.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// must calls an operation until a node does it, and decodes the answer.
func must(t *testing.T, p *process, operation, body string, answer any) {
	t.Helper()
	var text []byte
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		status, body, err := p.call(operation, body)
		if text = body; err == nil && status == http.StatusOK {
			if err := json.Unmarshal(body, answer); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("%s: %s", operation, text)
}

const writers = 32

// TestKilledNodes kills one of three nodes again and again under 32 writers. Every write
// that was acknowledged is on all nodes in the end. CLUSTER_ROUNDS is the number of kills,
// CLUSTER_INTERVAL the time between two.
func TestKilledNodes(t *testing.T) {
	rounds, _ := strconv.Atoi(os.Getenv("CLUSTER_ROUNDS"))
	interval, _ := time.ParseDuration(os.Getenv("CLUSTER_INTERVAL"))
	if rounds == 0 {
		rounds = 3
	}
	if interval == 0 {
		interval = 4 * time.Second
	}
	nodes := startCluster(t)
	service := createService(t, nodes[0])

	acknowledged := make([][]string, writers)
	var failed atomic.Int64
	done := make(chan struct{})
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				id := fmt.Sprintf("w%d-%d", w, i)
				body := fmt.Sprintf(`{"ServiceId":%q,"InstanceId":%q,"Attributes":{"AWS_INSTANCE_IPV4":"192.0.2.1"}}`, service, id)
				status, _, err := nodes[(w+i)%len(nodes)].call("RegisterInstance", body)
				if err == nil && status == http.StatusOK {
					acknowledged[w] = append(acknowledged[w], id)
				} else {
					failed.Add(1)
					time.Sleep(50 * time.Millisecond)
				}
			}
		})
	}
	for round := range rounds {
		time.Sleep(interval / 2)
		victim := nodes[round%len(nodes)]
		victim.kill()
		time.Sleep(interval / 2)
		victim.run()
	}
	time.Sleep(interval / 2)
	close(done)
	wg.Wait()
	total := 0
	for _, node := range nodes {
		node.await()
		have := instances(t, node, service)
		total = 0
		for _, ids := range acknowledged {
			for _, id := range ids {
				total++
				if !have[id] {
					t.Errorf("%s does not have %s, which was acknowledged", node.args[5], id)
				}
			}
		}
	}
	if total < writers {
		t.Errorf("%d writes were acknowledged", total)
	}
	t.Logf("%d kills, %d writes acknowledged, %d failed", rounds, total, failed.Load())
}

// startCluster starts three nodes of one cluster.
func startCluster(t *testing.T, args ...string) []*process { return startClusterWith(t, "", args...) }

// startClusterWith takes more of the configuration.
func startClusterWith(t *testing.T, more string, args ...string) []*process {
	program := build(t)
	config := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(config, []byte("quotas: {instances_per_service: 0}\n"+more), 0o600); err != nil {
		t.Fatal(err)
	}
	var nodes []*process
	first := ""
	for _, name := range []string{"a", "b", "c"} {
		addr := freeAddr(t)
		args := append([]string{"--config", config, "--store", "cluster", "--cluster-addr", addr}, args...)
		if first == "" {
			first = addr
		} else {
			args = append(args, "--join", first)
		}
		p := newProcess(t, program, name, args...)
		p.run()
		p.await()
		nodes = append(nodes, p)
	}
	return nodes
}

func createService(t *testing.T, p *process) string {
	t.Helper()
	must(t, p, "CreateHttpNamespace", `{"Name":"shop"}`, &struct{}{})
	var list struct{ Namespaces []struct{ Id string } }
	must(t, p, "ListNamespaces", "{}", &list)
	var created struct{ Service struct{ Id string } }
	must(t, p, "CreateService", fmt.Sprintf(`{"Name":"web","NamespaceId":%q}`, list.Namespaces[0].Id), &created)
	return created.Service.Id
}

// instances returns the ids of all instances of a service that a node has, after it has
// seen everything: a write of its own comes after all others.
func instances(t *testing.T, p *process, service string) map[string]bool {
	t.Helper()
	must(t, p, "RegisterInstance", fmt.Sprintf(`{"ServiceId":%q,"InstanceId":"last","Attributes":{"AWS_INSTANCE_IPV4":"192.0.2.1"}}`, service), &struct{}{})
	all := map[string]bool{}
	token := ""
	for {
		var page struct {
			Instances []struct{ Id string }
			NextToken string
		}
		must(t, p, "ListInstances", fmt.Sprintf(`{"ServiceId":%q,"MaxResults":100%s}`, service, token), &page)
		for _, i := range page.Instances {
			all[i.Id] = true
		}
		if page.NextToken == "" {
			return all
		}
		var quoted bytes.Buffer
		json.NewEncoder(&quoted).Encode(page.NextToken)
		token = `,"NextToken":` + strings.TrimSpace(quoted.String())
	}
}
