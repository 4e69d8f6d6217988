package node

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// component is one running piece of a node.
type component struct {
	name string
	// run works until ctx ends, then finishes its current work and returns. If it
	// returns earlier, with or without an error, the node ends.
	run func(ctx context.Context) error
	// up is closed when the components after this one may start. Nil means at once.
	up <-chan struct{}
	// stopTimeout is how long run may take to return after ctx has ended.
	stopTimeout time.Duration
	// late is called when that time is over, for a component that the node may leave
	// behind. Nil: to be late is an error of the node.
	late func()
}

// started is a component that runs.
type started struct {
	component
	cancel context.CancelFunc
	done   chan struct{} // closed when run has returned
	err    error         // what it returned; read after done
}

// runComponents starts components one after the other, calls onUp when all are
// up, and waits until ctx ends or a component does. Then it calls onStop and
// stops what it started in the reverse order, one after the other: each component
// can use those before it until it has stopped.
//
// It returns nil if ctx ended it and every component stopped without an error in
// time.
func runComponents(ctx context.Context, components []component, onUp, onStop func()) error {
	ended := make(chan *started, len(components))
	var running []*started
	var err error
	for _, c := range components {
		running = append(running, start(ctx, c, ended))
		if err = waitUp(ctx, c, ended); err != nil {
			break
		}
	}
	if err == nil && ctx.Err() == nil {
		onUp()
		err = waitEnd(ctx, ended)
	}
	onStop()
	for i := len(running) - 1; i >= 0; i-- {
		err = errors.Join(err, running[i].stop())
	}
	return err
}

// start runs a component with its own context, which ends only when it is this
// component's turn to stop.
func start(ctx context.Context, c component, ended chan<- *started) *started {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &started{component: c, cancel: cancel, done: make(chan struct{})}
	go func() {
		s.err = c.run(ctx)
		close(s.done)
		ended <- s // has room for every component
	}()
	return s
}

// waitUp waits until a component is up. The end of ctx is not an error.
func waitUp(ctx context.Context, c component, ended <-chan *started) error {
	if c.up == nil {
		return nil
	}
	select {
	case <-c.up:
		return nil
	case <-ctx.Done():
		return nil
	case s := <-ended:
		return s.unexpectedExit()
	}
}

func waitEnd(ctx context.Context, ended <-chan *started) error {
	select {
	case <-ctx.Done():
		return nil
	case s := <-ended:
		return s.unexpectedExit()
	}
}

// unexpectedExit returns the error of a component that ended before it was
// stopped.
func (s *started) unexpectedExit() error {
	if s.err == nil {
		return fmt.Errorf("%s ended unexpectedly", s.name)
	}
	return fmt.Errorf("%s: %w", s.name, s.err)
}

// stop stops a component. The error of one that ended by itself has been reported
// already.
func (s *started) stop() error {
	select {
	case <-s.done:
		s.cancel()
		return nil
	default:
	}
	s.cancel()
	late := time.NewTimer(s.stopTimeout)
	defer late.Stop()
	select {
	case <-late.C:
		if s.late != nil {
			s.late()
			return nil
		}
		return fmt.Errorf("%s did not stop within %v", s.name, s.stopTimeout)
	case <-s.done:
	}
	if s.err != nil && !errors.Is(s.err, context.Canceled) {
		return fmt.Errorf("stop %s: %w", s.name, s.err)
	}
	return nil
}
