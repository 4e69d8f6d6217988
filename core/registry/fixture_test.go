package registry_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

const (
	testAccount  command.AccountID = "000000000000"
	otherAccount command.AccountID = "111111111111"
)

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// fixture is a registry with a clock of its own. Every command that is done in it
// is also applied to a second State in the form in which a store keeps it, and
// the two must never differ.
type fixture struct {
	tester
	rules    registry.Rules
	limits   command.Limits
	account  command.AccountID
	state    *registry.State
	stored   *registry.State
	revision uint64
	now      int64 // milliseconds since 1970
	commands uint64

	// batch is how many commands that change something share a draft, as in a
	// replica; 0 and 1 mean that each has its own.
	batch    int
	drafted  int
	draft    *registry.Draft // the one that is open, or nil
	base     *registry.State // what it began with
	baseDump []string
	// Operations of a batch share a record, as in a replica: the key of the record, its
	// value so far, and the last change in it.
	recordKey   string
	recordValue []byte
	lastInIt    command.Change
}

const epoch = 1_795_000_000_000

func newFixture(t tester, strict bool) *fixture {
	return &fixture{
		tester: t, account: testAccount, now: epoch,
		rules: registry.Rules{Region: "eu-west-1", Strict: strict, DefaultTTL: 60},
		state: new(registry.State), stored: new(registry.State),
	}
}

// Slice, Quota and Quotas implement command.View.
func (w *fixture) Slice(string) (state, rules any) { return w.state, &w.rules }

func (w *fixture) Quota(_ command.AccountID, q *command.Quota) int { return w.limits[q.Name] }

func (w *fixture) Quotas() []*command.Quota { return registry.Slice{}.Quotas() }

// inBothModes runs a test in extended and in strict mode.
func inBothModes(t *testing.T, test func(t *testing.T, w *fixture)) {
	t.Run("extended", func(t *testing.T) { test(t, newFixture(t, false)) })
	t.Run("strict", func(t *testing.T) { test(t, newFixture(t, true)) })
}

// try has a command decided and applied, one second after the last one.
func (w *fixture) try(c command.Command) (command.Reply, error) {
	w.Helper()
	w.now += 1000
	w.commands++
	meta := &command.Meta{Account: w.account, Now: w.now, Entropy: sha256.Sum256(binary.BigEndian.AppendUint64(nil, w.commands))}
	d, err := c.Decide(w, meta)
	if err != nil {
		if len(d.Changes) > 0 {
			w.Errorf("%T: refused with %v, yet with changes", c, err)
		}
		return d.Reply, err
	}
	w.checkReads(d)
	w.apply(d.Changes)
	return d.Reply, nil
}

// checkReads checks that what a decision says it read is true.
func (w *fixture) checkReads(d command.Decision) {
	w.Helper()
	keys := map[string]bool{}
	for s := range (registry.Slice{}).All(w.state) {
		keys[s.Change.Key()] = true
	}
	for _, r := range d.Reads {
		if keys[r.Key] != r.Exists {
			w.Errorf("the decision rests on %q, exists=%t, which is wrong", r.Key, r.Exists)
		}
	}
}

func (w *fixture) apply(changes []command.Change) {
	w.Helper()
	if len(changes) == 0 {
		return
	}
	w.revision++
	w.bundle(changes)
	stored := registry.NewDraft(w.stored)
	for _, c := range changes {
		stored.Apply(w.revision, w.throughStore(c))
	}
	w.stored = stored.State()
	w.draftChanges(changes)
	w.same("applied directly (-) and as stored (+)", registry.Dump(w.state), registry.Dump(w.stored))
}

// draftChanges applies changes to a draft that ends after a batch of commands,
// and checks that the State which it began with stays as it was.
func (w *fixture) draftChanges(changes []command.Change) {
	w.Helper()
	if w.draft == nil {
		w.base, w.baseDump = w.state, registry.Dump(w.state)
		w.draft = registry.NewDraft(w.base)
	}
	for _, c := range changes {
		w.draft.Apply(w.revision, c)
	}
	w.state = w.draft.State()
	if w.drafted++; w.drafted >= w.batch {
		w.state = w.draft.State()
		w.draft, w.drafted, w.lastInIt = nil, 0, nil
		w.same("a State before (-) and after (+) another was made from it", w.baseDump, registry.Dump(w.base))
	}
}

func (w *fixture) same(what string, a, b []string) {
	w.Helper()
	if !slices.Equal(a, b) {
		w.Fatalf("%s:\n%s", what, cmp.Diff(a, b))
	}
}

// bundle puts operations into the record of the first one of their batch.
func (w *fixture) bundle(changes []command.Change) {
	for i, c := range changes {
		if b, ok := c.(command.Bundled); ok && b.Bundle() != "" {
			if w.lastInIt != nil && w.batch > 1 {
				changes[i] = b.In(w.lastInIt)
			}
			w.lastInIt = changes[i]
		}
	}
}

// throughStore encodes and decodes a change. For a part it is the record so far.
func (w *fixture) throughStore(c command.Change) command.Change {
	w.Helper()
	value, put := c.Value([]byte{})
	if !put {
		value = nil
	}
	if _, ok := c.(command.Part); ok && c.Key() == w.recordKey {
		value = append(w.recordValue, value...)
	}
	switch {
	case !put && c.Key() == w.recordKey:
		w.lastInIt = nil
	case c == w.lastInIt:
		w.recordKey, w.recordValue = c.Key(), value
	}
	decoded, err := registry.Slice{}.Decode(c.Key(), value)
	if err != nil {
		w.Fatalf("decode %q: %v", c.Key(), err)
	}
	return decoded
}

// do has a command done that must succeed.
func (w *fixture) do(c command.Command) command.Reply {
	w.Helper()
	reply, err := w.try(c)
	if err != nil {
		w.Fatalf("%T: %v", c, err)
	}
	return reply
}

// refused has a command refused with an error of the wanted type.
func refused[E error](w *fixture, c command.Command) E {
	w.Helper()
	revision := w.revision
	_, err := w.try(c)
	e, ok := errors.AsType[E](err)
	if !ok {
		w.Fatalf("%T %+v: got error %v, want %T", c, c, err, e)
	}
	if w.revision != revision {
		w.Errorf("%T was refused, but it changed something", c)
	}
	return e
}

// operation returns the operation that a reply names.
func (w *fixture) operation(r command.Reply) *registry.Operation {
	w.Helper()
	op, err := w.state.Operation(w.account, registry.OperationID(r.ID))
	if err != nil {
		w.Fatalf("operation %q: %v", r.ID, err)
	}
	return op
}

// namespace makes a namespace; a private one is in vpc-1.
func (w *fixture) namespace(kind registry.NamespaceType, name string) *registry.Namespace {
	w.Helper()
	c := &registry.CreateNamespace{Type: kind, Name: name}
	if kind == registry.DNSPrivate {
		c.VPC = "vpc-1"
	}
	return w.created(c)
}

func (w *fixture) created(c *registry.CreateNamespace) *registry.Namespace {
	w.Helper()
	op := w.operation(w.do(c))
	if op.Failed {
		w.Fatalf("create namespace: %s", op.ErrorMessage)
	}
	return w.currentNamespace(op.Namespace)
}

func (w *fixture) currentNamespace(id registry.NamespaceID) *registry.Namespace {
	w.Helper()
	ns, ok := w.state.Namespace(w.account, id)
	if !ok {
		w.Fatalf("namespace %s is not there", id)
	}
	return ns
}

// service makes a service in a namespace; what is given is filled in.
func (w *fixture) service(ns *registry.Namespace, c registry.CreateService) *registry.Service {
	w.Helper()
	c.NamespaceRef = string(ns.ID)
	return w.currentService(w.do(&c).Value.(*registry.Service).ID)
}

func (w *fixture) currentService(id registry.ServiceID) *registry.Service {
	w.Helper()
	svc, ok := w.state.Service(w.account, id)
	if !ok {
		w.Fatalf("service %s is not there", id)
	}
	return svc
}

func (w *fixture) instance(svc registry.ServiceID, id registry.InstanceID) *registry.Instance {
	w.Helper()
	inst, ok := w.currentService(svc).Instance(id)
	if !ok {
		w.Fatalf("instance %s is not there", id)
	}
	return inst
}

type attrs = map[string]string

func (w *fixture) register(svc registry.ServiceID, id registry.InstanceID, a attrs) command.Reply {
	w.Helper()
	return w.do(&registry.RegisterInstance{ServiceRef: string(svc), ID: id, Attributes: a})
}

func (w *fixture) deregister(svc registry.ServiceID, id registry.InstanceID) command.Reply {
	w.Helper()
	return w.do(&registry.DeregisterInstance{ServiceRef: string(svc), ID: id})
}

// records makes a DNSConfig whose TTLs are 300.
func records(policy registry.RoutingPolicy, types ...registry.RecordType) *registry.DNSConfig {
	d := &registry.DNSConfig{Policy: policy}
	for _, t := range types {
		d.Records = append(d.Records, registry.DNSRecord{Type: t, TTL: 300})
	}
	return d
}

// discovered returns the sorted ids of what a query finds.
func discovered(svc *registry.Service, q registry.Query) []string {
	ids := []string{}
	for _, inst := range svc.Discover(&q, nil) {
		ids = append(ids, string(inst.ID()))
	}
	slices.Sort(ids)
	return ids
}

func wantIDs(t tester, what string, got []string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// numbered makes n pairs like k0=v.
func numbered(n int, value string) attrs {
	m := attrs{}
	for i := range n {
		m[fmt.Sprintf("k%d", i)] = value
	}
	return m
}
