//go:build linux

package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"time"
)

var concurrencies = []int{1, 16, 64, 256}

// measureRegister compares durable registrations with the least that has the
// same guarantee: net/http, encoding/json and a log with group commit.
func measureRegister(r *run) error {
	p, err := r.startCairn(filepath.Join(r.dir, "register"))
	if err != nil {
		return err
	}
	defer p.stop()
	peer, err := r.startPeer("log", []byte(`{"OperationId":"abcdefghijklmnopqrstuvwxyz234567-00000000"}`))
	if err != nil {
		return err
	}
	defer peer.stop()
	namespaceID, err := makeNamespace(p.addr)
	if err != nil {
		return err
	}
	for _, clients := range concurrencies {
		id, err := makeService(p.addr, namespaceID, "of-"+strconv.Itoa(clients), 0)
		if err != nil {
			return err
		}
		if err := r.duel(clientsText(clients), p, peer, "net/http+JSON+log", clients, registrations(id)); err != nil {
			return err
		}
		if err := r.limit(clients); err != nil {
			return err
		}
	}
	return nil
}

func clientsText(n int) string { return fmt.Sprintf("%d at a time", n) }

// registrations cycle through ids, so that services keep a size that is usual.
func registrations(serviceID string) func(client, n int) []byte {
	const perClient = 32
	made := map[int][]byte{}
	for i := range 256 * perClient {
		made[i] = request("RegisterInstance", registration(serviceID, i))
	}
	return func(client, n int) []byte { return made[client*perClient+n%perClient] }
}

// limit reports what the disk alone allows for as many writers: a figure of the
// machine, not of cairn.
func (r *run) limit(writers int) error {
	log, err := createLog(filepath.Join(r.dir, "limit.log"))
	if err != nil {
		return err
	}
	defer log.close()
	record := make([]byte, 512)
	rate, err := hammer(writers, r.period(), func(int, int) error { return log.append(record) })
	r.figure(clientsText(writers)+", append limit of the disk", "/s", rate)
	return err
}

// hammer calls do from a number of goroutines for a time and returns the rate.
func hammer(writers int, period time.Duration, do func(writer, n int) error) (float64, error) {
	end := time.Now().Add(period)
	counts, errs := make(chan int, writers), make(chan error, writers)
	start := time.Now()
	for w := range writers {
		go func() {
			n := 0
			var err error
			for err == nil && time.Now().Before(end) {
				err = do(w, n)
				n++
			}
			errs <- err
			counts <- n
		}()
	}
	total := 0
	var failed error
	for range writers {
		if err := <-errs; err != nil {
			failed = err
		}
		total += <-counts
	}
	return float64(total) / time.Since(start).Seconds(), failed
}
