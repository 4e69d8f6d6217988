package cluster

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

type kind uint8

const (
	register kind = iota
	deregister
	read
)

// call is one operation on an instance.
type call struct {
	kind  kind
	key   string // the instance
	value string // what register writes
}

// result is what a node answered to it.
type result struct {
	unknown bool // it may not have been done
	found   bool // of read and deregister: the instance existed
	value   string
}

// history collects what clients did and saw, and checks what can be checked at once.
type history struct {
	t     *testing.T
	begin time.Time

	mu         sync.Mutex
	operations []porcupine.Operation
	seen       map[seenAt]string // what reads found
}

// seenAt is an instance in the state of one revision.
type seenAt struct {
	key      string
	revision uint64
}

func newHistory(t *testing.T) *history {
	return &history{t: t, begin: time.Now(), seen: map[seenAt]string{}}
}

func (h *history) now() int64 { return int64(time.Since(h.begin)) }

// add adds an operation that began at a time and has ended.
func (h *history) add(client int, in call, began int64, out result) {
	op := porcupine.Operation{ClientId: client, Input: in, Call: began, Output: out, Return: h.now()}
	if out.unknown {
		op.Return = math.MaxInt64 // it may still take effect
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, op)
}

// sawAt notes what a read found in a state. All nodes must show the same at one revision.
func (h *history) sawAt(node, key string, revision uint64, out result) {
	text := "nothing"
	if out.found {
		text = out.value
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	at := seenAt{key, revision}
	if other, ok := h.seen[at]; ok && other != text {
		h.t.Errorf("at revision %d node %s has %s of instance %s, and another node had %s", revision, node, text, key, other)
	}
	h.seen[at] = text
}

// check checks that all could have been done one after the other, by each instance.
func (h *history) check() {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if got := porcupine.CheckOperationsTimeout(model, h.operations, 2*time.Minute); got != porcupine.Ok {
		h.t.Errorf("the history of %d operations is not linearizable: %s", len(h.operations), got)
		for key, ops := range byKey(h.operations) {
			if got := porcupine.CheckOperationsTimeout(model, ops, time.Minute); got != porcupine.Ok {
				h.t.Logf("instance %s (%s):", key, got)
				for _, op := range ops {
					h.t.Logf("  client %d %9.6f to %9.6f: %+v %+v", op.ClientId, float64(op.Call)/1e9, float64(op.Return)/1e9, op.Input, op.Output)
				}
			}
		}
	}
}

func byKey(all []porcupine.Operation) map[string][]porcupine.Operation {
	keys := map[string][]porcupine.Operation{}
	for _, op := range all {
		key := op.Input.(call).key
		keys[key] = append(keys[key], op)
	}
	return keys
}

// model is an instance that is there with a value, or is not there ("").
var model = porcupine.Model{
	Partition: func(all []porcupine.Operation) (parts [][]porcupine.Operation) {
		for _, ops := range byKey(all) {
			parts = append(parts, ops)
		}
		return parts
	},
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		in, out := input.(call), output.(result)
		switch in.kind {
		case register:
			return true, in.value
		case deregister:
			return out.unknown || out.found == (state != ""), ""
		}
		return out.found == (state != "") && out.value == state, state
	},
}

// TestModelFindsViolations: the check is worth something.
func TestModelFindsViolations(t *testing.T) {
	op := func(from, to int64, in call, out result) porcupine.Operation {
		return porcupine.Operation{Input: in, Call: from, Output: out, Return: to}
	}
	put := func(v string) call { return call{register, "k", v} }
	ok := result{found: true}
	found := func(v string) result { return result{found: true, value: v} }
	for _, c := range []struct {
		name string
		ops  []porcupine.Operation
		want bool
	}{
		{"kept", []porcupine.Operation{op(0, 1, put("a"), ok), op(2, 3, call{read, "k", ""}, found("a"))}, true},
		{"lost", []porcupine.Operation{op(0, 1, put("a"), ok), op(2, 3, call{read, "k", ""}, result{})}, false},
		{"old", []porcupine.Operation{op(0, 1, put("a"), ok), op(2, 3, put("b"), ok), op(4, 5, call{read, "k", ""}, found("a"))}, false},
		{"unknown and done", []porcupine.Operation{op(0, math.MaxInt64, put("a"), result{unknown: true}), op(2, 3, call{read, "k", ""}, found("a"))}, true},
		{"unknown and not done", []porcupine.Operation{op(0, math.MaxInt64, put("a"), result{unknown: true}), op(2, 3, call{read, "k", ""}, result{})}, true},
		{"deleted twice", []porcupine.Operation{op(0, 1, put("a"), ok), op(2, 3, call{deregister, "k", ""}, ok), op(4, 5, call{deregister, "k", ""}, ok)}, false},
	} {
		if got := porcupine.CheckOperations(model, c.ops); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
