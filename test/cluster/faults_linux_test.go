package cluster

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/internal/testca"
	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/embedded"
)

var (
	faultRounds = flag.Int("faults.rounds", 0, "rounds of faults for each configuration; 0: a few")
	faultSeed   = flag.Uint64("faults.seed", 1, "order of the faults and choice of the machines")
)

// fixture is nodes and members of etcd on machines of their own. With store cluster each
// machine is both.
type fixture struct {
	t       *testing.T
	net     *network
	nodes   []*machine
	members []*machine
	random  *rand.Rand
	acknowledged
}

// lease of the nodes. Processes are stopped for longer.
const lease = 2 * time.Second

// newFixture builds the program and an empty network.
func newFixture(t *testing.T) (w *fixture, program string) {
	t.Helper()
	w = &fixture{t: t, net: newNetwork(t), random: rand.New(rand.NewPCG(*faultSeed, 7))}
	return w, build(t)
}

// configFile writes a configuration of a node: more of the section nodes, and other sections.
func (w *fixture) configFile(nodes, more string) string {
	w.t.Helper()
	file := filepath.Join(w.t.TempDir(), "cairn.yaml")
	text := fmt.Sprintf("log_level: warn\nquotas: {instances_per_service: 0, namespaces_per_account: 0}\nnodes: {lease: %v%s}\n%s", lease, nodes, more)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return file
}

// node returns a machine for a node.
func (w *fixture) node(name, program, config string, args ...string) *machine {
	m := newMachine(w.t, w.net, name)
	m.args = append([]string{program, "serve", "--config", config, "--data-dir", filepath.Join(m.disk, "data"), "--node-name", name,
		"--api-addr", apiAddr, "--dns-addr", dnsAddr, "--admin-addr", adminAddr}, args...)
	w.nodes = append(w.nodes, m)
	return m
}

// overEtcd starts three nodes over three members of Debian's etcd.
func overEtcd(t *testing.T) *fixture { return overEtcdWith(t, "", "") }

// overEtcdWith takes more of the section nodes of the configuration, and other sections.
func overEtcdWith(t *testing.T, nodes, more string) *fixture {
	etcd := testtool.Need(t, "etcd", "etcd-server")
	w, program := newFixture(t)
	var peers, endpoints []string
	for i := range 3 {
		m := newMachine(t, w.net, fmt.Sprint("m", i))
		peer, client := fmt.Sprintf("http://%s:2380", m.ip), fmt.Sprintf("http://%s:2379", m.ip)
		peers, endpoints = append(peers, m.name+"="+peer), append(endpoints, client)
		m.args = []string{etcd, "--name", m.name, "--data-dir", filepath.Join(m.disk, "data"), "--logger", "zap", "--log-level", "error",
			"--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer}
		w.members = append(w.members, m)
	}
	for _, m := range w.members {
		m.args = append(m.args, "--initial-cluster", strings.Join(peers, ","))
		m.start()
	}
	config := w.configFile(nodes, "etcd: {timeout: 2s}\n"+more)
	for i := range 3 {
		w.node(fmt.Sprint("n", i), program, config, "--store", "etcd", "--etcd-endpoints", strings.Join(endpoints, ",")).start()
	}
	w.recover()
	return w
}

// asCluster starts three nodes of --store cluster, with TLS between them.
func asCluster(t *testing.T) *fixture {
	w, program := newFixture(t)
	ca := testca.New(t)
	first := ""
	for i := range 3 {
		ip := fmt.Sprintf("10.77.0.%d", i+1)
		cert, key := ca.Issue(t, testca.Names{IPs: []string{ip, "127.0.0.1"}})
		config := w.configFile("", fmt.Sprintf("cluster: {cert_file: %s, key_file: %s, ca_file: %s}\n", cert, key, ca.File))
		m := w.node(fmt.Sprint("n", i), program, config, "--store", "cluster", "--cluster-addr", ip+":8057")
		if first == "" {
			first = ip + ":8057"
		} else {
			m.args = append(m.args, "--join", first)
		}
		m.start()
		m.await()
	}
	w.members = w.nodes
	w.recover()
	return w
}

// await waits until the node on this machine answers.
func (m *machine) await() {
	m.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if a, err := m.call(context.Background(), "ListNamespaces", "{}", 0); err == nil && a.status == http.StatusOK {
			m.serves()
			return
		}
	}
	m.t.Fatalf("node %s does not answer:\n%s", m.name, m.lastLog(5000))
}

// recover starts what has ended and waits until all nodes take writes.
func (w *fixture) recover() {
	w.t.Helper()
	for _, m := range append(slices.Clone(w.members), w.nodes...) {
		if m.ended() {
			m.start()
		}
	}
	for _, m := range w.nodes {
		m.await()
		m.must("CreateHttpNamespace", fmt.Sprintf(`{"Name":"probe-%d"}`, time.Now().UnixNano()), &struct{}{})
	}
}

// fault is something bad that begins and ends.
type fault struct {
	name  string
	begin func(w *fixture)
	time  time.Duration // how long it lasts
	end   func(w *fixture)
}

func hosts(all ...*machine) (hosts []*host) {
	for _, m := range all {
		hosts = append(hosts, m.host)
	}
	return hosts
}

// others returns all but one.
func others(all []*machine, not *machine) []*machine {
	return slices.DeleteFunc(slices.Clone(all), func(m *machine) bool { return m == not })
}

func (w *fixture) repair() { w.net.repair() }

// kills is kill -9 of machines, which start again in the end.
func kills(name string, victims func(w *fixture) []*machine) fault {
	var killed []*machine
	return fault{name: "kill -9 of " + name, time: 1500 * time.Millisecond,
		begin: func(w *fixture) {
			killed = victims(w)
			for _, m := range killed {
				m.kill()
			}
		},
		end: func(w *fixture) {
			for _, m := range killed {
				m.start()
			}
		}}
}

// stops is SIGSTOP for longer than a lease.
func stops(name string, victims func(w *fixture) []*machine) fault {
	var stopped []*machine
	return fault{name: "SIGSTOP of " + name, time: 2*lease + lease/2,
		begin: func(w *fixture) {
			stopped = victims(w)
			for _, m := range stopped {
				m.down()
				m.signal(syscall.SIGSTOP)
			}
		},
		end: func(w *fixture) {
			for _, m := range stopped {
				m.signal(syscall.SIGCONT)
			}
		}}
}

// links changes links for a while.
func links(name string, l link, d time.Duration, ends func(w *fixture) (from, to []*machine), bothWays bool) fault {
	return fault{name: name, time: d, end: (*fixture).repair, begin: func(w *fixture) {
		from, to := ends(w)
		w.net.set(l, hosts(from...), hosts(to...))
		if bothWays {
			w.net.set(l, hosts(to...), hosts(from...))
		}
	}}
}

func (w *fixture) pick(all []*machine) *machine { return all[w.random.IntN(len(all))] }

func oneNode(w *fixture) []*machine   { return []*machine{w.pick(w.nodes)} }
func oneMember(w *fixture) []*machine { return []*machine{w.pick(w.members)} }
func twoMembers(w *fixture) []*machine {
	return others(w.members, w.pick(w.members))
}

// nodeAndMembers returns a node and all members elsewhere.
func nodeAndMembers(w *fixture) (from, to []*machine) {
	m := w.pick(w.nodes)
	return []*machine{m}, others(w.members, m)
}

func membersAndNode(w *fixture) (from, to []*machine) {
	to, from = nodeAndMembers(w)
	return from, to
}

func memberAndMembers(w *fixture) (from, to []*machine) {
	m := w.pick(w.members)
	return []*machine{m}, others(w.members, m)
}

func membersAndMember(w *fixture) (from, to []*machine) {
	to, from = memberAndMembers(w)
	return from, to
}

func memberAndAll(w *fixture) (from, to []*machine) {
	m := w.pick(w.members)
	return []*machine{m}, others(append(slices.Clone(w.members), w.nodes...), m)
}

// fullDisk fills the disk of a member. It may end, and then is started again.
func fullDisk() fault {
	var victim *machine
	return fault{name: "full disk of a member", time: 3 * time.Second,
		begin: func(w *fixture) {
			victim = w.pick(w.members)
			victim.down()
			victim.fillDisk()
		},
		end: func(*fixture) { victim.emptyDisk() }}
}

const partitionTime = 4 * time.Second

// faults returns all kinds of faults, the most telling first.
func faults() []fault {
	cut, slow := link{cut: true}, link{delay: 60 * time.Millisecond}
	all := []fault{
		kills("a node", oneNode),
		links("partition of a member from the others", cut, partitionTime, memberAndMembers, true),
		stops("a node", oneNode),
		links("partition of a node from etcd", cut, partitionTime, nodeAndMembers, true),
		kills("a member", oneMember),
		links("one-way partition: a member is not heard by the others", cut, partitionTime, memberAndMembers, false),
		links("one-way partition: a node does not hear etcd", cut, partitionTime, membersAndNode, false),
		fullDisk(),
		links("one-way partition: a member does not hear the others", cut, partitionTime, membersAndMember, false),
		links("one-way partition: etcd does not hear a node", cut, partitionTime, nodeAndMembers, false),
		links("slow links of a member", slow, partitionTime, memberAndAll, true),
		stops("a member", oneMember),
		kills("two members", twoMembers),
		links("a member that is cut off", cut, partitionTime, memberAndAll, true),
		stops("two members", twoMembers),
		kills("a node and a member", func(w *fixture) []*machine { return slices.Compact([]*machine{w.pick(w.nodes), w.pick(w.members)}) }),
		links("slow links of a node", link{delay: 150 * time.Millisecond}, partitionTime, nodeAndMembers, true),
	}
	return append(all, clockFaults()...)
}

// TestFaultsOverEtcd: three nodes over three members of Debian's etcd.
func TestFaultsOverEtcd(t *testing.T) { overEtcd(t).runFaults(4) }

// TestFaultsOfCluster: three nodes with --store cluster.
func TestFaultsOfCluster(t *testing.T) { asCluster(t).runFaults(4) }

// runFaults lets clients work during rounds of faults. In the end everything that was
// acknowledged is there, what clients saw is linearizable, and all nodes are equal.
func (w *fixture) runFaults(few int) {
	l := w.newLoad()
	l.run(8)
	all := faults()
	rounds := *faultRounds
	if rounds == 0 {
		rounds = few
	}
	for round := range rounds {
		if round%len(all) == 0 && round > 0 {
			w.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		}
		l.round.Store(int64(round))
		w.runFault(round, &all[round%len(all)])
		if w.t.Failed() {
			break
		}
	}
	l.end()
	w.t.Logf("%d writes done, %d refused, %d of unknown outcome; %d reads while the store was or was not there",
		l.counts.done.Load(), l.counts.refused.Load(), l.counts.unknown.Load(), l.counts.reads.Load())
	l.readAll(rounds)
	l.history.check()
	w.compareNodes()
}

func (w *fixture) runFault(round int, f *fault) {
	time.Sleep(500 * time.Millisecond)
	f.begin(w)
	time.Sleep(f.time)
	f.end(w)
	ended := time.Now()
	w.recover()
	w.t.Logf("round %d: %s; all nodes take writes %v after its end", round, f.name, time.Since(ended).Round(10*time.Millisecond))
}

func (w *fixture) newLoad() *load {
	l := &load{fixture: w, history: newHistory(w.t), stop: make(chan struct{})}
	w.t.Cleanup(l.end)
	n := w.nodes[0]
	n.must("CreateHttpNamespace", `{"Name":"faults"}`, &struct{}{})
	var list struct {
		Namespaces []struct{ Id, Name string }
	}
	n.must("ListNamespaces", `{"MaxResults":100}`, &list)
	for _, ns := range list.Namespaces {
		if ns.Name == "faults" {
			var created struct{ Service struct{ Id string } }
			n.must("CreateService", fmt.Sprintf(`{"Name":"web","NamespaceId":%q}`, ns.Id), &created)
			l.service = created.Service.Id
		}
	}
	return l
}

// readAll reads all instances on all nodes after a last write.
func (l *load) readAll(rounds int) {
	c := &client{load: l, number: 99}
	var last struct{}
	l.nodes[0].must("RegisterInstance", fmt.Sprintf(`{"ServiceId":%q,"InstanceId":"last","Attributes":{"v":"1"}}`, l.service), &last)
	a, err := l.nodes[0].call(context.Background(), "ListNamespaces", "{}", 0)
	if err != nil {
		l.t.Fatal(err)
	}
	c.saw(l.nodes[0], &a, 0)
	for _, m := range l.nodes {
		for round := range rounds {
			for k := range sharedKeys {
				c.readNewest(m, fmt.Sprintf("r%d-%d", round, k))
			}
		}
		for key, n := range l.last {
			operation, text := body(call{read, key, ""}, l.service)
			a, err := m.call(context.Background(), operation, text, c.newest.Load())
			out, done := c.outcome(m, call{kind: read}, &a, err)
			got := 0
			fmt.Sscan(out.value, &got)
			if !done || got < n {
				l.t.Errorf("node %s has %d of %s; %d was acknowledged (%v)", m.name, got, key, n, err)
			}
		}
	}
}

// compareNodes compares the records of all nodes, but for those of the members, which
// change all the time.
func (w *fixture) compareNodes() {
	w.t.Helper()
	want := w.nodes[0].records()
	for _, m := range w.nodes[1:] {
		got := m.records()
		for key, value := range want {
			if got[key] != value {
				w.t.Errorf("%s: node %s has %q, node %s has %q", key, w.nodes[0].name, value, m.name, got[key])
			}
			delete(got, key)
		}
		for key := range got {
			w.t.Errorf("%s: only node %s has it", key, m.name)
		}
	}
	w.t.Logf("%d records are equal on %d nodes", len(want), len(w.nodes))
}

// records returns the records of a node and their revisions, from a backup of it.
func (m *machine) records() map[string]string {
	m.t.Helper()
	resp, err := m.client.Get("http://" + adminAddr + "/backup")
	if err != nil {
		m.t.Fatal(err)
	}
	defer resp.Body.Close()
	backup, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		m.t.Fatal(err, resp.Status)
	}
	cfg := embedded.Config{Dir: filepath.Join(m.t.TempDir(), "restored"), Logger: slog.New(slog.DiscardHandler)}
	if _, err := embedded.Restore(cfg, bytes.NewReader(backup)); err != nil {
		m.t.Fatal(err)
	}
	s, err := embedded.Open(cfg)
	if err != nil {
		m.t.Fatal(err)
	}
	defer s.Close()
	all := map[string]string{}
	if _, err := s.Load(context.Background(), func(changes []store.Change) error {
		for _, c := range changes {
			if !strings.HasPrefix(c.Key, "member/") {
				all[c.Key] = fmt.Sprintf("%d %x", c.Revision, c.Value)
			}
		}
		return nil
	}); err != nil {
		m.t.Fatal(err)
	}
	return all
}
