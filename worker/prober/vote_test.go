package prober

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/member"
	"github.com/cairn-discovery/cairn/core/probe"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store"
)

// newVoters starts nodes a, b, … that all run every check, each from a network of its own.
func newVoters(t *testing.T, count int, share float64) []*cluster {
	var names []string
	for i := range count {
		names = append(names, string(rune('a'+i)))
	}
	return newSharedWith(t, func(f *cluster, c *Config) {
		c.Replica = &killable{Replica: f.replica}
		c.Dial, c.Voters, c.HealthyShare = f.dial, count, share
	}, names...)
}

// killable is a replica that no longer takes anything from a prober which was killed.
type killable struct {
	*replica.Replica
	dead atomic.Bool
}

func (k *killable) Propose(ctx context.Context, account command.AccountID, op command.Command) (command.Reply, error) {
	if k.dead.Load() {
		return command.Reply{}, store.ErrUnreachable
	}
	return k.Replica.Propose(ctx, account, op)
}

// killProber ends the prober of a voter as kill -9 does.
func (f *cluster) killProber() {
	f.prober.cfg.Replica.(*killable).dead.Store(true)
	f.stopProber()
}

// startProber starts the prober again.
func (f *cluster) startProber() {
	f.Helper()
	f.prober.cfg.Replica.(*killable).dead.Store(false)
	var err error
	if f.prober, err = New(f.prober.cfg); err != nil {
		f.Fatal(err)
	}
	f.stopProber = f.background(f.prober.Run)
}

// votes returns how many votes are stored.
func (f *cluster) votes() (n int) {
	synctest.Wait()
	for range f.replica.Current().Probe.Votes() {
		n++
	}
	return n
}

// check makes a health check of Route 53.
func (f *cluster) check() string {
	cfg := hostedzone.CheckConfig{Type: hostedzone.CheckTCP, IP: "10.0.0.1", Port: 80, Interval: 30, Threshold: 3}
	return f.do(&hostedzone.CreateCheck{CallerReference: "1", Config: cfg}).Value.(*hostedzone.HealthCheck).ID
}

func (f *cluster) verdict(check string) health.Verdict {
	synctest.Wait()
	h, _ := f.replica.Current().HostedZones.Check(check)
	return h.Verdict
}

// instances is enough for each of a few nodes to own some.
const instances = 20

// TestVotes: a target is unhealthy when so few nodes reach it as the share says, and every
// node finds that whether it owns the check or not. Nothing is stored for single probes, and
// no vote against the verdict is left when all agree again.
func TestVotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newVoters(t, 3, 0.18)
		a := nodes[0]
		service, id := a.service(instances), a.check()
		pass(10 * time.Second)
		for _, f := range nodes {
			if n := f.probed(service); n != instances {
				t.Errorf("a node runs %d checks of %d", n, instances)
			}
		}
		up := func(what string, votes func(*probe.Vote) bool, want int) {
			t.Helper()
			pass(2 * time.Minute)
			a.want(what, 0, 0, instances, 0)
			if v := a.verdict(id); v != health.Healthy {
				t.Errorf("%s: the health check is %v", what, v)
			}
			n := 0
			for v := range a.replica.Current().Probe.Votes() {
				if votes(v) {
					n++
				}
			}
			if n != want {
				t.Errorf("%s: %d votes are stored, want %d", what, n, want)
			}
		}
		all := func(*probe.Vote) bool { return true }
		up("all nodes reach it", all, 0)
		revision := a.replica.Current().Revision
		pass(10 * time.Minute)
		if now := a.replica.Current().Revision; now != revision {
			t.Errorf("%d commits without a change", now-revision)
		}
		nodes[1].set(0, refuses)
		nodes[2].set(0, refuses)
		pass(2 * time.Minute)
		owned := 0 // by a, so that b and c vote
		for _, r := range a.prober.Reports(t.Context(), service) {
			if r.Votes[0].Node == "a" {
				owned++
			}
		}
		if a.prober.Reports(t.Context(), CheckGroup(id))[registry.InstanceID(id)].Votes[0].Node == "a" {
			owned++
		}
		up("one of three nodes reaches it", all, 2*owned+instances+1-owned)

		a.set(0, refuses)
		pass(2 * time.Minute)
		a.want("no node reaches it", 0, 0, 0, instances)
		if v := a.verdict(id); v != health.Unhealthy {
			t.Errorf("no node reaches it: the health check is %v", v)
		}
		nodes[1].set(0, answers)
		pass(2 * time.Minute)
		a.want("one node reaches it again", 0, 0, instances, 0)
		a.set(0, answers)
		nodes[2].set(0, answers)
		up("all nodes reach it again", func(v *probe.Vote) bool { return v.Verdict != health.Healthy }, 0)
	})
}

// TestFirstVerdictOfVoters: an instance is healthy as soon as no vote can change that, and
// not unhealthy before all have voted.
func TestFirstVerdictOfVoters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newVoters(t, 3, 0.18)
		for _, f := range nodes[1:] {
			f.set(0, refuses)
			f.set(1, refuses)
		}
		nodes[0].set(1, refuses)
		nodes[0].service(instances)
		nodes[0].service(instances)
		pass(2*time.Second + firstVote + 3*batchTime)
		nodes[0].want("reached by one node", 0, 0, instances, 0)
		nodes[0].want("reached by no node", 1, 0, 0, instances)
	})
}

// TestMajority: with a share of 0.5, half of the nodes are not enough.
func TestMajority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newVoters(t, 4, 0.5)
		a := nodes[0]
		a.service(instances)
		pass(time.Minute)
		nodes[1].set(0, refuses)
		pass(2 * time.Minute)
		a.want("three of four", 0, 0, instances, 0)
		nodes[2].set(0, refuses)
		pass(2 * time.Minute)
		a.want("two of four", 0, 0, 0, instances)
	})
}

// TestDeadNodeHasNoVote: the vote of a node counts until its lease ends, and is deleted then.
func TestDeadNodeHasNoVote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newVoters(t, 3, 0.18)
		a, c := nodes[0], nodes[2]
		a.service(instances)
		pass(time.Minute)
		for _, f := range nodes[:2] {
			f.set(0, refuses)
		}
		pass(2 * time.Minute)
		a.want("only c reaches it", 0, 0, instances, 0)
		c.set(0, refuses)
		a.do(&member.Expire{Name: "c", ID: "c"})
		pass(2 * time.Second)
		a.want("c is dead", 0, 0, 0, instances)
		pass(time.Minute)
		for v := range a.replica.Current().Probe.Votes() {
			if v.Node == "c" {
				t.Errorf("a vote is left: %+v", v)
			}
		}
		a.do(&member.Renew{Node: member.Node{Name: "c", ID: "c", Lease: 1000}})
		pass(5 * time.Minute)
		a.want("c is back and does not reach it", 0, 0, 0, instances)
		c.set(0, answers)
		pass(2 * time.Minute)
		a.want("c reaches it", 0, 0, instances, 0)
	})
}

// TestForbiddenHasNoSay: a node that may not probe an address does not keep others from a
// first verdict.
func TestForbiddenHasNoSay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newVoters(t, 3, 0.18)
		f := nodes[1]
		f.prober.cfg.Deny = netPrefixes("10.0.0.0/16")
		for _, f := range nodes {
			f.set(0, refuses)
		}
		nodes[0].service(instances)
		pass(time.Minute)
		nodes[0].want("two of two", 0, 0, 0, instances)
	})
}

// TestVotesOfGoneInstances: votes do not outlive their instance.
func TestVotesOfGoneInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newVoters(t, 3, 0.18)
		a := nodes[0]
		a.service(instances)
		pass(time.Minute)
		nodes[1].set(0, refuses)
		nodes[2].set(0, refuses)
		pass(2 * time.Minute)
		if a.votes() == 0 {
			t.Fatal("no node votes")
		}
		for i := range instances {
			a.do(&registry.DeregisterInstance{ServiceRef: string(a.services[0]), ID: registry.InstanceID(fmt.Sprint(i))})
		}
		pass(10 * time.Second)
		if n := a.votes(); n != 0 {
			t.Errorf("%d votes are left", n)
		}
	})
}

// TestVotesOfGoneChecks: no vote outlives its check, whether it agrees with the verdict or
// not, and also when a voter was down while the check went.
func TestVotesOfGoneChecks(t *testing.T) {
	const votedOn = 10
	goes := map[string]func(a *cluster, check string){
		"deregistered": func(a *cluster, check string) {
			for i := range votedOn {
				a.do(&registry.DeregisterInstance{ServiceRef: string(a.services[0]), ID: registry.InstanceID(fmt.Sprint(i))})
			}
			a.do(&hostedzone.DeleteCheck{ID: check})
		},
		"without a check": func(a *cluster, check string) {
			a.do(&registry.UpdateService{Ref: string(a.services[0])})
			a.do(&hostedzone.DeleteCheck{ID: check})
		},
	}
	for name, gone := range goes {
		for _, disagree := range []bool{true, false} {
			for _, down := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, disagree %v, a voter is down %v", name, disagree, down), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						nodes := newVoters(t, 3, 0.18)
						a, c := nodes[0], nodes[2]
						a.service(votedOn)
						check := a.check()
						pass(time.Minute)
						nodes[1].set(0, refuses)
						c.set(0, refuses)
						pass(2 * time.Minute)
						if !disagree {
							a.set(0, refuses)
							pass(2 * time.Minute)
						}
						if a.votes() == 0 {
							t.Fatal("no node votes")
						}
						if down {
							c.killProber()
						}
						gone(a, check)
						pass(10 * time.Second)
						if down {
							c.startProber()
							pass(10 * time.Second)
						}
						if n := a.votes(); n != 0 {
							t.Errorf("%d votes are left", n)
						}
					})
				})
			}
		}
	}
}

// TestHandover: a node that leaves in order hands over the failures that it has counted, and
// the next node goes on from there.
func TestHandover(t *testing.T) {
	for name, planned := range map[string]bool{"planned": true, "killed": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nodes := newShared(t, "a", "b")
				a, b := nodes[0], nodes[1]
				service := a.service(instances)
				pass(time.Minute)
				moved := b.probed(service)
				a.set(0, refuses)
				pass(61 * time.Second) // two failures of three, and of some instances three
				synctest.Wait()
				down := a.states(0)[registry.Unhealthy]
				if planned {
					b.stopProber()
				}
				a.do(&member.Leave{Name: "b", ID: "b"})
				synctest.Wait()
				a.want("no verdict by the move", 0, 0, instances-down, down)
				pass(30 * time.Second)
				synctest.Wait()
				if got := a.states(0)[registry.Unhealthy]; planned && got != instances || !planned && got >= instances {
					t.Errorf("%d of %d are unhealthy an interval later; b had %d", got, instances, moved)
				}
				pass(time.Minute)
				a.want("in the end", 0, 0, 0, instances)
				for s := range a.replica.Current().Probe.AllSeries() {
					t.Errorf("left: %+v", s)
				}
			})
		})
	}
}

// TestHandoverToNewNode: a node that comes goes on with what the others have counted.
func TestHandoverToNewNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := newShared(t, "a", "b")
		a := nodes[0]
		a.do(&member.Leave{Name: "b", ID: "b"})
		service := a.service(instances)
		pass(time.Minute)
		a.set(0, refuses)
		pass(61 * time.Second)
		a.do(&member.Renew{Node: member.Node{Name: "b", ID: "b", Lease: 1000}})
		pass(30 * time.Second)
		synctest.Wait()
		if nodes[1].probed(service) == 0 {
			t.Fatal("b runs nothing")
		}
		a.want("an interval later", 0, 0, 0, instances)
		for s := range a.replica.Current().Probe.AllSeries() {
			t.Errorf("left: %+v", s)
		}
	})
}

// TestCommandsFitIntoOneTransaction: each command of an outage fits into one transaction of
// etcd with the limits that it has by default.
func TestCommandsFitIntoOneTransaction(t *testing.T) {
	const limit = 128 // --max-txn-ops
	s := new(state.State)
	rules := &state.Rules{Registry: registry.Rules{Region: "us-east-1", DefaultTTL: 60}}
	do := func(c command.Command) (command.Decision, []command.Read) {
		m := command.Meta{Account: simAccount}
		rand.Read(m.Entropy[:])
		d, err := state.Decide(s, rules, m, c)
		if err != nil {
			t.Fatal(err)
		}
		reads := s.Reads(d)
		s = state.Apply(s, s.Revision+1, d.Changes...)
		return d, reads
	}
	do(&member.Renew{Node: member.Node{Name: "a", ID: "a", Lease: 1000}})
	do(&registry.CreateNamespace{Type: registry.HTTP, Name: "example"})
	p := &proposal{by: "a", update: probe.Update{By: "a"}}
	for ns := range s.Registry.Namespaces(simAccount, "") {
		for i := range 3 * limit { // each in a service of its own, which is the worst
			d, _ := do(&registry.CreateService{Name: fmt.Sprint("s", i), NamespaceRef: string(ns), HealthCheck: &registry.HealthCheck{Type: registry.CheckTCP, FailureThreshold: 1}})
			svc := d.Reply.Value.(*registry.Service)
			do(&registry.RegisterInstance{ServiceRef: string(svc.ID), ID: "i", Attributes: map[string]string{registry.AttrIPv4: "10.0.0.1", registry.AttrPort: "80"}})
			svc, _ = s.Registry.Service(simAccount, svc.ID)
			inst, _ := svc.Instance("i")
			key := registry.CheckKey(svc.ID, "i")
			p.verdicts = append(p.verdicts, registry.Verdict{Account: simAccount, Service: svc.ID, Instance: "i", Registered: inst.Registered, Check: svc.Check().Stamp, To: registry.Unhealthy})
			p.update.Votes = append(p.update.Votes, probe.Vote{Check: key, Verdict: health.Unhealthy})
			p.update.Series = append(p.update.Series, probe.Series{Check: key, Results: 1})
			p.update.DeleteVotes = append(p.update.DeleteVotes, &probe.Vote{Node: "a", Check: key})
			p.update.DeleteSeries = append(p.update.DeleteSeries, key)
		}
	}
	changes := 0
	for _, c := range p.commands(perCommand(limit)) {
		d, reads := do(c)
		cost := 0
		for _, r := range reads {
			condition := store.Precondition{Exists: r.Exists}
			cost += condition.Cost()
		}
		if changes += len(d.Changes); len(d.Changes) > limit || cost > limit {
			t.Errorf("%T has %d changes, and reads of cost %d", c, len(d.Changes), cost)
		}
	}
	if changes != p.len() {
		t.Errorf("%d changes, want %d", changes, p.len())
	}
}

func netPrefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}
