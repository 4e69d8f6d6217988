package embedded

import (
	"sync"

	"github.com/cairn-discovery/cairn/store"
)

// Rough memory of a batch and of a write in history, beside key and value.
const (
	batchOverhead = 64
	writeOverhead = 128
)

// history keeps the most recent batches, up to a number of bytes, for watchers
// and for preconditions. Revisions have no gaps, so a batch is found by counting.
type history struct {
	limit int

	mu sync.Mutex
	// batches[head:] are those after revision gone.
	batches []store.Batch
	head    int
	gone    store.Revision
	bytes   int
	closed  bool
	more    chan struct{} // closed when batches are added; nil while no watcher waits
	// written holds the last revision in batches that wrote a key.
	written map[string]store.Revision
}

// reset removes everything up to and including a revision.
func (h *history) reset(at store.Revision) {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.batches)
	h.batches, h.head, h.bytes, h.gone = h.batches[:0], 0, 0, at
	h.written = map[string]store.Revision{}
	h.wake()
}

// revision returns the revision of the latest batch.
func (h *history) revision() store.Revision {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last()
}

func (h *history) last() store.Revision {
	return h.gone + store.Revision(len(h.batches)-h.head)
}

// add appends batches and takes ownership of their writes.
func (h *history) add(batches []store.Batch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range batches {
		h.batches = append(h.batches, b)
		h.bytes += batchSize(b)
		for i := range b.Writes {
			h.written[b.Writes[i].Key] = b.Revision
		}
	}
	h.shrink()
	h.wake()
}

func batchSize(b store.Batch) int {
	n := batchOverhead
	for i := range b.Writes {
		n += writeOverhead + len(b.Writes[i].Key) + len(b.Writes[i].Value)
	}
	return n
}

// shrink removes the oldest batches until the limit holds. It keeps the newest one.
func (h *history) shrink() {
	for h.bytes > h.limit && len(h.batches)-h.head > 1 {
		b := h.batches[h.head]
		h.bytes -= batchSize(b)
		for i := range b.Writes {
			if h.written[b.Writes[i].Key] == b.Revision {
				delete(h.written, b.Writes[i].Key)
			}
		}
		h.batches[h.head] = store.Batch{}
		h.head++
		h.gone++
	}
	if h.head > len(h.batches)/2 {
		n := copy(h.batches, h.batches[h.head:])
		clear(h.batches[n:])
		h.batches, h.head = h.batches[:n], 0
	}
}

func (h *history) wake() {
	if h.more != nil {
		close(h.more)
		h.more = nil
	}
}

// after appends some batches after a revision. If there are none yet, it returns a
// channel that is closed when that may have changed.
func (h *history) after(revision store.Revision, into []store.Batch) ([]store.Batch, <-chan struct{}, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return nil, nil, store.ErrClosed
	case revision < h.gone:
		return nil, nil, store.ErrCompacted
	case revision < h.last():
		start := h.head + int(revision-h.gone)
		stop := min(len(h.batches), start+cap(into)-len(into))
		return append(into, h.batches[start:stop]...), nil, nil
	}
	if h.more == nil {
		h.more = make(chan struct{})
	}
	return into, h.more, nil
}

// conflicts reports whether one of the keys was written after base, or may have been
// written if base is older than the history.
func (h *history) conflicts(base store.Revision, keys []store.Precondition) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(keys) == 0 || base >= h.last() {
		return false
	}
	if base < h.gone {
		return true
	}
	for i := range keys {
		if h.written[keys[i].Key] > base {
			return true
		}
	}
	return false
}

func (h *history) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.wake()
}
