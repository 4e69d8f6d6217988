package node

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// part is one running piece of a node.
type part struct {
	name string
	// run works until ctx ends, then finishes what it has in hand and returns.
	// Returning earlier, with or without an error, ends the node.
	run func(ctx context.Context) error
	// up is closed when the parts after this one may start. Nil means at once.
	up <-chan struct{}
	// grace is how long run may take to return after ctx has ended.
	grace time.Duration
}

// running is a started part.
type running struct {
	part
	stop context.CancelFunc
	done chan struct{} // closed when run has returned
	err  error         // what it returned; read after done
}

// runParts starts parts one after the other, calls onUp when all are up, and
// waits until ctx ends or a part does. Then it calls onStop and stops what it
// started in the reverse order, one after the other: each part can rely on
// those before it for as long as it runs.
//
// It returns nil if ctx ended it and every part stopped well in its time.
func runParts(ctx context.Context, parts []part, onUp, onStop func()) error {
	ended := make(chan *running, len(parts))
	var started []*running
	var err error
	for _, p := range parts {
		started = append(started, start(ctx, p, ended))
		if err = waitUp(ctx, p, ended); err != nil {
			break
		}
	}
	if err == nil && ctx.Err() == nil {
		onUp()
		err = waitEnd(ctx, ended)
	}
	onStop()
	for i := len(started) - 1; i >= 0; i-- {
		err = errors.Join(err, started[i].finish())
	}
	return err
}

// start runs a part under a context of its own, which ends only when it is the
// part's turn to stop.
func start(ctx context.Context, p part, ended chan<- *running) *running {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	r := &running{part: p, stop: stop, done: make(chan struct{})}
	go func() {
		r.err = p.run(ctx)
		close(r.done)
		ended <- r // has room for every part
	}()
	return r
}

// waitUp waits for one part to be up. The end of ctx is not an error.
func waitUp(ctx context.Context, p part, ended <-chan *running) error {
	if p.up == nil {
		return nil
	}
	select {
	case <-p.up:
		return nil
	case <-ctx.Done():
		return nil
	case r := <-ended:
		return r.early()
	}
}

func waitEnd(ctx context.Context, ended <-chan *running) error {
	select {
	case <-ctx.Done():
		return nil
	case r := <-ended:
		return r.early()
	}
}

// early is the error of a part that ended before it was told to.
func (r *running) early() error {
	if r.err == nil {
		return fmt.Errorf("%s ended without being told to", r.name)
	}
	return fmt.Errorf("%s: %w", r.name, r.err)
}

// finish stops a part. One that ended by itself has been reported already.
func (r *running) finish() error {
	select {
	case <-r.done:
		r.stop()
		return nil
	default:
	}
	r.stop()
	late := time.NewTimer(r.grace)
	defer late.Stop()
	select {
	case <-late.C:
		return fmt.Errorf("%s did not stop within %v", r.name, r.grace)
	case <-r.done:
	}
	if r.err != nil && !errors.Is(r.err, context.Canceled) {
		return fmt.Errorf("stop %s: %w", r.name, r.err)
	}
	return nil
}
