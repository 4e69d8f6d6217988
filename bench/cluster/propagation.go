//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// samples is how often the way from one node to the other is measured.
const samples = 300

// measurePropagation measures the time from the acknowledgement of a registration on one
// node to the answer of the other, by API and by DNS: idle, and while others write.
func measurePropagation(r *run) error {
	e, err := r.startEtcd()
	if err != nil {
		return err
	}
	defer e.stop()
	nodes, err := r.startNodes(e, 2)
	if err != nil {
		return err
	}
	defer stopAll(nodes)
	busy, err := nodes[0].newService("busy")
	if err != nil {
		return err
	}
	for _, rate := range []int{0, 1000} {
		stop, wait := make(chan struct{}), func() (float64, error) { return 0, nil }
		if rate > 0 {
			wait = writeAt(nodes, busy, rate, stop)
		}
		err := r.propagation(fmt.Sprintf("%d writes a second", rate), nodes, fmt.Sprint("probe-", rate))
		close(stop)
		reached, writeErr := wait()
		if err := errors.Join(err, writeErr); err != nil {
			return err
		}
		if rate > 0 {
			fmt.Printf("  the other writers reached %.0f/s\n", reached)
		}
	}
	return nil
}

func (r *run) propagation(what string, nodes []*node, service string) error {
	id, err := nodes[0].newService(service)
	if err != nil {
		return err
	}
	from, err := dial(nodes[0].api)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := dial(nodes[1].api)
	if err != nil {
		return err
	}
	defer to.Close()
	resolver, err := net.Dial("udp", nodes[1].dns)
	if err != nil {
		return err
	}
	defer resolver.Close()
	name := service + "." + zone
	var api, dns []time.Duration
	for i := range samples {
		if _, err := from.call("RegisterInstance", registration(id, i)); err != nil {
			return err
		}
		acknowledged := time.Now()
		for {
			_, err := to.call("GetInstance", fmt.Sprintf(`{"ServiceId":%q,"InstanceId":"i-%06d"}`, id, i))
			if err == nil {
				break
			}
			if !errors.Is(err, errNotThere) {
				return err
			}
		}
		api = append(api, time.Since(acknowledged))
		if _, err := from.call("DeregisterInstance", fmt.Sprintf(`{"ServiceId":%q,"InstanceId":"i-%06d"}`, id, i)); err != nil {
			return err
		}
		acknowledged = time.Now()
		if err := awaitNone(resolver, name); err != nil {
			return err
		}
		dns = append(dns, time.Since(acknowledged))
	}
	for by, all := range map[string][]time.Duration{"API": api, "DNS": dns} {
		slices.Sort(all)
		fmt.Printf("  to the other node by %s, %-20s median %v, 99%% %v, most %v\n", by, what,
			all[len(all)/2].Round(10*time.Microsecond), all[len(all)*99/100].Round(10*time.Microsecond), all[len(all)-1].Round(10*time.Microsecond))
	}
	return nil
}

// awaitNone asks for the addresses of a name until there are none.
func awaitNone(conn net.Conn, name string) error {
	query := []byte{0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for label := range strings.SplitSeq(name, ".") {
		query = append(append(query, byte(len(label))), label...)
	}
	query = append(query, 0, 0, 1, 0, 1) // type A, class IN
	answer := make([]byte, 4096)
	for {
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := conn.Write(query); err != nil {
			return err
		}
		n, err := conn.Read(answer)
		if err != nil {
			return err
		}
		if n < 12 || answer[3]&15 != 0 && answer[3]&15 != 3 {
			return fmt.Errorf("DNS answers %x", answer[:n])
		}
		if binary.BigEndian.Uint16(answer[6:]) == 0 {
			return nil
		}
	}
}

// writeAt makes so many registrations a second at both nodes until stop is closed. The
// function that it returns waits for the end and returns the rate that was reached.
func writeAt(nodes []*node, service string, rate int, stop <-chan struct{}) func() (float64, error) {
	const writers = 32
	var wg sync.WaitGroup
	r, err := newRegistrars(writers, nodes, []string{service})
	if err != nil {
		return func() (float64, error) { return 0, err }
	}
	counts, errs, start := make([]int, writers), make([]error, writers), time.Now()
	for w := range writers {
		wg.Go(func() {
			tick := time.NewTicker(time.Second * writers / time.Duration(rate))
			defer tick.Stop()
			for errs[w] == nil {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				errs[w] = r.register(w, counts[w])
				counts[w]++
			}
		})
	}
	return func() (float64, error) {
		wg.Wait()
		r.close()
		total := 0
		for _, n := range counts {
			total += n
		}
		return float64(total) / time.Since(start).Seconds(), errors.Join(errs...)
	}
}
