//go:build linux

package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/store"
	etcdstore "github.com/cairn-discovery/cairn/store/etcd"
)

const account command.AccountID = "000000000000"

// measureStart starts a node on an etcd with many instances, a hundred in a service.
func measureStart(r *run) error {
	e, err := r.startEtcd("--quota-backend-bytes", fmt.Sprint(8<<30), "--max-txn-ops", "4098")
	if err != nil {
		return err
	}
	defer e.stop()
	start := time.Now()
	if err := r.fill(e); err != nil {
		return err
	}
	size, err := e.databaseSize(r.ctx)
	if err != nil {
		return err
	}
	fmt.Printf("  %d instances: written in %v; database of etcd %d MB, %d B an instance (its quota is 2 GiB by default)\n",
		r.instances, time.Since(start).Round(time.Second), size>>20, size/int64(r.instances))
	for range 2 {
		nodes, err := r.startNodes(e, 1)
		if err != nil {
			return err
		}
		n := nodes[0]
		fmt.Printf("  %d instances: ready after %v; memory at most %d MB, then %d MB\n",
			r.instances, n.ready.Round(time.Millisecond), n.memory("VmHWM")>>20, n.memory("VmRSS")>>20)
		if err := n.stop(); err != nil {
			return err
		}
	}
	return nil
}

// fill writes the instances by the store, as nodes do, but in large transactions.
func (r *run) fill(e *etcd) error {
	s, err := etcdstore.Open(etcdstore.Config{Endpoints: []string{e.endpoint}, Prefix: "/cairn/", Timeout: time.Minute})
	if err != nil {
		return err
	}
	defer s.Close()
	ctx := context.Background()
	if _, err := s.Load(ctx, func([]store.Change) error { return nil }); err != nil {
		return err
	}
	b := &builder{draft: state.NewDraft(new(state.State)), rules: &state.Rules{Registry: registry.Rules{Region: "us-east-1", DefaultTTL: 60}}}
	ns, err := b.namespace()
	if err != nil {
		return err
	}
	for i := range r.instances / 100 {
		if i%1000 == 0 { // namespaces of a usual size
			if ns, err = b.namespace(); err != nil {
				return err
			}
		}
		if err := b.service(ns, i); err != nil {
			return err
		}
		if len(b.writes) > 3000 || i == r.instances/100-1 {
			if _, err := s.Commit(ctx, store.Txn{Writes: b.take()}); err != nil {
				return err
			}
		}
	}
	return nil
}

// builder decides commands and collects what they write. Operations are left out: they
// are deleted after a day.
type builder struct {
	draft  *state.Draft
	rules  *state.Rules
	count  uint64
	writes []store.Write
	index  map[string]int
}

func (b *builder) do(op command.Command) (command.Reply, error) {
	b.count++
	m := command.Meta{Account: account, Now: int64(b.count), Entropy: sha256.Sum256(binary.BigEndian.AppendUint64(nil, b.count))}
	d, err := state.Decide(b.draft.State(), b.rules, m, op)
	if err != nil {
		return d.Reply, err
	}
	for _, c := range d.Changes {
		if key := c.Key(); key[:3] != "5o/" {
			b.put(key, c)
			b.draft.Apply(b.count, c)
		}
	}
	return d.Reply, nil
}

func (b *builder) put(key string, c command.Change) {
	value, _ := c.Value(nil)
	w := store.Write{Key: key, Value: value}
	if i, ok := b.index[key]; ok {
		b.writes[i] = w
		return
	}
	if b.index == nil {
		b.index = map[string]int{}
	}
	b.index[key] = len(b.writes)
	b.writes = append(b.writes, w)
}

// take returns the writes that were collected, and begins an empty batch.
func (b *builder) take() []store.Write {
	w := b.writes
	b.writes, b.index = nil, nil
	return w
}

func (b *builder) namespace() (string, error) {
	name := fmt.Sprintf("bench-%d", b.count)
	if _, err := b.do(&registry.CreateNamespace{Name: name, Type: registry.HTTP}); err != nil {
		return "", err
	}
	for id, ns := range b.draft.State().Registry.Namespaces(account, "") {
		if ns.HTTPName == name {
			return string(id), nil
		}
	}
	return "", fmt.Errorf("namespace %s was not made", name)
}

func (b *builder) service(ns string, n int) error {
	reply, err := b.do(&registry.CreateService{Name: fmt.Sprint("s-", n), NamespaceRef: ns})
	if err != nil {
		return err
	}
	id := string(reply.Value.(*registry.Service).ID)
	for i := range 100 {
		k := n*100 + i
		_, err := b.do(&registry.RegisterInstance{ServiceRef: id, ID: registry.InstanceID(fmt.Sprintf("i-%08d", k)), Attributes: map[string]string{
			registry.AttrIPv4: fmt.Sprintf("10.%d.%d.%d", k>>16&255, k>>8&255, k&255), registry.AttrPort: "8080",
			"version": "1.2.3", "zone": "us-east-1a", "stage": "production", "commit": fmt.Sprintf("%08x", uint32(k)*2654435761),
		}})
		if err != nil {
			return err
		}
	}
	return nil
}
