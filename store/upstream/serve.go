package upstream

import (
	"bufio"
	"context"
	"errors"
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/cairn-discovery/cairn/store"
)

// Source is what a Handler sends: the copy of the state that a node keeps.
type Source interface {
	// Records returns all records of the newest state and its revision.
	Records() (store.Revision, iter.Seq[store.Record])
	// Changes yields the transactions after a revision and waits for more, or yields
	// store.ErrCompacted if the node does not remember them.
	Changes(ctx context.Context, after store.Revision) iter.Seq2[store.Batch, error]
	// Staleness returns for how long the state may have been out of date.
	Staleness(now time.Time) time.Duration
}

const (
	// contactEvery is the time between two frames that say how new the state is.
	contactEvery = time.Second
	// sendTimeout is how long a follower may take to accept what is sent.
	sendTimeout = 20 * time.Second
)

// NewHandler returns what answers followers. Without the parameter after it sends all
// records; with after=REVISION it sends the transactions after that revision until the
// follower ends the request or stop is closed.
func NewHandler(source Source, stop <-chan struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := &sender{frameWriter: frameWriter{out: bufio.NewWriterSize(w, 64<<10)}, control: http.NewResponseController(w)}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Cache-Control", "no-store")
		text := r.URL.Query().Get("after")
		if text == "" {
			_ = sendRecords(out, source) // an error means that the follower has gone
			return
		}
		after, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			http.Error(w, "after="+strconv.Quote(text)+" must be a revision", http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			select {
			case <-stop:
				cancel()
			case <-ctx.Done():
			}
		}()
		defer func() { cancel(); <-watched }()
		_ = sendChanges(ctx, out, source, store.Revision(after))
	})
}

// sender writes frames to one follower.
type sender struct {
	frameWriter
	control *http.ResponseController
}

// flush sends what was written.
func (s *sender) flush() error {
	_ = s.control.SetWriteDeadline(time.Now().Add(sendTimeout)) // without deadlines the server's own holds
	if err := s.out.Flush(); err != nil {
		return err
	}
	return s.control.Flush()
}

func sendRecords(out *sender, source Source) error {
	revision, records := source.Records()
	sent := 0
	for r := range records {
		if err := out.write(&frame{kind: kindRecord, revision: r.Revision, record: r}); err != nil {
			return err
		}
		if sent += len(r.Key) + len(r.Value); sent > 32<<10 {
			sent = 0
			if err := out.flush(); err != nil {
				return err
			}
		}
	}
	if err := out.write(&frame{kind: kindLoaded, revision: revision}); err != nil {
		return err
	}
	return out.flush()
}

// sendChanges sends transactions as they come, and at least once a second how new the
// state is. One goroutine reads them, so that no frame waits for another.
func sendChanges(ctx context.Context, out *sender, source Source, after store.Revision) error {
	type change struct {
		batch store.Batch
		err   error
	}
	ctx, cancel := context.WithCancel(ctx)
	changes, ended := make(chan change), make(chan struct{})
	defer func() { cancel(); <-ended }()
	go func() {
		defer close(ended)
		for batch, err := range source.Changes(ctx, after) {
			select {
			case changes <- change{batch, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	ticker := time.NewTicker(contactEvery)
	defer ticker.Stop()
	for first := true; ; first = false {
		if first {
			if err := contact(out, source); err != nil {
				return err
			}
		}
		select {
		case c := <-changes:
			switch {
			case errors.Is(c.err, store.ErrCompacted):
				return errors.Join(out.write(&frame{kind: kindCompacted}), out.flush())
			case c.err != nil:
				return c.err
			}
			if err := out.write(&frame{kind: kindBatch, revision: c.batch.Revision, writes: c.batch.Writes}); err != nil {
				return err
			}
			if err := out.flush(); err != nil {
				return err
			}
		case <-ticker.C:
			if err := contact(out, source); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func contact(out *sender, source Source) error {
	stale := source.Staleness(time.Now())
	if err := out.write(&frame{kind: kindContact, stale: uint64((stale + time.Millisecond - 1) / time.Millisecond)}); err != nil {
		return err
	}
	return out.flush()
}
