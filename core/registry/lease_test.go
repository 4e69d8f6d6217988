package registry_test

import (
	"slices"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

func leased(more ...string) attrs {
	a := attrs{"cairn.ttl": "16"} // so that the grain is one second
	for i := 0; i < len(more); i += 2 {
		a[more[i]] = more[i+1]
	}
	return a
}

// endLeases lets seconds pass, beside the one that every command takes, and ends the
// leases that are due.
func (w *fixture) endLeases(seconds int64) int {
	w.Helper()
	w.now += seconds * 1000
	var due []registry.Lease
	for l := range w.state.Leases() {
		if l.Due() <= w.now {
			due = append(due, l)
		}
	}
	return w.do(&registry.EndLeases{Leases: due}).Count
}

func (w *fixture) leasedService(c registry.CreateService) registry.ServiceID {
	w.Helper()
	c.Name = "s"
	svc := w.service(w.namespace(registry.HTTP, "h"), c)
	w.register(svc.ID, "i", leased())
	return svc.ID
}

func TestLeaseRunsOut(t *testing.T) {
	w := newFixture(t, false)
	svc := w.leasedService(registry.CreateService{CustomHealth: true})
	revision := w.currentService(svc).InstancesRevision()
	if n := w.endLeases(15); n != 0 {
		t.Fatalf("%d leases ended before their time", n)
	}
	if n := w.endLeases(1); n != 1 || w.health(svc, "i") != registry.Unhealthy {
		t.Fatalf("%d leases ended, health %s; want 1, UNHEALTHY", n, w.health(svc, "i"))
	}
	if w.currentService(svc).InstancesRevision() != revision {
		t.Error("a lapse changed the InstancesRevision")
	}
	if n := w.endLeases(12); n != 0 {
		t.Fatalf("deregistered too early")
	}
	if n := w.endLeases(5); n != 1 || w.currentService(svc).InstanceCount() != 0 {
		t.Fatalf("%d leases ended, %d instances left; want 1, 0", n, w.currentService(svc).InstanceCount())
	}
	if w.currentService(svc).InstancesRevision() == revision {
		t.Error("the deregistration did not change the InstancesRevision")
	}
	ended := slices.ContainsFunc(w.listOperations(), func(op *registry.Operation) bool {
		return op.Type == registry.DeregisterInstanceOperation && op.Instance == "i"
	})
	if !ended {
		t.Error("there is no operation about the deregistration")
	}
}

func (w *fixture) listOperations() []*registry.Operation {
	var all []*registry.Operation
	for _, op := range w.state.Operations(&w.rules, w.account, "") {
		all = append(all, op)
	}
	return all
}

// TestLeaseWithoutHealthCheck: a expired instance leaves the answers of a service
// that has no health check too.
func TestLeaseWithoutHealthCheck(t *testing.T) {
	w := newFixture(t, false)
	svc := w.leasedService(registry.CreateService{})
	w.register(svc, "j", nil)
	w.endLeases(16)
	for filter, want := range map[registry.HealthFilter][]string{
		"": {"j"}, registry.FilterHealthy: {"j"}, registry.FilterHealthyOrElseAll: {"j"},
		registry.FilterUnhealthy: {"i", "j"}, registry.FilterAll: {"i", "j"},
	} {
		wantIDs(t, string(filter), discovered(w.currentService(svc), registry.Query{Health: filter}), want...)
	}
	w.register(svc, "i", leased())
	wantIDs(t, "renewed", discovered(w.currentService(svc), registry.Query{}), "i", "j")
}

func TestRenewByRegistering(t *testing.T) {
	w := newFixture(t, false)
	svc := w.leasedService(registry.CreateService{CustomHealth: true})
	w.setHealth(svc, "i", registry.Unhealthy)
	operations, revision := len(w.listOperations()), w.currentService(svc).InstancesRevision()
	first := w.instance(svc, "i")
	for range 40 {
		w.now += 4000
		reply := w.do(&registry.RegisterInstance{ServiceRef: string(svc), ID: "i", Attributes: leased(), CreatorRequestID: string(rune(w.now))})
		if op := w.operation(reply); op.Type != registry.RegisterInstanceOperation || op.Instance != "i" {
			t.Fatalf("the renewal's operation is %+v", op)
		}
		if n := w.endLeases(0); n != 0 {
			t.Fatal("a renewed lease ended")
		}
	}
	if w.instance(svc, "i") != first || len(w.listOperations()) != operations || w.currentService(svc).InstancesRevision() != revision {
		t.Error("renewals left a trail")
	}
	if w.health(svc, "i") != registry.Unhealthy {
		t.Error("a renewal changed the health that was told")
	}
}

func TestFrequentRenewalsAreNotStored(t *testing.T) {
	w := newFixture(t, false)
	svc := w.leasedService(registry.CreateService{})
	l, _ := w.state.Lease(svc, "i")
	revision := w.revision
	w.now = l.Renewed - 900 // try adds a second
	w.register(svc, "i", leased())
	if w.revision != revision {
		t.Error("a renewal within the grain was stored")
	}
	w.now = l.Renewed + 500
	w.register(svc, "i", leased())
	if w.revision == revision {
		t.Error("a renewal after the grain was not stored")
	}
}

func TestRenewByCustomHealth(t *testing.T) {
	inst := func(w *fixture, svc registry.ServiceID) {
		w.setHealth(svc, "i", registry.Healthy) // as it is: only renews
	}
	w := newFixture(t, false)
	svc := w.leasedService(registry.CreateService{CustomHealth: true})
	w.now += 10_000
	inst(w, svc)
	if n := w.endLeases(10); n != 0 {
		t.Error("the lease ended although the health was told")
	}
	w.endLeases(10)
	if w.health(svc, "i") != registry.Unhealthy {
		t.Fatal("the lease did not lapse")
	}
	inst(w, svc)
	if w.health(svc, "i") != registry.Healthy {
		t.Error("the instance did not come back")
	}
}

// TestLeaseGoesWithItsInstance: no lease outlives what it is for.
func TestLeaseGoesWithItsInstance(t *testing.T) {
	for name, end := range map[string]func(w *fixture, svc registry.ServiceID){
		"deregistered":           func(w *fixture, svc registry.ServiceID) { w.deregister(svc, "i") },
		"registered without TTL": func(w *fixture, svc registry.ServiceID) { w.register(svc, "i", nil) },
	} {
		w := newFixture(t, false)
		svc := w.leasedService(registry.CreateService{})
		end(w, svc)
		if n := len(slices.Collect(w.state.Leases())); n != 0 {
			t.Errorf("%s: %d leases left", name, n)
		}
	}
	w := newFixture(t, false)
	svc := w.leasedService(registry.CreateService{})
	w.register(svc, "i", leased("cairn.ttl", "60", "more", "attributes"))
	if l, ok := w.state.Lease(svc, "i"); !ok || l.TTL != 60 || l.Renewed != w.now {
		t.Errorf("the lease is %+v", l)
	}
}

// TestRenewedMeanwhile: who ends leases has looked at an older state.
func TestRenewedMeanwhile(t *testing.T) {
	w := newFixture(t, false)
	svc := w.leasedService(registry.CreateService{})
	seen := slices.Collect(w.state.Leases())
	w.now += 20_000
	w.register(svc, "i", leased())
	if n := w.do(&registry.EndLeases{Leases: seen}).Count; n != 0 {
		t.Error("a lease ended that was renewed meanwhile")
	}
}

func TestRenewalAfterTheOperationIsForgotten(t *testing.T) {
	w := newFixture(t, false)
	svc := w.leasedService(registry.CreateService{})
	w.do(&registry.ExpireOperations{Before: w.now + 1, Max: 100})
	first := w.operation(w.register(svc, "i", leased()))
	second := w.operation(w.register(svc, "i", leased()))
	if first.ID != second.ID {
		t.Error("every renewal makes an operation")
	}
}

func TestBadTTL(t *testing.T) {
	w := newFixture(t, false)
	svc := w.leasedService(registry.CreateService{})
	for _, v := range []string{"", "0", "-1", "1.5", "10s", "86401", "99999999999"} {
		refused[*command.InvalidInput](w, &registry.RegisterInstance{ServiceRef: string(svc), ID: "x", Attributes: attrs{"cairn.ttl": v}})
	}
	refused[*command.InvalidInput](w, &registry.RegisterInstance{ServiceRef: string(svc), ID: "x", Attributes: attrs{"cairn.tll": "5"}})
}
