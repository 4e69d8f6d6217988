package runner

import (
	"context"
	"time"
)

// becameIdle says that the node has no tasks.
func (r *Runner) becameIdle() {
	select {
	case r.idle <- struct{}{}:
	default: // it is known
	}
}

// idlePause is how long a node has no tasks before what they shared is removed.
const idlePause = time.Second

// cleanup removes what tasks have shared whenever the node has had no tasks for a
// moment.
func (r *Runner) cleanup(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.idle:
		}
		if !sleep(ctx, idlePause) {
			return
		}
		for attempt := 0; r.isIdle() && !r.removeShared(ctx); attempt++ {
			if !sleep(ctx, backOff(attempt)) {
				return
			}
		}
	}
}

// isIdle reports whether the node has no tasks.
func (r *Runner) isIdle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.workers) == 0
}

// LastCleanup bounds what Run removes after its context has ended.
const LastCleanup = 5 * time.Second

// lastCleanup is done after everything else has ended: a node that stops without tasks
// leaves nothing.
func (r *Runner) lastCleanup(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), LastCleanup)
	defer cancel()
	r.removeShared(ctx)
}

// removeShared removes what tasks have shared, if no task is left. It returns false if
// it has to be tried again.
func (r *Runner) removeShared(ctx context.Context) bool {
	err := r.cfg.Driver.Cleanup(ctx)
	if err != nil && ctx.Err() == nil {
		r.cfg.Logger.Warn("what the tasks of this node have shared could not be removed", "error", err)
	}
	return err == nil
}
