package registry_test

import (
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// TestOperationIDs: 32 characters of base 32 for the target, then the date of
// creation in milliseconds in base 36, as in all of AWS's own samples.
func TestOperationIDs(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "s"})
		form := regexp.MustCompile(`^[a-z2-7]{32}-[0-9a-z]{8}$`)
		for _, id := range []registry.OperationID{registry.OperationID(w.register(svc.ID, "i", nil).ID), registry.OperationID(w.deregister(svc.ID, "i").ID)} {
			op, err := w.state.Operation(testAccount, id)
			if err != nil || !form.MatchString(string(id)) {
				t.Fatalf("operation %q: %v", id, err)
			}
			if ms, err := strconv.ParseInt(string(id[33:]), 36, 64); err != nil || ms != op.Date {
				t.Errorf("%s: the date is %d", id, op.Date)
			}
		}
	})
}

func TestOperationNotFound(t *testing.T) {
	w := newFixture(t, false)
	reply := w.do(&registry.CreateNamespace{Type: registry.HTTP, Name: "h"})
	id := registry.OperationID(reply.ID)
	for _, wrong := range []registry.OperationID{"", "x", id[:40], id + "a", "b" + id[1:], id[:32] + "+" + id[33:]} {
		if _, err := w.state.Operation(testAccount, wrong); err == nil && wrong != id {
			t.Errorf("%q was found", wrong)
		}
	}
	if _, err := w.state.Operation(otherAccount, id); err == nil {
		t.Error("another account sees the operation")
	}
}

func (w *fixture) listed(before registry.OperationID) []registry.OperationID {
	var ids []registry.OperationID
	for id := range w.state.Operations(&w.rules, w.account, before) {
		ids = append(ids, id)
	}
	return ids
}

// TestOperationsList is row 16 of the decisions: newest first.
func TestOperationsList(t *testing.T) {
	w := newFixture(t, false)
	gone, kept := w.namespace(registry.HTTP, "a"), w.namespace(registry.DNSPrivate, "b")
	svc := w.service(kept, registry.CreateService{Name: "s", HTTPOnly: true})
	first := registry.OperationID(w.register(svc.ID, "i", nil).ID)
	w.do(&registry.DeleteNamespace{Ref: string(gone.ID)})
	failed := registry.OperationID(w.do(&registry.CreateNamespace{Type: registry.DNSPrivate, Name: "b", VPC: "vpc-1"}).ID)
	last := registry.OperationID(w.deregister(svc.ID, "i").ID)
	want := []registry.OperationID{last, failed, first, w.operationsOf(kept)[2]}
	if got := w.listed(""); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := w.listed(failed); !slices.Equal(got, want[2:]) {
		t.Errorf("before %s: got %v, want %v", failed, got, want[2:])
	}
}

// TestOperationsInOneMillisecond: ids differ even if the clock stands still.
func TestOperationsInOneMillisecond(t *testing.T) {
	w := newFixture(t, false)
	svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "s"})
	seen := map[registry.OperationID]bool{}
	for range 5 {
		w.now -= 1000 // what every command adds
		seen[registry.OperationID(w.register(svc.ID, "i", nil).ID)] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d operations, want 5", len(seen))
	}
}

// TestOperationsAheadOfTheClock: the second operation of a millisecond comes
// after the first, but a clock that was wrong does not date all later operations.
func TestOperationsAheadOfTheClock(t *testing.T) {
	w := newFixture(t, false)
	svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "s"})
	date := func() int64 {
		w.register(svc.ID, "i", nil)
		return w.instance(svc.ID, "i").Registered
	}
	first := date()
	for i := range int64(3) {
		w.now -= 1000 // what every command adds
		if got := date(); got != first+i+1 {
			t.Errorf("dated %d, want %d", got, first+i+1)
		}
	}
	w.now -= 100_000
	if got := date(); got != w.now {
		t.Errorf("dated %d at %d", got, w.now)
	}
}

// TestClockStepsBack: a request is remembered by date, so that a State and the
// same State loaded again agree. The check is in the fixture itself.
func TestClockStepsBack(t *testing.T) {
	w := newFixture(t, false)
	svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "s"})
	for _, value := range []string{"1", "2", "1"} {
		w.do(&registry.RegisterInstance{ServiceRef: string(svc.ID), ID: "i", Attributes: attrs{"k": value}, CreatorRequestID: "r"})
		w.now -= 5000
	}
	w.checkReload()
}

func TestExpireOperations(t *testing.T) {
	w := newFixture(t, false)
	svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "s"})
	for range 5 {
		w.do(&registry.RegisterInstance{ServiceRef: string(svc.ID), ID: "i", CreatorRequestID: "r", Attributes: attrs{"n": strconv.FormatInt(w.now, 10)}})
	}
	ids := w.listed("")
	middle, _ := w.state.Operation(testAccount, ids[2])
	for i, want := range []int{2, 1, 0} {
		if got := w.do(&registry.ExpireOperations{Before: middle.Date, Max: 2}).Count; got != want {
			t.Errorf("%d: expired %d, want %d", i, got, want)
		}
	}
	if got := w.listed(""); !slices.Equal(got, ids[:3]) {
		t.Errorf("left %v, want %v", got, ids[:3])
	}
	w.limits = command.Limits{"operations_per_account": 1}
	if got := w.do(&registry.ExpireOperations{Before: 0, Max: 100}).Count; got != 2 {
		t.Errorf("over the quota: expired %d, want 2", got)
	}
	if got := w.listed(""); !slices.Equal(got, ids[:1]) {
		t.Errorf("left %v, want the newest", got)
	}
}
