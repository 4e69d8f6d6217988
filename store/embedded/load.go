package embedded

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cairn-discovery/cairn/store"
)

// Load implements store.Store. Commits wait until it has returned, so visit must
// not call Commit or Snapshot. It reads the newest snapshot and the log after it,
// and changes nothing in the folder before all of it was read and found good.
// Otherwise the error is a *DamageError or a *VersionError. The error is ErrUncertain
// if the outcome of a failed commit is still unknown.
func (s *Store) Load(ctx context.Context, visit func([]store.Change) error) (store.Revision, error) {
	s.loads.Add(1)
	defer s.loads.Add(-1)
	if err := s.maintain(ctx); err != nil {
		return 0, err
	}
	defer s.release()
	if err := s.lockLog(ctx); err != nil {
		return 0, err
	}
	defer s.unlockLog()
	p, err := s.plan()
	if err != nil {
		return 0, err
	}
	l := loader{s: s, ctx: ctx, visit: visit, plan: p, known: s.history.revision(), started: time.Now()}
	if err := l.run(); err != nil {
		return 0, err
	}
	if s.state != ready {
		if err := s.recoverFrom(&l); err != nil {
			return 0, err
		}
	}
	l.report()
	return l.revision, nil
}

// plan lists the folder. An empty folder gets its first segment.
func (s *Store) plan() (plan, error) {
	names, err := s.cfg.FS.List(s.cfg.Dir)
	if err != nil {
		return plan{}, fmt.Errorf("embedded: list the data folder: %w", err)
	}
	f := sortFiles(names)
	if f.isEmpty() && !f.begun && s.state == unloaded {
		if err := s.begin(); err != nil {
			return plan{}, err
		}
		f.segments = []store.Revision{1}
		f.temps = slices.DeleteFunc(f.temps, func(name string) bool { return name == segmentName(1)+tempSuffix })
	}
	p, err := f.plan()
	if d, ok := errors.AsType[*DamageError](err); ok {
		d.Dir = s.cfg.Dir
	}
	return p, err
}

// begin creates a store in an empty folder. The mark comes last, because it must not
// exist without a log.
func (s *Store) begin() error {
	if err := s.createFirst(1); err != nil {
		return err
	}
	mark, err := s.cfg.FS.Create(s.log.path(beginName))
	if err != nil {
		return notDone("mark the data folder", err)
	}
	if err := errors.Join(mark.Sync(), mark.Close(), s.cfg.FS.SyncDir(s.cfg.Dir)); err != nil {
		return notDone("mark the data folder", err)
	}
	return nil
}

func (s *Store) createFirst(first store.Revision) error {
	f, h, err := s.log.prepare(first, 0)
	if err != nil {
		return notDone("prepare a log segment", err)
	}
	f.Close()
	if err := placeSegment(s.cfg.FS, s.cfg.Dir, h); err != nil {
		return notDone("start a log segment", err)
	}
	return nil
}
