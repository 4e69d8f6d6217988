package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
)

const (
	crashRounds    = 10
	crashClients   = 8
	crashInstances = 3 // of each client
)

// TestKill kills the real program again and again while clients register and
// deregister. After each restart, what was acknowledged must be there, and what
// was not must be there whole or not at all: an instance and its operation.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	t.Parallel()
	program, data := build(t), filepath.Join(t.TempDir(), "data")
	p := serve(t, program, data)
	op := p.must(t, "CreateHttpNamespace", object{"Name": "crash"})
	ns := text(p.must(t, "GetOperation", op), "Operation", "Targets", "NAMESPACE")
	svc := text(p.must(t, "CreateService", object{"Name": "s", "NamespaceId": ns}), "Service", "Id")
	var clients []*crashClient
	for i := range crashClients {
		clients = append(clients, newCrashClient(i, svc))
	}
	for range crashRounds {
		killAfter(t, p, clients, 20+rand.IntN(150))
		p = serve(t, program, data)
		checkAfterCrash(t, p, svc, clients)
		if t.Failed() {
			return
		}
	}
}

// killAfter lets the clients work and kills the process at a moment that is
// random but for coming after so many acknowledgements.
func killAfter(t *testing.T, p *process, clients []*crashClient, acknowledged int) {
	t.Helper()
	acks := make(chan struct{}, 1000)
	var all sync.WaitGroup
	for _, c := range clients {
		all.Go(func() { c.work(t, p, acks) })
	}
	for range acknowledged {
		select {
		case <-acks:
		case <-p.ended:
			t.Fatal("the node ended by itself")
		}
	}
	p.kill()
	all.Wait()
}

// crashClient changes instances of its own, one call after the other, and
// remembers what it was told.
type crashClient struct {
	svc       string
	instances []*crashInstance
	revision  float64 // the highest InstancesRevision that it has seen
	values    int
}

type crashInstance struct {
	id string
	// value is what was acknowledged last, empty for deregistered.
	value string
	// trying is what was asked for when the node was killed, if unsure is set.
	trying string
	unsure bool
	// operations are those that are known to have been done; hidden is 1 if there
	// is another one whose id nobody was told.
	operations []string
	hidden     int
}

func newCrashClient(number int, svc string) *crashClient {
	c := &crashClient{svc: svc}
	for i := range crashInstances {
		c.instances = append(c.instances, &crashInstance{id: fmt.Sprintf("c%d-%d", number, i)})
	}
	return c
}

// work goes on until the node is gone.
func (c *crashClient) work(t *testing.T, p *process, acks chan<- struct{}) {
	for {
		inst := c.instances[rand.IntN(len(c.instances))]
		operation, in := c.next(inst)
		status, answer, err := p.call(t.Context(), operation, in)
		if err != nil {
			inst.unsure = true
			return
		}
		if status != http.StatusOK {
			t.Errorf("%s %v: %d %v", operation, in, status, answer)
			return
		}
		inst.acknowledged(text(answer, "OperationId"))
		if _, answer, err := p.call(t.Context(), "DiscoverInstancesRevision", object{"NamespaceName": "crash", "ServiceName": "s"}); err == nil {
			c.revision = max(c.revision, answer["InstancesRevision"].(float64))
		}
		select {
		case acks <- struct{}{}:
		default: // far more than are waited for
		}
	}
}

// next makes up a call that changes the instance.
func (c *crashClient) next(inst *crashInstance) (string, object) {
	if inst.value != "" && rand.IntN(3) == 0 {
		inst.trying = ""
		return "DeregisterInstance", object{"ServiceId": c.svc, "InstanceId": inst.id}
	}
	c.values++
	inst.trying = fmt.Sprintf("%s=%d", inst.id, c.values)
	return "RegisterInstance", object{"ServiceId": c.svc, "InstanceId": inst.id, "Attributes": object{"value": inst.trying}}
}

func (i *crashInstance) acknowledged(operation string) {
	i.value, i.unsure = i.trying, false
	i.operations = append(i.operations, operation)
}

// checkAfterCrash holds what a node has against what its clients were told, and
// has the clients go on from there.
func checkAfterCrash(t *testing.T, p *process, svc string, clients []*crashClient) {
	t.Helper()
	values := map[string]string{}
	for _, inst := range p.all(t, "ListInstances", "Instances", object{"ServiceId": svc}) {
		values[text(inst, "Id")] = text(inst, "Attributes", "value")
	}
	operations := map[string][]string{} // by the part of their ids that names the target
	known := map[string]bool{}
	for _, op := range p.all(t, "ListOperations", "Operations", object{"Filters": []any{object{"Name": "SERVICE_ID", "Values": []any{svc}}}}) {
		id := text(op, "Id")
		operations[id[:32]] = append(operations[id[:32]], id)
		known[id] = true
	}
	revision := p.must(t, "DiscoverInstancesRevision", object{"NamespaceName": "crash", "ServiceName": "s"})["InstancesRevision"].(float64)
	for _, c := range clients {
		if revision < c.revision {
			t.Errorf("InstancesRevision fell from %v to %v", c.revision, revision)
		}
		for _, inst := range c.instances {
			inst.check(t, values[inst.id], known, operations)
		}
	}
}

// check looks at one instance; value is what the node has now.
func (i *crashInstance) check(t *testing.T, value string, known map[string]bool, operations map[string][]string) {
	t.Helper()
	for _, id := range i.operations {
		if !known[id] {
			t.Errorf("%s: operation %s was acknowledged and is gone", i.id, id)
		}
	}
	if len(i.operations) == 0 { // then nothing tells where to look for others
		if i.unsure && value == i.trying {
			i.hidden++
			i.value, i.unsure = value, false
		}
		if value != i.value {
			t.Errorf("%s has value %q, want %q", i.id, value, i.value)
		}
		return
	}
	want := len(i.operations) + i.hidden
	if i.unsure && value == i.trying && value != i.value {
		want++ // done, but not acknowledged
	} else if value != i.value {
		t.Errorf("%s has value %q; %q was acknowledged, %q tried: %t", i.id, value, i.value, i.trying, i.unsure)
	}
	mine := operations[i.operations[0][:32]]
	if len(mine) != want {
		t.Errorf("%s has value %q and %d operations, want %d", i.id, value, len(mine), want)
	}
	i.operations, i.hidden, i.value, i.unsure = mine, 0, value, false
}
