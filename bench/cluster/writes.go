//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/bench/server"
)

// putBytes is the value of a raw put: as large as the records of one registration.
const putBytes = 350

// measureWrites compares registrations with raw puts of as many writers.
func measureWrites(r *run) error {
	e, err := r.startEtcd()
	if err != nil {
		return err
	}
	defer e.stop()
	nodes, err := r.startNodes(e, 1)
	if err != nil {
		return err
	}
	defer func() { stopAll(nodes) }()
	var services []string
	for i := range 8 {
		id, err := nodes[0].newService(fmt.Sprint("writes-", i))
		if err != nil {
			return err
		}
		services = append(services, id)
	}
	for _, c := range []struct {
		name            string
		nodes, services int
	}{
		{"one node, one service", 1, 1}, {"one node, 8 services", 1, 8},
		{"two nodes, a service each", 2, 2}, {"two nodes, one service", 2, 1},
	} {
		if len(nodes) < c.nodes { // not before: it would take a part of the processor
			n, err := r.startNode("n1", "--store", "etcd", "--etcd-endpoints", e.endpoint)
			if err != nil {
				return err
			}
			nodes = append(nodes, n)
		}
		for _, writers := range []int{1, 32, 64, 256} {
			if writers < c.nodes {
				continue
			}
			what := fmt.Sprintf("%s, %d writers", c.name, writers)
			if !r.cases.MatchString(what) {
				continue
			}
			if err := r.writesAgainstPuts(what, e, writers, nodes[:c.nodes], services[:c.services]); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
		}
	}
	return nil
}

func (r *run) writesAgainstPuts(what string, e *etcd, writers int, nodes []*node, services []string) error {
	registrars, err := newRegistrars(writers, nodes, services)
	if err != nil {
		return err
	}
	defer registrars.close()
	value := strings.Repeat("v", putBytes)
	put := func(w, n int) error {
		_, err := e.client.Put(r.ctx, fmt.Sprintf("raw/%d/%d", w, n%perWriter), value)
		return err
	}
	var cairn, raw []float64
	var cairnTime, rawTime processorTime
	for range r.turns {
		for _, side := range []struct {
			rates *[]float64
			times *processorTime
			do    func(w, n int) error
		}{{&cairn, &cairnTime, registrars.register}, {&raw, &rawTime, put}} {
			before := processorTimes(e, nodes)
			rate, err := hammer(writers, r.turn, side.do)
			if err != nil {
				return err
			}
			*side.rates = append(*side.rates, rate)
			side.times.add(before, processorTimes(e, nodes), rate*r.turn.Seconds())
		}
	}
	compare(what, cairn, "raw puts", raw)
	fmt.Printf("    processor time of a write: %v; of a raw put: %v\n", cairnTime, rawTime)
	return nil
}

// processorTime is the processor time of the programs of a measurement, and how many writes
// they have done with it.
type processorTime struct {
	etcd, nodes, clients time.Duration
	writes               float64
}

func processorTimes(e *etcd, nodes []*node) (t processorTime) {
	t.etcd, t.clients = server.CPU(e.pid), server.CPU(os.Getpid())
	for _, n := range nodes {
		t.nodes += server.CPU(n.cmd.Process.Pid)
	}
	return t
}

func (t *processorTime) add(before, after processorTime, writes float64) {
	t.etcd += after.etcd - before.etcd
	t.nodes += after.nodes - before.nodes
	t.clients += after.clients - before.clients
	t.writes += writes
}

func (t processorTime) String() string {
	micros := func(d time.Duration) float64 { return float64(d.Microseconds()) / t.writes }
	return fmt.Sprintf("etcd %.0f µs, nodes %.0f µs, clients %.0f µs", micros(t.etcd), micros(t.nodes), micros(t.clients))
}
