//go:build linux

package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/cairn-discovery/cairn/bench/server"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/embedded"
)

// measureLoad starts a node on a folder with many instances. The first start is
// not counted: it warms the page cache.
func measureLoad(r *run) error {
	instances := 1_000_000
	if r.short {
		instances = 100_000
	}
	dir := filepath.Join(r.dir, "load")
	if err := r.fill(dir, instances); err != nil {
		return err
	}
	var ready []float64
	for turn := range r.turns() + 1 {
		p, err := r.startCairn(dir)
		if err != nil {
			return err
		}
		if turn > 0 {
			ready = append(ready, p.up.Seconds())
		}
		if turn == r.turns() {
			err = r.memory(p, instances)
		}
		if err := p.stop(); err != nil {
			return err
		}
		if err != nil {
			return err
		}
	}
	r.figure(fmt.Sprintf("%d instances, start until ready, one processor", instances), "s", median(ready))
	return nil
}

// fill writes a snapshot with instances, a hundred to a service.
func (r *run) fill(dir string, instances int) error {
	w := newFixture()
	if _, err := w.grow(instances/100, 100); err != nil {
		return err
	}
	s, err := embedded.Open(embedded.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer s.Close()
	base, err := s.Load(r.ctx, func([]store.Change) error { return nil })
	if err != nil {
		return err
	}
	// One commit, so that the store has a revision for the snapshot to be of.
	at, err := s.Commit(r.ctx, store.Txn{Base: base})
	if err != nil {
		return err
	}
	return s.Snapshot(r.ctx, at, replica.NewSnapshot(w.state).Records())
}

// memory reports what an instance costs while the node is idle, and the time of
// a full garbage collection.
func (r *run) memory(p *process, instances int) error {
	per := func(bytes float64) float64 { return bytes / float64(instances) }
	what := fmt.Sprintf("%d instances, ", instances)
	r.figure(what+"resident when ready", "B/instance", per(p.resident()))
	before := server.CPU(p.cmd.Process.Pid)
	const collections = 5
	start := time.Now()
	for range collections {
		if _, err := p.get("/debug/pprof/heap?gc=1"); err != nil {
			return err
		}
	}
	r.figure(what+"full collection, work", "ms", (server.CPU(p.cmd.Process.Pid)-before).Seconds()*1000/collections)
	r.figure(what+"full collection, time", "ms", time.Since(start).Seconds()*1000/collections)
	r.figure(what+"live heap", "B/instance", per(p.metric("go_memstats_heap_inuse_bytes")))
	r.figure(what+"resident after that", "B/instance", per(p.resident()))
	return nil
}
