//go:build linux

package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ownerRecord says to whom a RunDir belongs, so that another program can remove what is
// left of it.
type ownerRecord struct {
	Owner     string `json:"owner"`
	DataDir   string `json:"dataDir"`
	NoCgroups bool   `json:"noCgroups,omitempty"`
}

// claim makes RunDir and locks it while Run runs.
func (d *Driver) claim() (lock *os.File, err error) {
	if lock, err = d.lockRunDir(); err != nil {
		return nil, fmt.Errorf("process: the folder %s is used by another program: %w", d.cfg.RunDir, err)
	}
	if d.cfg.Owner != "" {
		err = writeRecord(d.files.owner(), ownerRecord{d.cfg.Owner, d.cfg.DataDir, d.cfg.NoCgroups})
	}
	if err == nil {
		err = os.MkdirAll(d.files.tasks(), 0o700)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// lockRunDir makes RunDir and locks it. Another program may remove the folder until it is
// locked, because it has no owner yet; then it is made again.
func (d *Driver) lockRunDir() (*os.File, error) {
	for {
		if err := os.MkdirAll(d.cfg.RunDir, 0o700); err != nil {
			return nil, err
		}
		lock, err := lockFile(d.files.lock())
		if isMissing(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		locked, err := lock.Stat()
		if err != nil {
			return nil, errors.Join(err, lock.Close())
		}
		if there, err := os.Stat(d.files.lock()); err == nil && os.SameFile(locked, there) {
			return lock, nil
		}
		lock.Close()
	}
}

// lockFile opens a file and locks it without waiting.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// removeRunDir removes RunDir if it has no tasks.
func (d *Driver) removeRunDir() {
	if err := os.Remove(d.files.tasks()); err != nil && !isMissing(err) {
		return
	}
	for _, file := range []string{d.files.events(), d.files.owner(), d.files.lock(), d.cfg.RunDir} {
		_ = os.Remove(file) // the next run makes it again
	}
	if d.cfg.Others != "" {
		_ = os.Remove(d.cfg.Others) // fails as long as others are in it
	}
}

// removeLeftovers removes the tasks of programs that were killed, and whose Owner was
// deleted afterwards: nobody can adopt them any more.
func (d *Driver) removeLeftovers(ctx context.Context) {
	if d.cfg.Others == "" {
		return
	}
	entries, err := os.ReadDir(d.cfg.Others)
	if err != nil {
		return // there are no others
	}
	groups := []string{d.groupName(d.cfg.RunDir)} // that are used
	for _, e := range entries {
		dir := filepath.Join(d.cfg.Others, e.Name())
		if ctx.Err() != nil {
			return
		}
		if dir == d.cfg.RunDir {
			continue
		}
		removed, err := d.removeLeftover(ctx, dir)
		if err != nil && ctx.Err() == nil {
			d.cfg.Logger.Warn("what another node has left cannot be removed", "dir", dir, "error", err)
		}
		if removed {
			d.cfg.Logger.Info("removed what a node has left whose data folder does not exist any more", "dir", dir)
			continue
		}
		groups = append(groups, d.groupName(dir))
	}
	if d.cgroups != nil {
		d.cgroups.removeAbandoned(d.cfg.CgroupParent, groups)
	}
}

// removeLeftover removes all tasks of a RunDir if its program does not run and its Owner
// does not exist. A RunDir without an owner is of a program that was killed when it made it.
func (d *Driver) removeLeftover(ctx context.Context, dir string) (removed bool, err error) {
	files := layout{run: dir}
	var r ownerRecord
	known, err := readRecord(files.owner(), &r)
	if err != nil || known && r.Owner == "" {
		return false, err
	}
	if _, err := os.Stat(r.Owner); known && !isMissing(err) {
		return false, nil
	}
	lock, err := lockFile(files.lock())
	if err != nil {
		return false, nil // it runs, or it was removed
	}
	defer lock.Close()
	if known, err = readRecord(files.owner(), &r); err != nil {
		return false, err
	}
	if !known {
		r.DataDir, r.NoCgroups = files.tasks(), d.cfg.NoCgroups
	}
	other, err := New(Config{
		RunDir: dir, DataDir: r.DataDir, NoCgroups: r.NoCgroups, CgroupParent: d.cfg.CgroupParent, Bridge: d.cfg.Bridge, Logger: d.cfg.Logger,
	})
	if err != nil {
		return false, err
	}
	ids, err := other.Tasks(ctx)
	if err != nil || !known && len(ids) > 0 {
		return false, err
	}
	for _, id := range ids {
		err = errors.Join(err, other.Remove(ctx, id))
	}
	return err == nil, errors.Join(err, other.Cleanup(ctx))
}
