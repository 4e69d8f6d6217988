package replica

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const account command.AccountID = "000000000000"

// node is a replica that runs until the test ends.
type node struct {
	*Replica
	t    *testing.T
	stop func() error // ends Run and returns its error; may be called again
}

func newReplica(t *testing.T, s store.Store, change ...func(*Config)) *Replica {
	t.Helper()
	cfg := Config{
		Store:  s,
		Rules:  func() *state.Rules { return &state.Rules{Registry: registry.Rules{Region: "us-east-1"}} },
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	for _, c := range change {
		c(&cfg)
	}
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// start runs a replica and waits until it has loaded.
func start(t *testing.T, s store.Store, change ...func(*Config)) *node {
	t.Helper()
	n := run(t, newReplica(t, s, change...))
	select {
	case <-n.Loaded():
	case <-n.stopped:
		t.Fatalf("ended while loading: %v", n.stop())
	}
	return n
}

func run(t *testing.T, r *Replica) *node {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	n := &node{Replica: r, t: t, stop: sync.OnceValue(func() error {
		cancel()
		return <-ended
	})}
	t.Cleanup(func() { n.stop() })
	return n
}

// do proposes a command that must succeed.
func (n *node) do(op command.Command) command.Reply {
	n.t.Helper()
	reply, err := n.Propose(n.t.Context(), account, op)
	if err != nil {
		n.t.Fatalf("%T: %v", op, err)
	}
	return reply
}

// namespace creates an HTTP namespace and returns its id.
func (n *node) namespace(name string) registry.NamespaceID {
	n.t.Helper()
	reply := n.do(&registry.CreateNamespace{Name: name, Type: registry.HTTP})
	op, err := n.Current().Registry.Operation(account, registry.OperationID(reply.ID))
	if err != nil {
		n.t.Fatalf("the operation of an acknowledged command: %v", err)
	}
	return op.Namespace
}

// service creates a service in a namespace of its own.
func (n *node) service(name string) registry.ServiceID {
	n.t.Helper()
	ns := n.namespace("of-" + name)
	return n.do(&registry.CreateService{Name: name, NamespaceRef: string(ns)}).Value.(*registry.Service).ID
}

func register(svc registry.ServiceID, id string) *registry.RegisterInstance {
	return &registry.RegisterInstance{ServiceRef: string(svc), ID: registry.InstanceID(id), Attributes: map[string]string{"AWS_INSTANCE_IPV4": "10.0.0.1"}}
}

// has reports whether an instance can be seen.
func has(s *Snapshot, svc registry.ServiceID, id string) bool {
	service, ok := s.Registry.Service(account, svc)
	if !ok {
		return false
	}
	_, ok = service.Instance(registry.InstanceID(id))
	return ok
}

// contents is a state in a form that can be compared.
func contents(s *Snapshot) string {
	var lines []string
	for r := range s.Records() {
		lines = append(lines, fmt.Sprintf("%s %x at %d\n", r.Key, r.Value, r.Revision))
	}
	slices.Sort(lines)
	return fmt.Sprintf("revision %d\n%s", s.Revision, strings.Join(lines, ""))
}

// waitFor waits until a node has seen a revision.
func (n *node) waitFor(revision uint64) *Snapshot {
	for {
		s := n.Current()
		if s.Revision >= revision {
			return s
		}
		select {
		case <-s.Superseded():
		case <-n.stopped:
			n.t.Fatalf("ended at revision %d, before %d", n.Current().Revision, revision)
		}
	}
}

// spy is a store that reports every commit.
type spy struct {
	store.Store
	before func(store.Txn)
	after  func(store.Revision, error)
}

func (s *spy) Commit(ctx context.Context, txn store.Txn) (store.Revision, error) {
	if s.before != nil {
		s.before(txn)
	}
	revision, err := s.Store.Commit(ctx, txn)
	if s.after != nil {
		s.after(revision, err)
	}
	return revision, err
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Fatal("an empty configuration was accepted")
	}
}

func TestStateSurvivesRestart(t *testing.T) {
	data := memory.New()
	n := start(t, data)
	svc := n.service("web")
	n.do(register(svc, "a"))
	n.do(register(svc, "b"))
	n.do(&registry.DeregisterInstance{ServiceRef: string(svc), ID: "a"})
	want := contents(n.Current())
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	again := start(t, data.Share())
	if got := contents(again.Current()); got != want {
		t.Errorf("after a restart:\n%s\nbefore:\n%s", got, want)
	}
}

func TestRefusalsAreTyped(t *testing.T) {
	n := start(t, memory.New())
	before := n.Current()
	_, err := n.Propose(t.Context(), account, &registry.DeleteService{Ref: "srv-aaaaaaaaaaaaaaaa"})
	if _, ok := err.(*registry.ServiceNotFound); !ok {
		t.Errorf("got %v", err)
	}
	if n.Current() != before {
		t.Error("a refused command made a new snapshot")
	}
}

func TestSupersededIsClosedByTheNextSnapshot(t *testing.T) {
	n := start(t, memory.New())
	before := n.Current()
	n.namespace("a")
	select {
	case <-before.Superseded():
	default:
		t.Error("the old snapshot does not know that it is old")
	}
	select {
	case <-n.Current().Superseded():
		t.Error("the new snapshot says that it is old")
	default:
	}
}
