package replica_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store/embedded"
)

const testAccount command.AccountID = "000000000000"

// TestServicesAreLinearizable has many clients for each service, which change an instance
// of their own and discover all. It checks that one order of all calls explains the
// answers.
func TestServicesAreLinearizable(t *testing.T) {
	h := run(t, 16, func(c *client) call {
		c.instance = c.number % instances
		return c.change()
	})
	check(t, h.operations)
}

// TestInstancesAreLinearizable has them fight over few instances. What they see
// is checked for each instance alone: for a whole service there are far too many
// orders to think of.
func TestInstancesAreLinearizable(t *testing.T) {
	h := run(t, 40, func(c *client) call {
		c.instance = c.random.IntN(3)
		c.there, c.health = c.random.IntN(2) == 0, registry.Healthy+registry.Health(c.random.IntN(2))
		return c.change()
	})
	var each []porcupine.Operation
	for _, op := range h.operations {
		in := op.Input.(call)
		if in.kind != discover {
			in.alone = true
			op.Input = in
			each = append(each, op)
			continue
		}
		for i := range 3 {
			op.Input = call{svc: in.svc, kind: discover, instance: i, alone: true}
			each = append(each, op)
		}
	}
	check(t, each)
}

func check(t *testing.T, operations []porcupine.Operation) {
	t.Helper()
	if result := porcupine.CheckOperationsTimeout(model(), operations, time.Minute); result != porcupine.Ok {
		t.Errorf("the history of %d calls is not linearizable: %s", len(operations), result)
	}
}

// run lets sixteen clients on each of two services make so many calls. After a
// discovery a client waits until something new is published, so that not all of
// them write at once: the time that the check takes doubles with every write
// that goes on at the same time.
func run(t *testing.T, calls int, next func(*client) call) *history {
	t.Helper()
	h := &history{begin: time.Now()}
	r := start(t)
	ns := namespace(t, r)
	var working, beating sync.WaitGroup
	for s := range 2 {
		svc := service(t, r, ns, fmt.Sprint("s", s))
		for i := range instances {
			number := s*instances + i
			c := &client{r: r, svc: svc, number: number, random: rand.New(rand.NewPCG(uint64(number), 0))}
			working.Go(func() {
				for range calls {
					in, snapshot := next(c), r.Current()
					if !h.do(t, c, in) {
						return
					}
					if in.kind == discover {
						<-snapshot.Superseded()
					}
				}
			})
		}
	}
	stop := make(chan struct{})
	beating.Go(func() { beat(t, r, ns, stop) })
	working.Wait()
	close(stop)
	beating.Wait()
	return h
}

// beat changes something that no client looks at, so that there is always a next
// state to wait for.
func beat(t *testing.T, r *replica.Replica, ns registry.NamespaceID, stop <-chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		c := &registry.UpdateNamespace{Ref: string(ns), Type: registry.HTTP, Description: new(strconv.Itoa(i))}
		if _, err := r.Propose(t.Context(), testAccount, c); err != nil {
			t.Error(err)
			return
		}
	}
}

// history collects what all clients did.
type history struct {
	begin      time.Time
	mu         sync.Mutex
	operations []porcupine.Operation
}

// do makes one call and takes it down.
func (h *history) do(t *testing.T, c *client, in call) bool {
	op := porcupine.Operation{ClientId: c.number, Input: in, Call: int64(time.Since(h.begin))}
	out, err := c.do(t.Context(), in)
	op.Return, op.Output = int64(time.Since(h.begin)), out
	if err != nil {
		t.Errorf("%+v: %v", in, err)
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, op)
	return true
}

// TestModelFindsViolations: the check above is worth something.
func TestModelFindsViolations(t *testing.T) {
	svc := registry.ServiceID("s")
	registered := porcupine.Operation{Input: call{svc: svc, kind: register, value: 1}, Call: 0, Return: 1, Output: seen{ok: true}}
	for name, after := range map[string]seen{
		"lost":        {ok: true, revision: 5},
		"other value": {ok: true, revision: 5, cells: [instances]cell{{value: 2, health: registry.Healthy}}},
	} {
		history := []porcupine.Operation{registered, {Input: call{svc: svc, kind: discover}, Call: 2, Return: 3, Output: after}}
		if porcupine.CheckOperations(model(), history) {
			t.Errorf("%s: not found", name)
		}
	}
}

func start(t *testing.T) *replica.Replica {
	t.Helper()
	st, err := embedded.Open(embedded.Config{Dir: t.TempDir(), SegmentSize: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	rules := &state.Rules{Registry: registry.Rules{Region: "us-east-1", DefaultTTL: 60}}
	r, err := replica.New(replica.Config{Store: st, Rules: func() *state.Rules { return rules }, Logger: slog.New(slog.DiscardHandler), BatchSize: 3})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, st.Close()); err != nil {
			t.Error(err)
		}
	})
	<-r.Loaded()
	return r
}

func namespace(t *testing.T, r *replica.Replica) registry.NamespaceID {
	t.Helper()
	if _, err := r.Propose(t.Context(), testAccount, &registry.CreateNamespace{Name: "h", Type: registry.HTTP}); err != nil {
		t.Fatal(err)
	}
	for id := range r.Current().Registry.Namespaces(testAccount, "") {
		return id
	}
	t.Fatal("no namespace")
	return ""
}

func service(t *testing.T, r *replica.Replica, ns registry.NamespaceID, name string) registry.ServiceID {
	t.Helper()
	reply, err := r.Propose(t.Context(), testAccount, &registry.CreateService{Name: name, NamespaceRef: string(ns), CustomHealth: true})
	if err != nil {
		t.Fatal(err)
	}
	return reply.Value.(*registry.Service).ID
}

type kind int

const (
	register kind = iota
	deregister
	setHealth
	discover
)

// call is one call of a client.
type call struct {
	svc      registry.ServiceID
	kind     kind
	instance int
	value    int32           // register
	health   registry.Health // setHealth
	// alone means that nothing but the instance is looked at.
	alone bool
}

// instances is how many there are in a service, and how many clients it has.
const instances = 16

// cell is one instance; the zero value is none.
type cell struct {
	value  int32
	health registry.Health
}

// seen is what a client got.
type seen struct {
	ok       bool // false: InstanceNotFound
	cells    [instances]cell
	revision uint64
}

// client makes calls on one service.
type client struct {
	r      *replica.Replica
	svc    registry.ServiceID
	number int
	random *rand.Rand

	// What it believes about the instance that it is going to change.
	instance int
	there    bool
	health   registry.Health
	calls    int
}

// change thinks of a call that makes a visible difference, so that there are not
// too many orders with the same result.
func (c *client) change() call {
	c.calls++
	in := call{svc: c.svc, kind: min(kind(c.random.IntN(12)), discover), instance: c.instance, value: int32(1000*(c.number+1) + c.calls)}
	switch {
	case in.kind == deregister && c.there:
		c.there = false
	case in.kind == setHealth && c.there:
		c.health = registry.Healthy + registry.Unhealthy - c.health
		in.health = c.health
	case in.kind != discover:
		in.kind, c.there, c.health = register, true, registry.Healthy
	}
	return in
}

func (c *client) do(ctx context.Context, in call) (seen, error) {
	id := registry.InstanceID(strconv.Itoa(in.instance))
	var command command.Command
	switch in.kind {
	case register:
		command = &registry.RegisterInstance{ServiceRef: string(in.svc), ID: id, Attributes: map[string]string{"value": strconv.Itoa(int(in.value))}}
	case deregister:
		command = &registry.DeregisterInstance{ServiceRef: string(in.svc), ID: id}
	case setHealth:
		command = &registry.SetCustomHealth{ServiceRef: string(in.svc), ID: id, Health: in.health}
	default:
		return c.discover(in.svc)
	}
	_, err := c.r.Propose(ctx, testAccount, command)
	if _, gone := errors.AsType[*registry.InstanceNotFound](err); gone {
		return seen{}, nil
	}
	return seen{ok: true}, err
}

func (c *client) discover(id registry.ServiceID) (seen, error) {
	svc, ok := c.r.Current().Registry.Service(testAccount, id)
	if !ok {
		return seen{}, errors.New("the service is gone")
	}
	out := seen{ok: true, revision: svc.InstancesRevision()}
	for _, inst := range svc.Discover(&registry.Query{Health: registry.FilterAll}, nil) {
		i, err := strconv.Atoi(string(inst.ID()))
		if err != nil {
			return out, err
		}
		value, _ := inst.Attributes().Get("value")
		n, err := strconv.Atoi(value)
		if err != nil {
			return out, err
		}
		out.cells[i] = cell{int32(n), svc.Health(inst)}
	}
	return out, nil
}

// truth is what a service holds, as simply as can be.
type truth struct {
	cells [instances]cell
	// revision is that of the service if it is known, and the last known one if
	// changed is set: then it must have risen.
	revision uint64
	changed  bool
}

// model says what calls may answer when they are made one after the other.
// Services know nothing of each other, nor do instances that are looked at alone.
func model() porcupine.Model {
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			parts := map[string][]porcupine.Operation{}
			for _, op := range history {
				in := op.Input.(call)
				part := string(in.svc)
				if in.alone {
					part += fmt.Sprint(" ", in.instance)
				}
				parts[part] = append(parts[part], op)
			}
			var all [][]porcupine.Operation
			for _, part := range parts {
				all = append(all, slices.Clip(part))
			}
			return all
		},
		Init: func() any { return truth{changed: true} },
		Step: func(state, input, output any) (bool, any) {
			return state.(truth).step(input.(call), output.(seen))
		},
	}
}

func (now truth) step(in call, out seen) (bool, any) {
	if in.kind == discover && in.alone {
		return out.cells[in.instance] == now.cells[in.instance], now
	}
	if in.kind == discover {
		if out.cells != now.cells || out.revision < now.revision || now.changed != (out.revision > now.revision) {
			return false, now
		}
		now.revision, now.changed = out.revision, false
		return true, now
	}
	there := now.cells[in.instance] != cell{}
	if out.ok != (there || in.kind == register) {
		return false, now
	}
	if !out.ok {
		return true, now
	}
	switch in.kind {
	case register:
		now.cells[in.instance], now.changed = cell{in.value, registry.Healthy}, true
	case deregister:
		now.cells[in.instance], now.changed = cell{}, true
	case setHealth:
		now.cells[in.instance].health = in.health
	}
	return true, now
}
