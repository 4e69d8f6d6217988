package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/cairn-discovery/cairn/store"
)

var watchTests = []contractTest{
	{"watch yields what comes after, in order and whole", func(b *bench) {
		s, base := b.start()
		base = b.commit(s, base, put("before", "1"))
		var want []store.Revision
		at := base
		for i := range 10 {
			at = b.commit(s, at, put("a", fmt.Sprint(i)), del("b"))
			want = append(want, at)
		}
		for batch, err := range s.Watch(b.Context(), base) {
			if err != nil {
				b.Fatal(err)
			}
			i := 10 - len(want)
			if batch.Revision != want[0] || len(batch.Writes) != 2 || string(batch.Writes[0].Value) != fmt.Sprint(i) || !batch.Writes[1].Delete {
				b.Fatalf("batch %d is %v, want revision %d", i, batch, want[0])
			}
			if want = want[1:]; len(want) == 0 {
				break
			}
		}
	}},
	{"watch waits for more", func(b *bench) {
		s, base := b.start()
		seen := make(chan string)
		ctx, cancel := context.WithCancel(b.Context())
		var wg sync.WaitGroup
		wg.Go(func() { follow(ctx, s, base, seen) })
		for i := range 10 {
			at := b.commit(s, base, put("a", fmt.Sprint(i)))
			if got := <-seen; got != fmt.Sprintf("%d a=%d", at, i) {
				b.Errorf("saw %q", got)
			}
		}
		cancel()
		if got := <-seen; got != context.Canceled.Error() {
			b.Errorf("watch ended with %q", got)
		}
		wg.Wait()
	}},
	{"several watchers see the same", func(b *bench) {
		s, base := b.start()
		watchers := []chan string{make(chan string), make(chan string), make(chan string)}
		ctx, cancel := context.WithCancel(b.Context())
		var wg sync.WaitGroup
		for _, w := range watchers {
			wg.Go(func() { follow(ctx, s, base, w) })
		}
		for i := range 20 {
			at := b.commit(s, base, put("a", fmt.Sprint(i)))
			for _, w := range watchers {
				if got := <-w; got != fmt.Sprintf("%d a=%d", at, i) {
					b.Errorf("saw %q", got)
				}
			}
		}
		cancel()
		for _, w := range watchers {
			<-w
		}
		wg.Wait()
	}},
	{"a conflict is not seen", func(b *bench) {
		s, base := b.start()
		now := b.commit(s, base, put("a", "1"))
		b.conflicts(s, base, hadNot("a"))
		b.commit(s, now, put("a", "2"))
		var seen []string
		for batch, err := range s.Watch(b.Context(), base) {
			if err != nil {
				b.Fatal(err)
			}
			if seen = append(seen, string(batch.Writes[0].Value)); len(seen) == 2 {
				break
			}
		}
		if seen[0] != "1" || seen[1] != "2" {
			b.Fatalf("saw %v", seen)
		}
	}},
	{"watch with an ended context yields its error", func(b *bench) {
		s, base := b.start()
		ctx, cancel := context.WithCancel(b.Context())
		cancel()
		for _, err := range s.Watch(ctx, base) {
			if !errors.Is(err, context.Canceled) {
				b.Fatalf("watch: %v", err)
			}
		}
	}},
	{"history is whole or compacted", func(b *bench) {
		s, base := b.start()
		at := base
		for range 100 {
			at = b.commit(s, at, put("a", string(make([]byte, 10_000))))
		}
		next := base
		for batch, err := range s.Watch(b.Context(), base) {
			if errors.Is(err, store.ErrCompacted) && next == base {
				return
			}
			if err != nil {
				b.Fatal(err)
			}
			if batch.Revision <= next {
				b.Fatalf("revision %d after %d", batch.Revision, next)
			}
			if next = batch.Revision; next == at {
				return
			}
		}
	}},
}

// follow reports each batch of one write, and the error that ends the watch.
func follow(ctx context.Context, s store.Store, after store.Revision, seen chan<- string) {
	for batch, err := range s.Watch(ctx, after) {
		if err != nil {
			seen <- err.Error()
			return
		}
		seen <- fmt.Sprintf("%d %s=%s", batch.Revision, batch.Writes[0].Key, batch.Writes[0].Value)
	}
}

var closeTests = []contractTest{
	{"a closed store says so", func(b *bench) {
		s, base := b.start()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatalf("second close: %v", err)
		}
		if _, err := s.Commit(b.Context(), store.Txn{Base: base, Writes: []store.Write{put("a", "1")}}); !errors.Is(err, store.ErrClosed) {
			b.Errorf("commit: %v", err)
		}
		if _, _, err := Contents(b.Context(), s); !errors.Is(err, store.ErrClosed) {
			b.Errorf("load: %v", err)
		}
		for _, err := range s.Watch(b.Context(), base) {
			if !errors.Is(err, store.ErrClosed) {
				b.Errorf("watch: %v", err)
			}
		}
	}},
	{"close ends a watch", func(b *bench) {
		s, base := b.start()
		seen := make(chan string)
		var wg sync.WaitGroup
		wg.Go(func() { follow(b.Context(), s, base, seen) })
		b.commit(s, base, put("a", "1"))
		<-seen
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		if got := <-seen; got != store.ErrClosed.Error() {
			b.Errorf("watch ended with %q", got)
		}
		wg.Wait()
	}},
	{"close waits for commits", func(b *bench) {
		s, base := b.start()
		acked := make(chan string, 64)
		var wg sync.WaitGroup
		for i := range cap(acked) {
			wg.Go(func() {
				key := fmt.Sprint(i)
				_, err := s.Commit(b.Context(), store.Txn{Base: base, Writes: []store.Write{put(key, "1")}})
				if err == nil {
					acked <- key
				} else if !errors.Is(err, store.ErrClosed) {
					b.Errorf("commit: %v", err)
				}
			})
		}
		if err := s.Close(); err != nil {
			b.Error(err)
		}
		wg.Wait()
		close(acked)
		want := map[string]string{}
		for key := range acked {
			want[key] = "1"
		}
		b.holds(b.open(), want)
	}},
}
