//go:build linux

package main

import (
	"fmt"
	"time"

	"github.com/cairn-discovery/cairn/bench/server"
)

// measureReads compares what a read costs a node that is alone with what it costs each of
// three nodes. Each has its turn alone, since they share the machine.
func measureReads(r *run) error {
	alone, err := r.startNode("alone")
	if err != nil {
		return err
	}
	defer alone.stop()
	e, err := r.startEtcd()
	if err != nil {
		return err
	}
	defer e.stop()
	nodes, err := r.startNodes(e, 3)
	if err != nil {
		return err
	}
	defer stopAll(nodes)
	for _, n := range []*node{alone, nodes[0]} {
		id, err := n.newService("read")
		if err != nil {
			return err
		}
		c, err := dial(n.api)
		if err != nil {
			return err
		}
		for i := range 10 {
			if _, err := c.call("RegisterInstance", registration(id, i)); err != nil {
				return err
			}
		}
		c.Close()
	}
	all := append([]*node{alone}, nodes...)
	perSecond := make([][]float64, len(all)) // reads for each second of the node's processor
	for range r.turns {
		for i, n := range all {
			rate, err := n.reads(r.turn)
			if err != nil {
				return err
			}
			perSecond[i] = append(perSecond[i], rate)
		}
	}
	for i := range nodes {
		compare(fmt.Sprintf("DiscoverInstances, node %d of 3, by its CPU", i+1), perSecond[i+1], "one node", perSecond[0])
	}
	return nil
}

// reads returns how many reads the node answers in a second of its processor time.
func (n *node) reads(period time.Duration) (float64, error) {
	const readers = 8
	clients := make([]*client, readers)
	for i := range clients {
		c, err := dial(n.api)
		if err != nil {
			return 0, err
		}
		defer c.Close()
		clients[i] = c
	}
	before, start := server.CPU(n.cmd.Process.Pid), time.Now()
	rate, err := hammer(readers, period, func(w, _ int) error {
		_, err := clients[w].call("DiscoverInstances", fmt.Sprintf(`{"NamespaceName":%q,"ServiceName":"read"}`, zone))
		return err
	})
	total := rate * time.Since(start).Seconds()
	return total / (server.CPU(n.cmd.Process.Pid) - before).Seconds(), err
}
