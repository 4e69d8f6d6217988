//go:build linux

package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"runtime/pprof"
	"sync/atomic"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/dns"
	"github.com/cairn-discovery/cairn/edge/dns/answer"
	"github.com/cairn-discovery/cairn/edge/dns/view"
	"github.com/cairn-discovery/cairn/replica"
)

// source holds a state without a store.
type source struct {
	current atomic.Pointer[replica.Snapshot]
	state   *state.State
	count   uint64
}

func (s *source) Current() *replica.Snapshot { return s.current.Load() }

// do does a command under a draft.
func (s *source) do(d *state.Draft, op command.Command) (command.Reply, error) {
	s.count++
	m := command.Meta{Account: "000000000000", Now: int64(s.count),
		Entropy: sha256.Sum256(binary.BigEndian.AppendUint64(nil, s.count))}
	decision, err := state.Decide(d.State(), &state.Rules{Registry: registry.Rules{Region: "us-east-1", DefaultTTL: 60}}, m, op)
	if err == nil {
		d.Apply(s.state.Revision+1, decision.Changes...)
	}
	return decision.Reply, err
}

func (s *source) publish(d *state.Draft) {
	s.state = d.Finish()
	s.current.Store(&replica.Snapshot{State: s.state})
}

func (s *source) fill(set settings) (service string, err error) {
	s.state = new(state.State)
	d := state.NewDraft(s.state)
	if _, err := s.do(d, &registry.CreateNamespace{Name: benchZone, Type: registry.DNSPublic}); err != nil {
		return "", err
	}
	var ns registry.NamespaceID
	for id := range d.State().Registry.Namespaces("000000000000", "") {
		ns = id
	}
	for i := range set.services {
		reply, err := s.do(d, &registry.CreateService{Name: fmt.Sprintf("svc-%d", i), NamespaceRef: string(ns),
			DNS: &registry.DNSConfig{Records: []registry.DNSRecord{{Type: registry.RecordType(set.kind), TTL: 60}}}})
		if err != nil {
			return "", err
		}
		service = string(reply.Value.(*registry.Service).ID)
		for j := range set.instances {
			if err := s.register(d, service, i, j); err != nil {
				return "", err
			}
		}
	}
	s.publish(d)
	return service, nil
}

func (s *source) register(d *state.Draft, service string, i, j int) error {
	_, err := s.do(d, &registry.RegisterInstance{ServiceRef: service, ID: registry.InstanceID(fmt.Sprintf("i-%08x", j)),
		Attributes: map[string]string{
			registry.AttrIPv4: ipv4(i, j), registry.AttrIPv6: ipv6(i, j), registry.AttrPort: "80",
		}})
	return err
}

// ipv4 and ipv6 are the addresses of instance j of service i.
func ipv4(i, j int) string { return fmt.Sprintf("10.%d.%d.%d", i%200, j/250%250, j%250) }
func ipv6(i, j int) string { return fmt.Sprintf("2001:db8::%x:%x", i%65536, j) }

// serveCairn serves on one socket and one core.
func serveCairn(set settings, profile string) error {
	src := new(source)
	service, err := src.fill(set)
	if err != nil {
		return err
	}
	views, err := view.New(view.Config{Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		return err
	}
	server, err := dns.New(dns.Config{Config: answer.Config{Source: src, Views: func() *view.Table { return views }, Logger: slog.New(slog.DiscardHandler)}})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	sockets, err := dns.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := pinAll(0); err != nil {
		return err
	}
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer func() { pprof.StopCPUProfile(); _ = f.Close() }()
	}
	done := make(chan struct{})
	go func() { defer close(done); src.write(ctx, set, service) }()
	fmt.Println(sockets.Addr().(*net.TCPAddr).Port)
	err = server.Serve(ctx, sockets)
	<-done
	return err
}

// pinAll pins the threads that are there; new ones follow them.
func pinAll(core int) error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, task := range tasks {
		var tid int
		fmt.Sscan(task.Name(), &tid)
		if err := pinThread(tid, core); err != nil {
			return err
		}
	}
	return nil
}

// write registers an instance of a service again, so many times a second.
func (s *source) write(ctx context.Context, set settings, service string) {
	if set.writes == 0 {
		return
	}
	tick := time.NewTicker(time.Second / time.Duration(set.writes))
	defer tick.Stop()
	for i := 0; ctx.Err() == nil; i++ {
		<-tick.C
		d := state.NewDraft(s.state)
		if err := s.register(d, service, i, i%max(set.instances, 1)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		s.publish(d)
	}
}
