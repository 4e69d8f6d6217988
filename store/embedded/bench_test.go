package embedded

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/internal/fsx"
	"github.com/cairn-discovery/cairn/store"
)

const (
	benchValue = 512
	benchSlice = 250 * time.Millisecond
)

// BenchmarkCommit measures transactions of some writes of 512 bytes, taking turns with
// a bare log on the same disk: a preallocated file, one pwrite and one fdatasync for
// as many bytes, and nothing else. The ratio of the two counts; both depend on the
// disk.
//
//	go test ./store/embedded -run '^$' -bench Commit -benchtime 8x
func BenchmarkCommit(b *testing.B) {
	for _, writes := range []int{1, 4, 16, 64, 256} {
		b.Run(fmt.Sprintf("writes=%d", writes), func(b *testing.B) {
			dir := b.TempDir()
			bare := newBareLog(b, filepath.Join(dir, "bare"))
			s, err := Open(Config{Dir: filepath.Join(dir, "store")})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			if _, err := s.Load(b.Context(), func([]store.Change) error { return nil }); err != nil {
				b.Fatal(err)
			}
			data := make([]byte, writes*benchValue)
			for i := range data {
				data[i] = byte(rand.Uint32())
			}
			var txn store.Txn
			for i := range writes {
				txn.Writes = append(txn.Writes, store.Write{Key: fmt.Sprintf("instance/%08d", i), Value: data[i*benchValue : (i+1)*benchValue]})
			}
			var ours, limit float64
			for b.Loop() {
				limit += perSecond(b, func() error { return bare.write(data) })
				ours += perSecond(b, func() error { _, err := s.Commit(b.Context(), txn); return err })
			}
			n := float64(b.N)
			b.ReportMetric(ours/n, "commits/s")
			b.ReportMetric(limit/n, "limit/s")
			b.ReportMetric(ours/limit, "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// perSecond runs op for a slice of time and returns its rate.
func perSecond(b *testing.B, op func() error) float64 {
	start := time.Now()
	n := 0
	for ; time.Since(start) < benchSlice; n++ {
		if err := op(); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(start).Seconds()
}

// bareLog is the limit: the cost of a durable log without a store.
type bareLog struct {
	file         fsx.File
	size, offset int64
}

func newBareLog(b *testing.B, name string) *bareLog {
	f, err := fsx.OS{}.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	l := &bareLog{file: f, size: 64 << 20}
	if err := writeZeros(f, 0, l.size); err != nil {
		b.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close(); os.Remove(name) })
	return l
}

func (l *bareLog) write(data []byte) error {
	if l.offset+int64(len(data)) > l.size {
		l.offset = 0
	}
	_, err := l.file.WriteAt(data, l.offset)
	if err == nil {
		err = l.file.Datasync()
	}
	l.offset += int64(len(data))
	return err
}

// BenchmarkLoad loads 1,000,000 records of 536 bytes (24 of key, 512 of value),
// from a snapshot and from a log alone, with the files in memory's cache.
//
//	go test ./store/embedded -run '^$' -bench Load -benchtime 3x
func BenchmarkLoad(b *testing.B) {
	const n = 1_000_000
	value := make([]byte, benchValue)
	for i := range value {
		value[i] = byte(i)
	}
	fill := map[string]func(s *Store) error{
		"snapshot": func(s *Store) error {
			at, err := s.Commit(b.Context(), store.Txn{})
			if err != nil {
				return err
			}
			return s.Snapshot(b.Context(), at, func(yield func(store.Record) bool) {
				for i := range n {
					if !yield(store.Record{Key: fmt.Sprintf("instance/%015d", i), Value: value, Revision: at}) {
						return
					}
				}
			})
		},
		"log": func(s *Store) error {
			const step = 100
			for i := 0; i < n; i += step {
				var txn store.Txn
				for j := range step {
					txn.Writes = append(txn.Writes, store.Write{Key: fmt.Sprintf("instance/%015d", i+j), Value: value})
				}
				if _, err := s.Commit(b.Context(), txn); err != nil {
					return err
				}
			}
			return nil
		},
	}
	for name, fill := range fill {
		b.Run(name, func(b *testing.B) {
			dir := b.TempDir()
			benchLoad(b, dir, func([]store.Change) {}, fill)
			for b.Loop() {
				count := 0
				benchLoad(b, dir, func(changes []store.Change) { count += len(changes) }, nil)
				if count != n {
					b.Fatalf("loaded %d records", count)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/load")
		})
	}
}

// benchLoad opens and loads a folder, and then does something with the store.
func benchLoad(b *testing.B, dir string, visit func([]store.Change), then func(*Store) error) {
	s, err := Open(Config{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	_, err = s.Load(b.Context(), func(changes []store.Change) error {
		visit(changes)
		return nil
	})
	if err == nil && then != nil {
		err = then(s)
	}
	if err != nil {
		b.Fatal(err)
	}
}
