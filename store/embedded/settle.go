package embedded

import "github.com/cairn-discovery/cairn/internal/fsx"

// recoverFrom starts using a folder after it was read and found good. It repairs and
// removes what a crash or an error left.
func (s *Store) recoverFrom(l *loader) error {
	end := l.segments[len(l.segments)-1]
	if end.torn != "" {
		s.cfg.Logger.Warn("a write that was never acknowledged is removed from the log",
			"file", end.name(), "offset", end.tail, "reason", end.torn)
	}
	// A file name may not be durable yet: the process that renamed the file may
	// have ended before its sync.
	if err := s.cfg.FS.SyncDir(s.cfg.Dir); err != nil {
		return s.unsettled(err)
	}
	if err := s.sealBeforeLast(l); err != nil {
		return s.unsettled(err)
	}
	f, err := s.secureTail(end, l.buf)
	if err != nil {
		return s.unsettled(err)
	}
	s.log.close()
	s.log.use(f, end.segmentHeader, end.tail)
	s.log.first = l.plan.segments
	s.snapshotAt = l.plan.snapshot
	s.logBytes.Store(l.logBytes)
	s.dueAt.Store(max(s.cfg.SnapshotBytes, l.snapshot.bytes))
	if s.state == unloaded {
		s.history.reset(l.revision)
	} else {
		s.history.add(l.batches)
	}
	s.state = ready
	s.remove(l.plan.obsolete)
	return nil
}

func (s *Store) unsettled(err error) error {
	if s.state == uncertain {
		return unknown("settle the log", err)
	}
	return notDone("settle the log", err)
}

// sealBeforeLast seals the last segment but one if the crash came just before.
func (s *Store) sealBeforeLast(l *loader) error {
	if len(l.segments) < 2 || l.segments[0].sealed {
		return nil
	}
	before := l.segments[0]
	f, err := s.cfg.FS.Open(s.log.path(before.name()))
	if err != nil {
		return err
	}
	defer f.Close()
	sealed := segmentLog{active: f, head: before.segmentHeader, tail: before.tail}
	return sealed.seal(before.next)
}

// secureTail checks that what was read of the last segment is on the disk. After a failed
// sync, in this process or an earlier one, memory may show data that never reached the
// disk. No later sync would write it. At most the last frame and what comes after it can be
// concerned, for a frame is only written when those before it were synced. So that part is
// written again. Where the disk refuses this, the whole segment goes to a new file.
func (s *Store) secureTail(end loadedSegment, data []byte) (fsx.File, error) {
	f, err := s.cfg.FS.Open(s.log.path(end.name()))
	if err != nil {
		return nil, err
	}
	if err = rewriteTail(f, end, data); err == nil {
		return f, nil
	}
	f.Close()
	s.cfg.Logger.Warn("the log's tail could not be written in place, the segment is copied", "file", end.name(), "error", err)
	return s.copySegment(end, data)
}

func rewriteTail(f fsx.File, end loadedSegment, data []byte) error {
	if _, err := f.WriteAt(data[end.last:end.tail], end.last); err != nil {
		return err
	}
	if err := writeZeros(f, end.tail, end.size); err != nil {
		return err
	}
	return f.Datasync()
}

func (s *Store) copySegment(end loadedSegment, data []byte) (fsx.File, error) {
	f, err := prepareSegment(s.cfg.FS, s.cfg.Dir, end.segmentHeader, data[sectorSize:end.tail])
	if err != nil {
		return nil, err
	}
	if err := placeSegment(s.cfg.FS, s.cfg.Dir, end.segmentHeader); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
