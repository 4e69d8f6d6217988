//go:build linux

package main

import (
	"fmt"
	"path/filepath"

	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/embedded"
)

// measureCommit compares transactions of some writes of 512 bytes, one at a time as a
// replica commits them, with the append limit for as many bytes.
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
	for _, writes := range []int{1, 16, 64, 256} {
		txn := store.Txn{Base: base}
		for i := range writes {
			txn.Writes = append(txn.Writes, store.Write{Key: fmt.Sprintf("w/%d", i), Value: pattern(512)})
		}
		record := pattern(512 * writes)
		commit := func(int, int) error { _, err := s.Commit(r.ctx, txn); return err }
		limit := func(int, int) error { return log.append(record) }
		var rates [2][]float64
		for range r.turns() {
			for side, do := range []func(int, int) error{commit, limit} {
				rate, err := hammer(1, r.period()/2, do)
				if err != nil {
					return err
				}
				rates[side] = append(rates[side], rate)
			}
		}
		r.compare(fmt.Sprintf("%d writes in a transaction, rate", writes), "/s", rates[0], "append limit", rates[1])
	}
	return nil
}

// pattern returns n bytes that are not all the same.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}
