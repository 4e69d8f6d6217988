package embedded

import (
	"context"
	"iter"

	"github.com/cairn-discovery/cairn/store"
)

// Watch implements store.Store. It yields the batches of the recent history. After
// Close it yields ErrClosed.
func (s *Store) Watch(ctx context.Context, after store.Revision) iter.Seq2[store.Batch, error] {
	return func(yield func(store.Batch, error) bool) {
		err := s.follow(ctx, after, yield)
		if err != nil {
			yield(store.Batch{}, err)
		}
	}
}

// follow returns nil when yield does not want more.
func (s *Store) follow(ctx context.Context, after store.Revision, yield func(store.Batch, error) bool) error {
	buf := make([]store.Batch, 0, 64)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		batches, more, err := s.history.after(after, buf)
		if err != nil {
			return err
		}
		for _, b := range batches {
			if !yield(b, nil) {
				return nil
			}
			after = b.Revision
		}
		if more == nil {
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
		}
	}
}
