//go:build linux

package main

import (
	"fmt"
	"path/filepath"

	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/embedded"
)

// measureCommit compares commits of one write of 512 bytes with the append limit.
func measureCommit(r *run) error {
	s, err := embedded.Open(embedded.Config{Dir: filepath.Join(r.dir, "commit")})
	if err != nil {
		return err
	}
	defer s.Close()
	base, err := s.Load(r.ctx, func([]store.Change) error { return nil })
	if err != nil {
		return err
	}
	log, err := createLog(filepath.Join(r.dir, "commit.log"))
	if err != nil {
		return err
	}
	defer log.close()
	record := make([]byte, 512)
	for i := range record {
		record[i] = byte(i)
	}
	commit := func(writer, n int) error {
		_, err := s.Commit(r.ctx, store.Txn{Base: base, Writes: []store.Write{{Key: fmt.Sprintf("w/%d/%d", writer, n%1000), Value: record}}})
		return err
	}
	limit := func(int, int) error { return log.append(record) }
	for _, writers := range concurrencies {
		var rates [2][]float64
		for range r.turns() {
			for side, do := range []func(int, int) error{commit, limit} {
				rate, err := hammer(writers, r.period()/2, do)
				if err != nil {
					return err
				}
				rates[side] = append(rates[side], rate)
			}
		}
		r.compare(clientsText(writers)+", rate", "/s", rates[0], "append limit", rates[1])
	}
	return nil
}
