package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/replica"
)

// keep is how long operations are kept; longer than a command waits, nearly always.
const keep = 4 * time.Second

const account command.AccountID = "000000000000"

// call is a command that some client has sent to a node.
type call struct {
	op     command.Command
	token  string // is in what the command stores, and nowhere else; may be empty
	node   *replica.Replica
	cancel context.CancelFunc

	// set before done is closed
	done  chan struct{}
	reply command.Reply
	err   error
	blind bool // acknowledged, but could not be seen at once

	lost bool // the node crashed first: nobody has the answer
}

// propose sends a random command to a node, if it is up.
func (c *cluster) propose(n *node) {
	if n.store == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	call := &call{node: n.replica, cancel: cancel, done: make(chan struct{})}
	call.op, call.token = c.command(n.replica.Current().State, len(c.calls))
	c.calls = append(c.calls, call)
	sent := time.Now()
	go func() {
		defer close(call.done)
		call.reply, call.err = n.replica.Propose(ctx, account, call.op)
		if call.err == nil && call.reply.ID != "" {
			_, err := n.replica.Current().Registry.Operation(account, registry.OperationID(call.reply.ID))
			call.blind = err != nil && time.Since(sent) < keep
		}
	}()
}

// command makes up a command that has a chance in the given state.
func (c *cluster) command(s *state.State, number int) (command.Command, string) {
	token := fmt.Sprintf("token-%06d.", number)
	namespaces := slices.Sorted(maps.Keys(maps.Collect(s.Registry.Namespaces(account, ""))))
	services := slices.Sorted(maps.Keys(maps.Collect(s.Registry.Services(account, ""))))
	svc := pick(c, services)
	instance := registry.InstanceID(fmt.Sprint("i-", c.rng.IntN(4)))
	switch k := c.rng.IntN(20); {
	case k < 3 || len(namespaces) == 0:
		return &registry.CreateNamespace{Name: fmt.Sprint("n", c.rng.IntN(3)), Type: registry.HTTP, CreatorRequestID: token}, token
	case k < 6 || len(services) == 0:
		return &registry.CreateService{Name: fmt.Sprint("s", c.rng.IntN(3)), NamespaceRef: string(pick(c, namespaces)),
			CreatorRequestID: token, CustomHealth: c.rng.IntN(2) == 0}, token
	case k < 7:
		return &registry.DeleteNamespace{Ref: string(pick(c, namespaces))}, ""
	case k < 9:
		return &registry.DeleteService{Ref: string(svc)}, ""
	case k < 12:
		return &registry.DeregisterInstance{ServiceRef: string(svc), ID: instance}, ""
	case k < 13:
		return &registry.ExpireOperations{Before: time.Now().Add(-keep).UnixMilli(), Max: 1 + c.rng.IntN(8)}, ""
	case k < 14:
		return &registry.SetCustomHealth{ServiceRef: string(svc), ID: instance, Health: registry.Health(1 + c.rng.IntN(2))}, ""
	default:
		return &registry.RegisterInstance{ServiceRef: string(svc), ID: instance, CreatorRequestID: token}, token
	}
}

func pick[T any](c *cluster, from []T) T {
	var none T
	if len(from) == 0 {
		return none
	}
	return from[c.rng.IntN(len(from))]
}

// leave has one of the clients that wait go away.
func (c *cluster) leave() {
	for _, call := range c.calls {
		if !call.ended() {
			call.cancel()
			return
		}
	}
}

func (k *call) ended() bool {
	select {
	case <-k.done:
		return true
	default:
		return false
	}
}

// lose notes that the node crashed; an answer that is out already counts.
func (k *call) lose(crashed *replica.Replica) {
	if k.node == crashed && !k.ended() {
		k.lost = true
	}
}

// verdict is what a client knows.
type verdict int

const (
	acknowledged verdict = iota
	refused
	unknown
)

func (k *call) verdict() verdict {
	switch {
	case k.lost || errors.Is(k.err, replica.ErrUncertain):
		return unknown
	case k.err == nil:
		return acknowledged
	}
	return refused
}
