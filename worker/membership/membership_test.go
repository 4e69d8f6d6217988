package membership

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairn-discovery/cairn/core/member"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

const lease = 6 * time.Second

// node is a replica with its membership, on a store that may be cut off.
type node struct {
	*testing.T
	*Membership
	replica *replica.Replica
	link    *link
	kill    func() // ends everything at once, without leaving
	stop    func() // ends the membership, and then the replica
}

// link is a store that can be cut off.
type link struct {
	store.Store
	cut atomic.Bool
}

func (l *link) Commit(ctx context.Context, txn store.Txn) (store.Revision, error) {
	if l.cut.Load() {
		return 0, fmt.Errorf("test: %w", store.ErrUnreachable)
	}
	return l.Store.Commit(ctx, txn)
}

func start(t *testing.T, data *memory.Store, name, id, fallback string) *node {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	n := &node{T: t, link: &link{Store: data.Share()}}
	var err error
	n.replica, err = replica.New(replica.Config{Store: n.link, Rules: func() *state.Rules { return new(state.Rules) }, Logger: log, StaleAfter: lease})
	if err != nil {
		t.Fatal(err)
	}
	n.Membership, err = New(Config{Replica: n.replica, Logger: log, Fallback: fallback,
		Self: member.Node{Name: name, ID: id, Lease: lease.Milliseconds(), Version: "test"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	mctx, mcancel := context.WithCancel(ctx)
	ended, mended := make(chan struct{}), make(chan struct{})
	go func() { defer close(ended); _ = n.replica.Run(ctx) }()
	go func() { defer close(mended); _ = n.Membership.Run(mctx) }()
	n.stop = func() { mcancel(); <-mended; cancel(); <-ended }
	n.kill = func() { n.link.cut.Store(true); n.stop() }
	t.Cleanup(n.stop)
	return n
}

// members returns the names of the live nodes in the state of a node.
func (n *node) members() string {
	synctest.Wait()
	var names []string
	for _, m := range n.replica.Current().Member.Nodes() {
		names = append(names, m.Name)
	}
	return fmt.Sprint(names)
}

func (n *node) want(what, members string) {
	n.Helper()
	if got := n.members(); got != members {
		n.Errorf("%s: %s sees %s, want %s", what, n.Name(), got, members)
	}
}

func cluster(t *testing.T) []*node {
	data := memory.New()
	var all []*node
	for _, name := range []string{"a", "b", "c"} {
		all = append(all, start(t, data, name, "id-"+name, ""))
	}
	time.Sleep(time.Second)
	for _, n := range all {
		n.want("at the start", "[a b c]")
	}
	return all
}

func TestNodesJoinAndLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := cluster(t)
		all[1].stop()
		all[0].want("after b has left", "[a c]")
		seen := all[0].Nodes()
		if len(seen) != 2 || !seen[0].Self || seen[1].Self || seen[1].Silent > lease {
			t.Errorf("seen %+v", seen)
		}
		time.Sleep(time.Hour)
		all[2].want("an hour later", "[a c]")
	})
}

func TestDeadNodeIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := cluster(t)
		all[2].kill()
		time.Sleep(lease / 2)
		all[0].want("soon after", "[a b c]")
		time.Sleep(lease + 2*lease/renewals)
		all[0].want("after the lease", "[a b]")
		all[1].kill()
		time.Sleep(2*lease + lease)
		all[0].want("the last one", "[a]")
	})
}

// Each piece of work has exactly one owner, before and after a node dies.
func TestWorkIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := cluster(t)
		owners := func(nodes []*node) {
			t.Helper()
			for i := range 100 {
				n := 0
				for _, one := range nodes {
					if one.Owns(one.replica.Current().State, fmt.Sprint("work-", i)) {
						n++
					}
				}
				if n != 1 {
					t.Fatalf("work %d has %d owners", i, n)
				}
			}
		}
		owners(all)
		all[0].kill()
		time.Sleep(2 * lease)
		owners(all[1:])
	})
}

// A node that is cut off from the store for a while is removed, says that its state is
// stale, and is a member again afterwards.
func TestCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := cluster(t)
		all[0].link.cut.Store(true)
		time.Sleep(3 * lease)
		all[1].want("without a", "[b c]")
		if age := all[0].replica.Staleness(time.Now()); age < 2*lease || age > 4*lease {
			t.Errorf("staleness %v", age)
		}
		all[0].link.cut.Store(false)
		time.Sleep(lease)
		all[1].want("a is back", "[a b c]")
		if age := all[0].replica.Staleness(time.Now()); age != 0 {
			t.Errorf("staleness %v afterwards", age)
		}
	})
}

// An outage of the store for all nodes makes none of them dead.
func TestOutageKillsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := cluster(t)
		for _, n := range all {
			n.link.cut.Store(true)
		}
		time.Sleep(10 * lease)
		for i, n := range all { // one after the other
			n.link.cut.Store(false)
			time.Sleep(time.Duration(i) * lease / 4)
			for _, m := range all {
				m.want("after the outage", "[a b c]")
			}
		}
		for range 20 {
			time.Sleep(lease / 4)
			all[0].want("later", "[a b c]")
		}
	})
}

func TestNameInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := memory.New()
		first := start(t, data, "host", "1", "host-1")
		time.Sleep(time.Second)
		second := start(t, data, "host", "2", "host-2")
		third := start(t, data, "host", "3", "")
		time.Sleep(lease)
		first.want("with a fallback", "[host host-2]")
		if second.Name() != "host-2" || slices.ContainsFunc(third.Nodes(), func(s Seen) bool { return s.Self }) {
			t.Errorf("names %s and %s", second.Name(), third.Name())
		}
		first.stop()
		time.Sleep(lease)
		second.want("the name is free", "[host host-2]")
		if nodes := third.Nodes(); !nodes[0].Self {
			t.Errorf("nodes %+v", nodes)
		}
	})
}
