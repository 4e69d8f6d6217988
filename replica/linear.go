package replica

import (
	"context"
	"fmt"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/store"
)

// A commit fails if another node has changed what its decision read. A decision that
// changes nothing commits nothing, so no store finds out that its state was old. It could
// be "no such service" a moment after another node has acknowledged the service. So on a
// store that others use too, it counts only if the state had all commits that were
// acknowledged before; otherwise the command is decided again.

// decideOnNewest does what Probe does. A command that changes nothing is decided on a
// state that was the newest one at some time during the call.
func (r *Replica) decideOnNewest(ctx context.Context, account command.AccountID, c command.Command) (command.Reply, error) {
	before := r.Current().Revision
	o := r.probe(ctx, account, c)
	s, ok := r.cfg.Store.(store.Linear)
	if !ok || !o.unchanged {
		return o.reply, o.err
	}
	ctx, cancel := context.WithTimeout(ctx, newestTimeout)
	defer cancel()
	newest, err := s.Newest(ctx)
	if err == nil && before < uint64(newest) {
		err = r.await(ctx, uint64(newest))
	}
	switch {
	case err != nil:
		return command.Reply{}, fmt.Errorf("%w: it is not known whether the state is the newest: %w", ErrUnavailable, err)
	case before >= uint64(newest):
		return o.reply, o.err
	}
	return r.Probe(ctx, account, c)
}

// newestTimeout is how long a command that changes nothing waits for the newest state.
const newestTimeout = 10 * time.Second

// await waits until the state has a revision.
func (r *Replica) await(ctx context.Context, revision uint64) error {
	for {
		snapshot := r.Current()
		if snapshot.Revision >= revision {
			return nil
		}
		select {
		case <-snapshot.Superseded():
		case <-ctx.Done():
			return ctx.Err()
		case <-r.stopped:
			return ErrStopped
		}
	}
}
