package prober

import (
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/member"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store/memory"
)

// newShared starts nodes on one store, each with a prober. Their network is that of the
// first one, and they are members until leave.
func newShared(t *testing.T, names ...string) (nodes []*cluster) {
	return newSharedWith(t, nil, names...)
}

// newSharedWith lets a function change the configuration of each node.
func newSharedWith(t *testing.T, change func(*cluster, *Config), names ...string) (nodes []*cluster) {
	data := memory.New()
	for _, name := range names {
		f := &cluster{T: t, threshold: 3}
		rules := func() *state.Rules {
			return &state.Rules{Registry: registry.Rules{Region: "us-east-1", DefaultTTL: 60}}
		}
		log := slog.New(slog.DiscardHandler)
		var err error
		if f.replica, err = replica.New(replica.Config{Store: data.Share(), Rules: rules, Logger: log}); err != nil {
			t.Fatal(err)
		}
		dial := f.dial
		if len(nodes) > 0 {
			dial = nodes[0].dial
		}
		cfg := Config{Replica: f.replica, Logger: log, Interval: 30 * time.Second, InitialInterval: time.Second, Dial: dial,
			Self: func() string { return name }}
		if change != nil {
			change(f, &cfg)
		}
		if f.prober, err = New(cfg); err != nil {
			t.Fatal(err)
		}
		f.background(f.replica.Run)
		<-f.replica.Loaded()
		f.do(&member.Renew{Node: member.Node{Name: name, ID: name, Lease: 1000}})
		f.stopProber = f.background(f.prober.Run)
		nodes = append(nodes, f)
	}
	synctest.Wait()
	return nodes
}

// probed returns how many checks of a group a node runs.
func (f *cluster) probed(group registry.ServiceID) int {
	n := 0
	for _, r := range f.prober.Reports(f.Context(), group) {
		if r.Probed {
			n++
		}
	}
	return n
}

// TestNodesShareTheChecks: each check of a service and of Route 53 runs on one node. When a
// node dies, the other one runs them within seconds, and no verdict changes by the move.
func TestNodesShareTheChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newShared(t, "a", "b")
		a, b := nodes[0], nodes[1]
		const instances, checks = 40, 40
		service := a.service(instances)
		var ids []string
		for i := range checks {
			cfg := hostedzone.CheckConfig{Type: hostedzone.CheckTCP, IP: "10.0.0.1", Port: 80, Interval: 30, Threshold: 3}
			ids = append(ids, a.do(&hostedzone.CreateCheck{CallerReference: fmt.Sprint(i), Config: cfg}).Value.(*hostedzone.HealthCheck).ID)
		}
		count := func(f *cluster) (n, m int) {
			for _, id := range ids {
				m += f.probed(CheckGroup(id))
			}
			return f.probed(service), m
		}
		pass(10 * time.Second)
		synctest.Wait()
		ai, ac := count(a)
		bi, bc := count(b)
		if ai+bi != instances || ac+bc != checks || ai == 0 || bi == 0 || ac == 0 || bc == 0 {
			t.Errorf("a runs %d and %d checks, b %d and %d; want all %d and %d once", ai, ac, bi, bc, instances, checks)
		}
		a.want("before", 0, 0, instances, 0)

		// b dies, with its network: what it finds is not stored any more.
		revision := a.replica.Current().Registry.Counts()
		a.do(&member.Leave{Name: "b", ID: "b"})
		pass(2 * time.Second)
		synctest.Wait()
		if i, c := count(a); i != instances || c != checks {
			t.Errorf("after the death of b, a runs %d and %d checks", i, c)
		}
		if i, c := count(b); i+c != 0 {
			t.Errorf("b is no member and runs %d and %d checks", i, c)
		}
		pass(time.Minute)
		a.want("after the move", 0, 0, instances, 0)
		if now := a.replica.Current().Registry.Counts(); now != revision {
			t.Errorf("%v became %v", revision, now)
		}
		h, _ := a.replica.Current().HostedZones.Check(ids[0])
		stale := &hostedzone.SetVerdicts{By: "b", Verdicts: []hostedzone.Verdict{{Check: h.ID, Version: h.Version, To: health.Unhealthy}}}
		if reply := a.do(stale); reply.Count != 0 {
			t.Error("the verdict of a node that is no member was stored")
		}

		// The checks that moved still find what is wrong.
		a.set(0, refuses)
		pass(2 * time.Minute)
		a.want("after a failure", 0, 0, 0, instances)
		for _, id := range ids {
			if h, _ := a.replica.Current().HostedZones.Check(id); h.Verdict != health.Unhealthy {
				t.Errorf("health check %s is %v", id, h.Verdict)
			}
		}
	})
}
