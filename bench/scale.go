//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
)

const account command.AccountID = "000000000000"

// measureScale decides and applies registrations one by one, each in a State of
// its own, the dearest way there is: batches share the copying.
func measureScale(r *run) error {
	sizes := []struct{ services, instances int }{
		{10, 100}, {1000, 100}, {10_000, 100}, {100, 10}, {100, 1000}, {1, 100_000},
	}
	if r.short {
		sizes = sizes[:2]
	}
	for _, size := range sizes {
		w := newFixture()
		ids, err := w.grow(size.services, size.instances)
		if err != nil {
			return err
		}
		what := fmt.Sprintf("%d instances, %d in the service", size.services*size.instances, size.instances)
		cost, err := w.timeWrites(ids, size.instances, r.period())
		if err != nil {
			return err
		}
		r.figure(what, "µs/write", cost.Seconds()*1e6)
	}
	return nil
}

// fixture is a State that grows by commands.
type fixture struct {
	state *state.State
	rules state.Rules
	next  uint64
}

func newFixture() *fixture {
	return &fixture{state: new(state.State), rules: state.Rules{Registry: registry.Rules{Region: "us-east-1"}}}
}

// meta returns the Meta of the next command.
func (w *fixture) meta() command.Meta {
	w.next++
	m := command.Meta{Account: account, Now: 1_700_000_000_000 + int64(w.next)}
	for i := range 4 { // ids are cut from all parts of it
		binary.BigEndian.PutUint64(m.Entropy[i*8:], w.next*0x9e3779b97f4a7c15+uint64(i))
	}
	return m
}

// grow makes services with A records and instances, all of them prepared for
// JSON and DNS, and returns the services' ids.
func (w *fixture) grow(services, instances int) ([]registry.ServiceID, error) {
	draft := state.NewDraft(w.state)
	do := func(op command.Command) (command.Reply, error) {
		d, err := state.Decide(draft.State(), &w.rules, w.meta(), op)
		draft.Apply(1, d.Changes...)
		return d.Reply, err
	}
	if _, err := do(&registry.CreateNamespace{Name: namespace, Type: registry.DNSPrivate, VPC: "vpc-bench"}); err != nil {
		return nil, err
	}
	records := &registry.DNSConfig{Policy: registry.Multivalue, Records: []registry.DNSRecord{{Type: registry.RecordA, TTL: 60}}}
	var ns registry.NamespaceID
	for ns = range draft.State().Registry.Namespaces(account, "") {
		break
	}
	var ids []registry.ServiceID
	for s := range services {
		reply, err := do(&registry.CreateService{Name: fmt.Sprintf("s-%05d", s), NamespaceRef: string(ns), DNS: records})
		if err != nil {
			return nil, err
		}
		ids = append(ids, reply.Value.(*registry.Service).ID)
		for i := range instances {
			if _, err := do(w.register(reply.Value.(*registry.Service).ID, i)); err != nil {
				return nil, err
			}
			if w.next%50_000 == 0 { // as the janitor would
				if _, err := do(&registry.ExpireOperations{Before: 1_800_000_000_000, Max: 1 << 30}); err != nil {
					return nil, err
				}
			}
		}
	}
	_, err := do(&registry.ExpireOperations{Before: 1_800_000_000_000, Max: 1 << 30})
	w.state = draft.Finish()
	return ids, err
}

func (w *fixture) register(svc registry.ServiceID, i int) *registry.RegisterInstance {
	return &registry.RegisterInstance{ServiceRef: string(svc), ID: registry.InstanceID(fmt.Sprintf("i-%08d", i)), Attributes: attributes(i)}
}

// timeWrites registers instances again, here and there, and returns the time of one.
func (w *fixture) timeWrites(ids []registry.ServiceID, instances int, period time.Duration) (time.Duration, error) {
	var spent time.Duration
	n := 0
	for ; spent < period; n++ {
		c := w.register(ids[n*7919%len(ids)], n*104729%instances)
		start := time.Now()
		d, err := state.Decide(w.state, &w.rules, w.meta(), c)
		if err != nil {
			return 0, err
		}
		w.state = state.Apply(w.state, w.next, d.Changes...)
		spent += time.Since(start)
	}
	return spent / time.Duration(n), nil
}
