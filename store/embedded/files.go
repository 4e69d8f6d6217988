package embedded

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/store"
)

// files are the names of the files in a data folder, by kind.
type files struct {
	snapshots []store.Revision // ascending
	segments  []store.Revision // by first revision, ascending
	temps     []string
	restoring bool // a Restore has not ended
	begun     bool // there was a log once
}

// beginName is an empty file that says that the folder has a log. By it a folder
// that has lost its only file is told from a new one.
const beginName = "BEGUN"

// sortFiles picks out our files. Others are left alone.
func sortFiles(names []string) files {
	var f files
	for _, name := range names {
		if at, ok := parseName(name, snapshotPrefix, snapshotSuffix); ok {
			f.snapshots = append(f.snapshots, at)
		} else if first, ok := parseName(name, segmentPrefix, segmentSuffix); ok {
			f.segments = append(f.segments, first)
		} else if name == restoreName {
			f.restoring = true
		} else if name == beginName {
			f.begun = true
		} else if final, ok := strings.CutSuffix(name, tempSuffix); ok && isOurs(final) {
			f.temps = append(f.temps, name)
		}
	}
	slices.Sort(f.snapshots)
	slices.Sort(f.segments)
	return f
}

func isOurs(name string) bool {
	_, snapshot := parseName(name, snapshotPrefix, snapshotSuffix)
	_, segment := parseName(name, segmentPrefix, segmentSuffix)
	return snapshot || segment
}

func (f files) isEmpty() bool {
	return len(f.snapshots) == 0 && len(f.segments) == 0 && !f.restoring
}

// plan lists the files that a load reads, and the obsolete ones.
type plan struct {
	snapshot store.Revision   // 0 if there is none
	segments []store.Revision // at least one
	obsolete []string
}

// plan picks the newest snapshot and the segments that go on from it. Which of
// the older files are still there is up to chance: their removal is not synced.
func (f files) plan() (plan, error) {
	p := plan{obsolete: f.temps}
	if f.restoring {
		return p, &DamageError{File: restoreName, Reason: "a restore to this folder has not ended; do it again, or remove the folder"}
	}
	if f.begun && f.isEmpty() {
		return p, &DamageError{Reason: "it has held a registry, and all its log files are missing"}
	}
	if n := len(f.snapshots); n > 0 {
		p.snapshot = f.snapshots[n-1]
		for _, at := range f.snapshots[:n-1] {
			p.obsolete = append(p.obsolete, snapshotName(at))
		}
	}
	if len(f.segments) == 0 {
		return p, &DamageError{Reason: "there is a snapshot but no log; log files are missing"}
	}
	start, found := slices.BinarySearch(f.segments, p.snapshot+1)
	if !found {
		start--
	}
	switch {
	case start < 0 && p.snapshot == 0:
		return p, &DamageError{Reason: fmt.Sprintf("the log starts with revision %d and there is no snapshot of what was before; files are missing", f.segments[0])}
	case start < 0:
		return p, &DamageError{Reason: fmt.Sprintf("the log starts with revision %d, the snapshot ends with %d; log files are missing", f.segments[0], p.snapshot)}
	}
	for _, first := range f.segments[:start] {
		p.obsolete = append(p.obsolete, segmentName(first))
	}
	p.segments = f.segments[start:]
	return p, nil
}
