// Package crashfs is a file system in memory for tests of durable data. It keeps
// what was synced apart from what was not: Crash keeps, drops or tears the
// unsynced part by chance, sector by sector, as the loss of power may. It refuses
// operations on demand, and space beyond a limit. It is meant to be at least as
// nasty as a real disk:
//
//   - a name is durable only after SyncDir, whether or not the file was synced;
//     unsynced changes of names survive a crash in any combination;
//   - of several unsynced writes to a sector any may survive;
//   - after a sync that failed, what it should have written counts as written
//     for later syncs, though it may not be on the disk.
package crashfs

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/cairn-discovery/cairn/internal/fsx"
)

// ErrCrashed is what every operation answers after a crash to those who held the
// file system before it.
var ErrCrashed = errors.New("crashfs: the system has crashed")

// Op is an operation that is about to happen.
type Op struct {
	// N counts operations from 0.
	N int
	// Kind is create, open, list, read, write, allocate, sync, rename, remove,
	// syncdir or lock.
	Kind string
	// Name is the base name of the file, or the folder's.
	Name string
}

// Verdict is what becomes of an operation.
type Verdict int

const (
	// Proceed: it happens.
	Proceed Verdict = iota
	// Fail: it answers an error. A write may have happened in part, a sync may
	// have reached the disk in part and leaves the rest counted as written.
	Fail
	// FailDone: it happens, and returns an error nevertheless.
	FailDone
	// Crash: the system goes down while it happens. See FS.Crash.
	Crash

	// gone: the caller is from before a crash. Nothing happens.
	gone
)

// happens says whether the operation takes place as a whole.
func (v Verdict) happens() bool { return v == Proceed || v == FailDone || v == Crash }

// Fault decides about an operation. The error is what Fail and FailDone answer.
type Fault func(Op) (Verdict, error)

// FS is the file system. It must be made by New.
type FS struct {
	mu      sync.Mutex
	rng     *rand.Rand
	fault   Fault
	ops     int
	down    bool
	life    int   // rises with Crash and Kill; handles of an earlier life are dead
	free    int64 // bytes left
	names   map[string]*inode
	durable map[string]*inode
	pending []rename
	locks   map[string][]byte
}

// rename is an unsynced change of names: from loses its file and to gets it.
// Either may be empty.
type rename struct {
	from, to string
	file     *inode
}

var _ fsx.FS = (*FS)(nil)

// New returns an empty file system without faults and limits, whose chances come
// from the seed.
func New(seed uint64) *FS {
	return &FS{
		rng:     rand.New(rand.NewPCG(seed, 1)),
		free:    1 << 62,
		names:   map[string]*inode{},
		durable: map[string]*inode{},
		locks:   map[string][]byte{},
	}
}

// SetFault asks f about every operation from now on; nil means no faults.
func (f *FS) SetFault(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

// SetFree sets how many more bytes files may take.
func (f *FS) SetFree(bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.free = bytes
}

// Ops returns the number of operations so far.
func (f *FS) Ops() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ops
}

// Crash loses power: what was not synced survives by chance, and everything that
// was opened or locked is lost. The file system is up again then.
func (f *FS) Crash() {
	f.mu.Lock()
	defer f.mu.Unlock()
	fate := fate(f.rng.IntN(int(fates)))
	for _, p := range f.pending {
		if fate.keeps(f.rng) {
			p.apply(f.durable)
		}
	}
	f.pending = nil
	f.names = maps.Clone(f.durable)
	for _, name := range slices.Sorted(maps.Keys(f.names)) {
		f.names[name].crash(fate, f.rng)
	}
	f.restart()
}

// Kill ends all processes, as kill -9 would: nothing is lost but handles and locks.
func (f *FS) Kill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.restart()
}

func (f *FS) restart() {
	f.down = false
	f.life++
	clear(f.locks)
}

// Files returns the content of all files by their path, as a reader sees it.
func (f *FS) Files() map[string][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	files := map[string][]byte{}
	for name, file := range f.names {
		files[name] = slices.Clone(file.data)
	}
	return files
}

// Put makes a file with the content, durably.
func (f *FS) Put(name string, content []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	file := newInode()
	file.data = slices.Clone(content)
	file.disk = slices.Clone(content)
	f.names[name], f.durable[name] = file, file
}

// begin counts an operation and asks for its fate. A crash is an error too.
func (f *FS) begin(life int, kind, name string) (Verdict, error) {
	if f.down || life != f.life {
		return gone, ErrCrashed
	}
	op := Op{N: f.ops, Kind: kind, Name: filepath.Base(name)}
	f.ops++
	if f.fault == nil {
		return Proceed, nil
	}
	verdict, err := f.fault(op)
	switch {
	case verdict == Crash:
		f.down = true
		return Crash, ErrCrashed
	case verdict != Proceed && err == nil:
		err = syscall.EIO
	case verdict == Proceed:
		err = nil
	}
	return verdict, err
}

// rename does a change of names unless the verdict forbids it.
func (f *FS) rename(verdict Verdict, r rename) {
	if !verdict.happens() {
		return
	}
	if old := f.names[r.to]; old != nil && old != r.file {
		f.free += int64(len(old.data))
	}
	r.apply(f.names)
	f.pending = append(f.pending, r)
}

func (r rename) apply(names map[string]*inode) {
	if r.from != "" {
		delete(names, r.from)
	}
	if r.to != "" {
		names[r.to] = r.file
	}
}

// MkdirAll accepts every folder: there are only paths.
func (f *FS) MkdirAll(string) error { return nil }

// List implements fsx.FS.
func (f *FS) List(dir string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if verdict, err := f.begin(f.life, "list", dir); verdict != Proceed {
		return nil, err
	}
	var list []string
	for name := range f.names {
		if filepath.Dir(name) == filepath.Clean(dir) {
			list = append(list, filepath.Base(name))
		}
	}
	slices.Sort(list)
	return list, nil
}

// Create implements fsx.FS. A file that has the name is replaced by a new one.
func (f *FS) Create(name string) (fsx.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	verdict, err := f.begin(f.life, "create", name)
	file := newInode()
	f.rename(verdict, rename{to: filepath.Clean(name), file: file})
	if err != nil {
		return nil, err
	}
	return &handle{fs: f, life: f.life, name: name, inode: file}, nil
}

// Open implements fsx.FS.
func (f *FS) Open(name string) (fsx.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if verdict, err := f.begin(f.life, "open", name); verdict != Proceed {
		return nil, err
	}
	file := f.names[filepath.Clean(name)]
	if file == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &handle{fs: f, life: f.life, name: name, inode: file}, nil
}

// Rename implements fsx.FS.
func (f *FS) Rename(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	verdict, err := f.begin(f.life, "rename", to)
	from, to = filepath.Clean(from), filepath.Clean(to)
	file := f.names[from]
	if file == nil && verdict.happens() {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	f.rename(verdict, rename{from: from, to: to, file: file})
	return err
}

// Remove implements fsx.FS.
func (f *FS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	verdict, err := f.begin(f.life, "remove", name)
	name = filepath.Clean(name)
	file := f.names[name]
	if file == nil && verdict.happens() {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	if verdict.happens() {
		f.free += int64(len(file.data))
	}
	f.rename(verdict, rename{from: name})
	return err
}

// SyncDir implements fsx.FS. It makes the names in all folders durable.
func (f *FS) SyncDir(dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	verdict, err := f.begin(f.life, "syncdir", dir)
	if verdict == Proceed || verdict == FailDone {
		f.durable = maps.Clone(f.names)
		f.pending = nil
	}
	return err
}

// Lock implements fsx.FS. The lock file is not listed.
func (f *FS) Lock(name string, note []byte) (io.Closer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if verdict, err := f.begin(f.life, "lock", name); verdict != Proceed {
		return nil, err
	}
	if held, ok := f.locks[name]; ok {
		return nil, &fsx.HeldError{Name: name, Note: held}
	}
	f.locks[name] = slices.Clone(note)
	return &lock{fs: f, life: f.life, name: name}, nil
}

type lock struct {
	fs   *FS
	life int
	name string
}

// Close frees the lock.
func (l *lock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	if l.life == l.fs.life {
		delete(l.fs.locks, l.name)
	}
	return nil
}
