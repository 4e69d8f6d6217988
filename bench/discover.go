//go:build linux

package main

import (
	"fmt"
	"path/filepath"

	"github.com/cairn-discovery/cairn/bench/server"
)

// discoverClients is how many connections ask at a time.
const discoverClients = 16

// measureDiscover compares the real server with a net/http handler that writes
// the same bytes, same headers included. That is the floor of anything that
// serves this API by net/http.
func measureDiscover(r *run) error {
	p, err := r.startCairn(filepath.Join(r.dir, "discover"))
	if err != nil {
		return err
	}
	defer p.stop()
	namespaceID, err := makeNamespace(p.addr)
	if err != nil {
		return err
	}
	for _, instances := range []int{10, 100} {
		if err := r.discoverFrom(p, namespaceID, instances); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) discoverFrom(p *process, namespaceID string, instances int) error {
	name := fmt.Sprintf("of-%d", instances)
	if _, err := makeService(p.addr, namespaceID, name, instances); err != nil {
		return err
	}
	body := fmt.Sprintf(`{"NamespaceName":%q,"ServiceName":%q}`, namespace, name)
	answer, err := once(p.addr, "DiscoverInstances", body)
	if err != nil {
		return err
	}
	peer, err := r.startPeer("bytes", answer)
	if err != nil {
		return err
	}
	defer peer.stop()
	ask := request("DiscoverInstances", body)
	next := func(int, int) []byte { return ask }
	what := fmt.Sprintf("%d instances, %.1f kB", instances, float64(len(answer))/1000)
	if err := r.duel(what, p, peer, "net/http, same bytes", discoverClients, next); err != nil {
		return err
	}
	return r.allocations(what, p, next)
}

// duel drives both servers in turns and reports rate and processor time.
func (r *run) duel(what string, p, peer *process, peerName string, clients int, next func(client, n int) []byte) error {
	var rates, cpus [2][]float64
	for range r.turns() {
		for side, server := range []*process{p, peer} {
			l, err := drive(r.ctx, server, clients, r.period(), next)
			if err != nil {
				return err
			}
			rates[side] = append(rates[side], l.rate)
			cpus[side] = append(cpus[side], l.cpu)
		}
	}
	r.compare(what+", rate", "/s", rates[0], peerName, rates[1])
	r.compare(what+", cpu", "µs", cpus[0], peerName, cpus[1])
	return nil
}

// allocations counts what a request allocates in the whole process.
func (r *run) allocations(what string, p *process, next func(client, n int) []byte) error {
	c, err := server.Dial(p.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	const requests = 10_000
	count, bytes := p.metric("go_memstats_mallocs_total"), p.metric("go_memstats_alloc_bytes_total")
	for n := range requests {
		if _, err := c.Call(next(0, n)); err != nil {
			return err
		}
	}
	r.figure(what+", allocations", "/request", (p.metric("go_memstats_mallocs_total")-count)/requests)
	r.figure(what+", allocated", "B/request", (p.metric("go_memstats_alloc_bytes_total")-bytes)/requests)
	return nil
}
