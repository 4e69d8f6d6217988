package embedded

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/internal/fsx"
	"github.com/cairn-discovery/cairn/store"
)

const (
	benchValue = 512
	benchSlice = 250 * time.Millisecond
)

// BenchmarkCommit measures commits of one 512-byte value by several writers,
// taking turns with a bare log on the same disk: a preallocated file, the same
// way of gathering writers, one pwrite and one fdatasync for each group, and
// nothing else. The ratio of the two is what is to be judged; both depend on
// the disk.
//
//	go test ./store/embedded -run '^$' -bench Commit -benchtime 8x
func BenchmarkCommit(b *testing.B) {
	for _, writers := range []int{1, 4, 16, 64, 256} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
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
			commit := func(key string, value []byte) error {
				_, err := s.Commit(b.Context(), store.Txn{Writes: []store.Write{{Key: key, Value: value}}})
				return err
			}
			var ours, limit float64
			for b.Loop() {
				limit += perSecond(b, writers, bare.write)
				ours += perSecond(b, writers, commit)
			}
			n := float64(b.N)
			b.ReportMetric(ours/n, "commits/s")
			b.ReportMetric(limit/n, "limit/s")
			b.ReportMetric(ours/limit, "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// perSecond runs op from a number of goroutines for a slice of time.
func perSecond(b *testing.B, writers int, op func(string, []byte) error) float64 {
	var wg sync.WaitGroup
	var done atomic.Int64
	start := time.Now()
	for w := range writers {
		wg.Go(func() {
			key, value := fmt.Sprintf("instance/%08d", w), make([]byte, benchValue)
			for i := range value {
				value[i] = byte(rand.Uint32())
			}
			n := int64(0)
			for ; time.Since(start) < benchSlice; n++ {
				if err := op(key, value); err != nil {
					b.Error(err)
					return
				}
			}
			done.Add(n)
		})
	}
	wg.Wait()
	return float64(done.Load()) / time.Since(start).Seconds()
}

// bareLog is the limit: what a durable log costs without being a store.
type bareLog struct {
	file   fsx.File
	size   int64
	offset int64
	buf    []byte
	group  []*bareWrite

	mu      sync.Mutex
	waiting []*bareWrite
	led     bool
	writes  sync.Pool
}

type bareWrite struct {
	data []byte
	wake chan bool
	err  error
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
	l.writes.New = func() any { return &bareWrite{wake: make(chan bool, 1)} }
	b.Cleanup(func() { f.Close(); os.Remove(name) })
	return l
}

func (l *bareLog) write(_ string, value []byte) error {
	w := l.writes.Get().(*bareWrite)
	defer l.writes.Put(w)
	w.data = value
	l.mu.Lock()
	l.waiting = append(l.waiting, w)
	lead := !l.led
	l.led = true
	l.mu.Unlock()
	if lead || <-w.wake {
		l.lead()
	}
	return w.err
}

func (l *bareLog) lead() {
	l.mu.Lock()
	l.group, l.waiting = l.waiting, l.group[:0]
	l.mu.Unlock()
	l.buf = l.buf[:0]
	for _, w := range l.group {
		l.buf = append(l.buf, w.data...)
	}
	if l.offset+int64(len(l.buf)) > l.size {
		l.offset = 0
	}
	_, err := l.file.WriteAt(l.buf, l.offset)
	if err == nil {
		err = l.file.Datasync()
	}
	l.offset += int64(len(l.buf))
	for _, w := range l.group {
		w.err = err
	}
	for _, w := range l.group[1:] {
		w.wake <- false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.led = len(l.waiting) > 0; l.led {
		l.waiting[0].wake <- true
	}
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
