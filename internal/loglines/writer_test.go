package loglines

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// record is an io.Writer that keeps each write.
type record struct {
	mu     sync.Mutex
	writes []string
	err    error
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes = append(r.writes, string(p))
	return len(p), r.err
}

func (r *record) want(t *testing.T, want ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if got := strings.Join(r.writes, "|"); got != strings.Join(want, "|") {
		t.Errorf("wrote %q, want %q", got, strings.Join(want, "|"))
	}
	r.writes = nil
}

func TestLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(record)
		w := NewWriter(out)
		later := w.Later()
		put := func(to io.Writer, line string) {
			if n, err := io.WriteString(to, line); n != len(line) || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		}

		put(later, "1\n")
		out.want(t, "1\n") // nothing was written a moment ago

		time.Sleep(maxWait / 2)
		put(later, "2\n")
		put(later, "3\n")
		out.want(t)
		time.Sleep(maxWait / 2)
		synctest.Wait()
		out.want(t, "2\n3\n")

		put(later, "4\n")
		put(w, "5\n")
		out.want(t, "4\n", "5\n") // those that wait are first
		time.Sleep(2 * maxWait)
		synctest.Wait()
		out.want(t) // not again

		put(later, "6\n")
		put(later, "7\n")
		w.Close()
		put(later, "8\n") // the node's last lines
		out.want(t, "6\n", "7\n", "8\n")
	})
}

// A write of lines that waited is not larger than what is atomic on a pipe.
func TestSizeOfWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(record)
		w := NewWriter(out)
		line := strings.Repeat("x", 99) + "\n"
		for range 100 {
			_, _ = io.WriteString(w.Later(), line)
		}
		_, _ = io.WriteString(w.Later(), strings.Repeat("y", 2*maxPending)+"\n")
		_, _ = io.WriteString(w.Later(), line)
		w.Close()
		all := 0
		for i, text := range out.writes {
			all += len(text)
			if len(text) > maxPending && i != len(out.writes)-2 {
				t.Errorf("write %d has %d bytes", i, len(text))
			}
			if !strings.HasSuffix(text, "\n") {
				t.Errorf("write %d ends inside of a line", i)
			}
		}
		if all != 101*len(line)+2*maxPending+1 || len(out.writes) > 7 {
			t.Errorf("%d bytes in %d writes", all, len(out.writes))
		}
	})
}

// A failed write is forgotten, as by slog: it is not tried again.
func TestWriteFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &record{err: errors.New("no space")}
		w := NewWriter(out)
		for _, line := range []string{"1\n", "2\n", "3\n"} {
			_, _ = io.WriteString(w.Later(), line)
		}
		time.Sleep(2 * maxWait)
		w.Close()
		out.want(t, "1\n", "2\n3\n")
		if _, err := io.WriteString(w, "4\n"); err == nil {
			t.Error("no error")
		}
	})
}

// BenchmarkWriter has a pipe as most nodes have it, to a program that keeps their log.
func BenchmarkWriter(b *testing.B) {
	for _, later := range []bool{false, true} {
		b.Run(map[bool]string{false: "at-once", true: "later"}[later], func(b *testing.B) {
			r, pipe, err := os.Pipe()
			if err != nil {
				b.Fatal(err)
			}
			go func() { _, _ = io.Copy(io.Discard, r) }()
			w := NewWriter(pipe)
			var to io.Writer = w
			if later {
				to = w.Later()
			}
			line := append(bytes.Repeat([]byte("x"), 280), '\n')
			for b.Loop() {
				_, _ = to.Write(line)
			}
			w.Close()
			pipe.Close()
		})
	}
}
