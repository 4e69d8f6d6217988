package cluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/internal/testca"
)

// operator is someone who runs a cluster by docs/operations.md.
type operator struct {
	t       *testing.T
	program string
	config  string
	admin   map[*process]string // addresses of admin listeners
	addr    map[*process]string // cluster_addr
}

const adminToken = "0123456789abcdef"

// newOperator writes the configuration of all nodes, with TLS between them.
func newOperator(t *testing.T) *operator {
	ca := testca.New(t)
	cert, key := ca.Issue(t, testca.Names{IPs: []string{"127.0.0.1"}})
	dir := t.TempDir()
	token, config := filepath.Join(dir, "token"), filepath.Join(dir, "cairn.yaml")
	text := fmt.Sprintf("admin_token_file: %s\nlog_level: warn\ncluster: {cert_file: %s, key_file: %s, ca_file: %s}\nquotas: {instances_per_service: 0}\nnodes: {lease: 2s, write_wait: 5s}\n",
		token, cert, key, ca.File)
	for file, text := range map[string]string{token: adminToken, config: text} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &operator{t: t, program: build(t), config: config, admin: map[*process]string{}, addr: map[*process]string{}}
}

// node prepares a node that takes part in a cluster.
func (o *operator) node(name string, args ...string) *process {
	p := newProcess(o.t, o.program, name, append([]string{"--config", o.config}, args...)...)
	for i, arg := range p.args {
		switch arg {
		case "--admin-addr":
			o.admin[p] = p.args[i+1]
		case "--cluster-addr":
			o.addr[p] = p.args[i+1]
		}
	}
	return p
}

// member prepares a node of --store cluster.
func (o *operator) member(name string, join ...*process) *process {
	args := []string{"--store", "cluster", "--cluster-addr", freeAddr(o.t)}
	for _, p := range join {
		args = append(args, "--join", o.addr[p])
	}
	return o.node(name, args...)
}

// cairn runs a command at the admin listener of a node.
func (o *operator) cairn(at *process, args ...string) (string, error) {
	args = append(args, "--admin", "http://"+o.admin[at])
	cmd := exec.Command(o.program, args...)
	cmd.Env = append(os.Environ(), "CAIRN_ADMIN_TOKEN="+adminToken)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// mustCairn does that until it succeeds.
func (o *operator) mustCairn(at *process, args ...string) string {
	o.t.Helper()
	var out string
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if out, err = o.cairn(at, args...); err == nil {
			return out
		}
	}
	o.t.Fatalf("cairn %s: %v: %s", strings.Join(args, " "), err, out)
	return ""
}

// roles returns the roles of all nodes as a node lists them: all that vote are voters.
func (o *operator) roles(at *process) map[string]string {
	o.t.Helper()
	var list struct {
		Nodes []struct {
			Name, Role string
			Down       bool
		}
	}
	out := o.mustCairn(at, "nodes", "list", "--output", "json")
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		o.t.Fatalf("%v: %s", err, out)
	}
	roles := map[string]string{}
	for _, n := range list.Nodes {
		if n.Role == "leader" {
			n.Role = "voter"
		}
		if n.Down {
			n.Role += ", down"
		}
		roles[n.Name] = n.Role
	}
	return roles
}

// awaitRoles waits for roles, as NAME: ROLE.
func (o *operator) awaitRoles(at *process, want map[string]string) {
	o.t.Helper()
	var got map[string]string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if got = o.roles(at); fmt.Sprint(got) == fmt.Sprint(want) {
			return
		}
	}
	o.t.Fatalf("nodes %v, want %v", got, want)
}

// writer registers instances one after the other at nodes that run, and notes the longest
// time without a success.
type writer struct {
	service      string
	stop         chan struct{}
	tasks        sync.WaitGroup
	mu           sync.Mutex
	nodes        []*process
	acknowledged []string
	gap          time.Duration
}

func (w *writer) use(nodes ...*process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nodes = nodes
}

func (w *writer) start() {
	w.stop = make(chan struct{})
	w.tasks.Go(func() {
		last := time.Now()
		for i := 0; ; i++ {
			select {
			case <-w.stop:
				return
			default:
			}
			w.mu.Lock()
			p, id := w.nodes[i%len(w.nodes)], fmt.Sprint("i-", i)
			w.mu.Unlock()
			status, _, err := p.call("RegisterInstance", fmt.Sprintf(`{"ServiceId":%q,"InstanceId":%q,"Attributes":{"AWS_INSTANCE_IPV4":"192.0.2.1"}}`, w.service, id))
			w.mu.Lock()
			w.gap = max(w.gap, time.Since(last))
			if err == nil && status == http.StatusOK {
				w.acknowledged = append(w.acknowledged, id)
				last = time.Now()
			}
			w.mu.Unlock()
			time.Sleep(5 * time.Millisecond)
		}
	})
}

// more waits until so many more writes were acknowledged.
func (w *writer) more(t *testing.T, n int) {
	t.Helper()
	count := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.acknowledged)
	}
	want := count() + n
	for deadline := time.Now().Add(time.Minute); count() < want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d writes", count(), want)
		}
	}
}

// longestGap returns the longest time without a success since the last call.
func (w *writer) longestGap() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.gap = 0 }()
	return w.gap
}

// TestOperateCluster: an operator moves a registry from an embedded store to a cluster,
// lets it grow to three nodes, replaces a dead node, moves a node to another address, and
// goes back to one node, all under writes. No acknowledged write is lost, and there is no
// minute without a write.
func TestOperateCluster(t *testing.T) {
	o := newOperator(t)
	a := o.node("a")
	a.run()
	a.await()
	w := &writer{service: createService(t, a)}
	w.use(a)
	w.start()
	step := func(what string) {
		t.Helper()
		gap := w.longestGap()
		t.Logf("%s: longest time without a write %v", what, gap.Round(time.Millisecond))
		if gap > time.Minute {
			t.Errorf("%s: no write in %v", what, gap)
		}
	}
	w.more(t, 20)

	// From embedded to a cluster of one.
	backup := filepath.Join(t.TempDir(), "backup")
	o.mustCairn(a, "backup", backup)
	clusterArgs := []string{"--cluster-addr", freeAddr(t)}
	migrate := func(more ...string) {
		args := append(append([]string{"migrate", "--from", "embedded", "--to", "cluster", "--config", o.config, "--node-name", "a"}, clusterArgs...), more...)
		if out, err := exec.Command(o.program, append(args, "--data-dir", dataDir(a))...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		} else {
			t.Logf("%s", out)
		}
	}
	migrate("--prepare", backup)
	a.terminate()
	migrate()
	a.args = append(a.args, append([]string{"--store", "cluster"}, clusterArgs...)...)
	o.addr[a] = clusterArgs[1]
	a.run()
	a.await()
	step("from embedded to a cluster")

	// Growth: one node is added before it starts, the other one adds itself.
	b := o.member("b", a)
	o.mustCairn(a, "nodes", "add", o.addr[b])
	if out, err := o.cairn(a, "nodes", "add", freeAddr(t)); err == nil {
		t.Errorf("a second node was added before the first one has started: %s", out)
	}
	b.run()
	b.await()
	o.awaitRoles(a, map[string]string{"a": "voter", "b": "voter"})
	c := o.member("c", a, b)
	c.run()
	c.await()
	o.awaitRoles(b, map[string]string{"a": "voter", "b": "voter", "c": "voter"})
	w.use(a, b, c)
	w.more(t, 20)
	step("growth to three nodes")

	// A node dies and does not come back, and another one takes its place.
	c.kill()
	w.use(a, b)
	o.awaitRoles(a, map[string]string{"a": "voter", "b": "voter", "c": "voter, down"})
	o.mustCairn(a, "nodes", "remove", "c")
	d := o.member("d", a, b)
	d.run()
	d.await()
	o.awaitRoles(a, map[string]string{"a": "voter", "b": "voter", "d": "voter"})
	w.use(a, b, d)
	step("replacement of a dead node")

	// A node gets another address. The others reach it there: without a, b and d are the
	// majority.
	w.use(a, d)
	b.terminate()
	before := o.addr[b]
	o.addr[b] = freeAddr(t)
	for i, arg := range b.args {
		if arg == before {
			b.args[i] = o.addr[b]
		}
	}
	b.run()
	b.await()
	for deadline := time.Now().Add(time.Minute); !strings.Contains(o.mustCairn(a, "nodes", "list"), o.addr[b]); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the new address of b is not known: %s", o.mustCairn(a, "nodes", "list"))
		}
	}
	step("another address")
	w.use(b, d)
	a.terminate()
	d.terminate()
	d.run()
	d.await()
	must(t, d, "CreateHttpNamespace", `{"Name":"without-a"}`, &struct{}{})
	a.run()
	a.await()
	step("restarts")

	// Back to one node.
	w.use(a)
	o.mustCairn(a, "nodes", "remove", "d")
	o.mustCairn(a, "nodes", "remove", "b")
	o.awaitRoles(a, map[string]string{"a": "voter"})
	if out, err := o.cairn(a, "nodes", "remove", "a"); err == nil {
		t.Errorf("the only node was removed: %s", out)
	}
	step("back to one node")
	close(w.stop)
	w.tasks.Wait()
	have := instances(t, a, w.service)
	for _, id := range w.acknowledged {
		if !have[id] {
			t.Errorf("%s was acknowledged and is lost", id)
		}
	}
	t.Logf("%d writes", len(w.acknowledged))
}
