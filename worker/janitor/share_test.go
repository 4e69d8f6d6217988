package janitor_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/member"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store/memory"
	"github.com/cairn-discovery/cairn/worker/janitor"
)

// ended counts the leases that the janitor of a node ends.
type ended struct {
	*replica.Replica
	leases atomic.Int64
}

func (e *ended) Propose(ctx context.Context, account command.AccountID, c command.Command) (command.Reply, error) {
	reply, err := e.Replica.Propose(ctx, account, c)
	if _, ok := c.(*registry.EndLeases); ok && err == nil {
		e.leases.Add(int64(reply.Count))
	}
	return reply, err
}

// TestNodesShareLeases: each lease is ended once, by the node that owns its service, and by
// another one when that node is no member any more.
func TestNodesShareLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := memory.New()
		rules := func() *state.Rules {
			return &state.Rules{Registry: registry.Rules{Region: "us-east-1", DefaultTTL: 60}}
		}
		log := slog.New(slog.DiscardHandler)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 4)
		var nodes []*ended
		for _, name := range []string{"a", "b"} {
			rep, err := replica.New(replica.Config{Store: data.Share(), Rules: rules, Logger: log})
			if err != nil {
				t.Fatal(err)
			}
			n := &ended{Replica: rep}
			jan, err := janitor.New(janitor.Config{Replica: n, Rules: rules, Logger: log,
				Owns: func(key string) bool { return rep.Current().Member.Ring().Owner(key) == name }})
			if err != nil {
				t.Fatal(err)
			}
			go func() { done <- rep.Run(ctx) }()
			<-rep.Loaded()
			nodes = append(nodes, n)
			if _, err := rep.Propose(ctx, "", &member.Renew{Node: member.Node{Name: name, ID: name, Lease: 1000}}); err != nil {
				t.Fatal(err)
			}
			go func() { done <- jan.Run(ctx) }()
		}
		defer func() {
			cancel()
			for range cap(done) {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
		}()
		a, b := nodes[0], nodes[1]
		do := func(c command.Command) command.Reply {
			t.Helper()
			reply, err := a.Replica.Propose(ctx, account, c)
			if err != nil {
				t.Fatalf("%T: %v", c, err)
			}
			return reply
		}
		const services = 20
		do(&registry.CreateNamespace{Type: registry.HTTP, Name: "h"})
		var refs []string
		for ns := range a.Current().Registry.Namespaces(account, "") {
			for i := range services {
				refs = append(refs, string(do(&registry.CreateService{Name: fmt.Sprint("s", i), NamespaceRef: string(ns), CustomHealth: true}).Value.(*registry.Service).ID))
			}
		}
		register := func() {
			for _, ref := range refs {
				do(&registry.RegisterInstance{ServiceRef: ref, ID: "i", Attributes: map[string]string{"cairn.ttl": "16"}})
			}
		}
		register()
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if a.leases.Load()+b.leases.Load() != services || a.leases.Load() == 0 || b.leases.Load() == 0 {
			t.Errorf("a ended %d leases and b %d; want %d together", a.leases.Load(), b.leases.Load(), services)
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if n := a.Current().Registry.Counts().Instances; n != 0 || a.leases.Load()+b.leases.Load() != 2*services {
			t.Errorf("%d instances are left, a ended %d leases and b %d", n, a.leases.Load(), b.leases.Load())
		}

		do(&member.Leave{Name: "b", ID: "b"})
		before := b.leases.Load()
		register()
		time.Sleep(40 * time.Second)
		synctest.Wait()
		if n := b.Current().Registry.Counts().Instances; n != 0 || b.leases.Load() != before {
			t.Errorf("%d instances are left; b, which is no member, ended %d leases", n, b.leases.Load()-before)
		}
	})
}
