package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/cairn-discovery/cairn/core/member"
	"github.com/cairn-discovery/cairn/internal/atomicfile"
	"github.com/cairn-discovery/cairn/internal/uuid"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/store/cluster"
	"github.com/cairn-discovery/cairn/worker/membership"
)

// memberStopTimeout is how long the node may take to leave.
const memberStopTimeout = 500 * time.Millisecond

// shared reports whether other nodes use the store too.
func (n *Node) shared() bool { return n.cfg.Shared || n.cfg.Storage.Shared() }

// staleAfter returns the time without contact with the store after which answers are
// marked; 0 for a store of one node.
func (n *Node) staleAfter() time.Duration {
	if !n.shared() && !n.follows() {
		return 0
	}
	return n.cfg.Nodes.StaleAfter.Duration
}

// writeTimeout returns how long a write waits for its outcome; 0 for a store of one node,
// which knows it.
func (n *Node) writeTimeout() time.Duration {
	if !n.shared() {
		return 0
	}
	return max(n.cfg.Nodes.WriteWait.Duration, 10*time.Second)
}

// refuseAfter returns the staleness above which nothing is answered; 0: there is none.
func (n *Node) refuseAfter() time.Duration {
	if n.cfg.Nodes.StaleAnswers != config.StaleRefuse {
		return 0
	}
	return n.cfg.Nodes.MaxStaleness.Duration
}

// refuses reports whether the state is so old that nothing is answered from it.
func (n *Node) refuses() bool {
	limit := n.refuseAfter()
	return limit > 0 && n.replica.Load().Staleness(time.Now()) > limit
}

// checkStaleness returns an error if the node has not reached its store for too long.
func (n *Node) checkStaleness() error {
	limit, rep := n.cfg.Nodes.MaxStaleness.Duration, n.replica.Load()
	if limit == 0 || rep == nil {
		return nil
	}
	if age := rep.Staleness(time.Now()); age > limit {
		return fmt.Errorf("the store has not been reached for %v (nodes.max_staleness is %v)", age.Round(time.Second), limit)
	}
	return nil
}

// newMembership returns what makes this node a member, or nil if the store is of one node.
func (w *wiring) newMembership() (*membership.Membership, error) {
	promauto.With(w.metrics).NewGaugeFunc(prometheus.GaugeOpts{Name: "cairn_staleness_seconds",
		Help: "For how long the state may have been out of date; 0 while the store is reached."},
		func() float64 { return w.rep.Staleness(time.Now()).Seconds() })
	if !w.shared() {
		return nil, nil
	}
	self := w.member()
	cfg := membership.Config{Replica: w.rep, Logger: w.log.With("part", "membership"), Registerer: w.metrics, Self: self}
	if w.cfg.NodeName == "" {
		cfg.Fallback = self.Name + "-" + self.ID[:6]
	}
	return membership.New(cfg)
}

func (w *wiring) membershipComponent() (component, error) {
	if w.membership == nil {
		return component{}, nil
	}
	return component{name: "membership", run: w.membership.Run, stopTimeout: memberStopTimeout}, nil
}

// member returns the record of this node.
func (w *wiring) member() member.Node {
	return member.Node{
		Name: w.nodeName(), ID: w.memberID, Started: w.started.UnixMicro(), Lease: w.cfg.Nodes.Lease.Milliseconds(), Version: w.build.Version,
		API: w.listeners.api.Addr().String(), DNS: w.listeners.dns.Addr().String(), Admin: w.listeners.admin.Addr().String(),
	}
}

// nodeName returns the name of the configuration, or else that of the host.
func (n *Node) nodeName() string { return nodeName(&n.cfg.Config) }

func nodeName(c *config.Config) string {
	host, _ := os.Hostname()
	return cmp.Or(c.NodeName, host, "node")
}

// installation returns the id of this installation. It is kept in the data folder, so
// that a process that is started again is known as the same node.
func (n *Node) installation() (string, error) {
	if n.cfg.OpenStore != nil {
		return uuid.New(), nil
	}
	file := filepath.Join(n.cfg.DataDir, "node-id")
	text, err := os.ReadFile(file)
	if err == nil && len(strings.TrimSpace(string(text))) >= 6 {
		return strings.TrimSpace(string(text)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("data_dir: %w", err)
	}
	id := uuid.New()
	if err := os.MkdirAll(n.cfg.DataDir, 0o700); err != nil {
		return "", fmt.Errorf("data_dir: %w", err)
	}
	return id, atomicfile.Write(file, true, func(f *os.File) error {
		_, err := f.WriteString(id + "\n")
		return err
	})
}

// nodeReport is a live node in the answer to /nodes.
type nodeReport struct {
	Name    string
	Self    bool `json:",omitempty"`
	Version string
	API     string
	DNS     string
	Admin   string
	// Started is when the process started.
	Started time.Time
	// Revision is that of the node's state when it last renewed, and Lag how many
	// revisions it was behind.
	Revision uint64
	Lag      uint64
	// SilentSeconds is the time since the last renewal arrived at the node that answers.
	SilentSeconds float64
	// StaleSeconds is for how long the state of the node that answers may have been out
	// of date.
	StaleSeconds float64 `json:",omitempty"`
	// Role is what the node is in a cluster: leader, voter, learner or added, which has
	// not started yet. Empty: the store is no cluster, or the node was removed.
	Role string `json:",omitempty"`
	// ClusterAddr is where the other nodes of the cluster reach it.
	ClusterAddr string `json:",omitempty"`
	// Down means that it is in the cluster and does not run.
	Down bool `json:",omitempty"`
}

// nodesReport is the answer to /nodes.
type nodesReport struct {
	// Revision is that of the state of the node that answers.
	Revision uint64
	Nodes    []nodeReport
}

// nodes returns the live nodes. A node on a store of its own is the only one.
func (w *wiring) nodes() nodesReport {
	report := nodesReport{Revision: w.rep.Current().Revision}
	stale := w.rep.Staleness(time.Now()).Seconds()
	if w.membership == nil {
		for _, n := range w.rep.Current().Member.Nodes() { // those of the cluster that this node follows
			report.Nodes = append(report.Nodes, reportOf(n))
		}
		report.Nodes = append(report.Nodes, nodeReport{
			Name: w.nodeName(), Self: true, Version: w.build.Version, API: w.listeners.api.Addr().String(), DNS: w.listeners.dns.Addr().String(),
			Admin: w.listeners.admin.Addr().String(), Started: w.started.UTC(), Revision: report.Revision, StaleSeconds: stale,
		})
		return report
	}
	for _, n := range w.membership.Nodes() {
		one := reportOf(n.Node)
		one.Self, one.SilentSeconds = n.Self, n.Silent.Seconds()
		if n.Self {
			one.Revision, one.Lag, one.StaleSeconds = report.Revision, 0, stale
		}
		report.Nodes = append(report.Nodes, one)
	}
	w.addPeers(&report)
	return report
}

// peersTimeout is how long the members of the cluster are waited for. This node knows them.
const peersTimeout = 2 * time.Second

// addPeers adds what the cluster knows about its members.
func (w *wiring) addPeers(report *nodesReport) {
	st, ok := w.store.(*cluster.Store)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), peersTimeout)
	defer cancel()
	peers, err := st.Peers(ctx)
	if err != nil {
		w.log.Warn("the members of the cluster are not known", "err", err)
	}
	for _, p := range peers {
		i := slices.IndexFunc(report.Nodes, func(n nodeReport) bool { return n.Name == p.Name })
		if i < 0 {
			i = len(report.Nodes)
			report.Nodes = append(report.Nodes, nodeReport{Name: cmp.Or(p.Name, p.ID), Down: true})
		}
		report.Nodes[i].Role, report.Nodes[i].ClusterAddr = roleOf(&p), strings.Join(p.Addrs, ",")
	}
}

func roleOf(p *cluster.Peer) string {
	switch {
	case p.Name == "":
		return "added"
	case p.Learner:
		return "learner"
	case p.Leader:
		return "leader"
	}
	return "voter"
}

// owns returns what reports whether this node does a piece of work that live nodes share.
// It is nil on a store of one node.
func (w *wiring) owns() func(key string) bool {
	if w.membership == nil {
		return nil
	}
	return func(key string) bool { return w.membership.Owns(w.rep.Current().State, key) }
}

// selfName returns what gives the name of this node among the live nodes. It is nil on a
// store of one node.
func (w *wiring) selfName() func() string {
	if w.membership == nil {
		return nil
	}
	return w.membership.Name
}

func reportOf(n *member.Node) nodeReport {
	return nodeReport{
		Name: n.Name, Version: n.Version, API: n.API, DNS: n.DNS, Admin: n.Admin,
		Started: time.UnixMicro(n.Started).UTC(), Revision: n.Applied, Lag: n.Lag(),
	}
}
