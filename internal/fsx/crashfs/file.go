package crashfs

import (
	"io"
	"math/rand/v2"
	"slices"
	"syscall"
)

// sector is what a disk writes whole or not at all, in bytes.
const sector = 512

// fate is what a crash does to unsynced changes.
type fate int

const (
	loseAll fate = iota
	keepAll
	keepSome // each one by itself
	keepMost
	fates
)

func (f fate) keeps(rng *rand.Rand) bool {
	switch f {
	case keepAll:
		return true
	case keepSome:
		return rng.IntN(2) == 0
	case keepMost:
		return rng.IntN(8) != 0
	default:
		return false
	}
}

// inode is a file's content: what readers see, what is on the disk for sure, and
// what may have reached the disk since.
type inode struct {
	data []byte
	disk []byte
	// versions holds, for each sector, what was written since it was synced.
	versions map[int64][][]byte
	// dirty holds the sectors that the next sync writes.
	dirty map[int64]bool
	// sizes holds lengths since the last sync.
	sizes []int64
}

func newInode() *inode {
	return &inode{versions: map[int64][][]byte{}, dirty: map[int64]bool{}}
}

func (i *inode) write(b []byte, offset int64) {
	if end := offset + int64(len(b)); end > int64(len(i.data)) {
		i.data = append(i.data, make([]byte, end-int64(len(i.data)))...)
		i.sizes = append(i.sizes, end)
	}
	copy(i.data[offset:], b)
	for s := offset / sector; s*sector < offset+int64(len(b)); s++ {
		i.versions[s] = append(i.versions[s], i.sectorOf(i.data, s))
		i.dirty[s] = true
	}
}

// sectorOf copies a sector, which may be short at the end of the file.
func (i *inode) sectorOf(from []byte, s int64) []byte {
	start := min(s*sector, int64(len(from)))
	return slices.Clone(from[start:min(start+sector, int64(len(from)))])
}

// sync puts the dirty sectors on the disk. With some it does so by chance, and
// those that it leaves out count as written nevertheless.
func (i *inode) sync(some bool, rng *rand.Rand) {
	if !some {
		i.disk = resize(i.disk, int64(len(i.data)))
		i.sizes = nil
	}
	dirty := make([]int64, 0, len(i.dirty))
	for s := range i.dirty {
		dirty = append(dirty, s)
	}
	slices.Sort(dirty)
	for _, s := range dirty {
		if some && rng.IntN(2) == 0 {
			continue
		}
		now := i.sectorOf(i.data, s)
		if some && s*sector+int64(len(now)) > int64(len(i.disk)) {
			continue // not without its length
		}
		copy(i.disk[s*sector:], now)
		delete(i.versions, s)
	}
	clear(i.dirty)
}

func resize(b []byte, size int64) []byte {
	if size <= int64(len(b)) {
		return b[:size]
	}
	return append(b, make([]byte, size-int64(len(b)))...)
}

// crash leaves what is on the disk after it.
func (i *inode) crash(fate fate, rng *rand.Rand) {
	for _, size := range i.sizes {
		if fate.keeps(rng) {
			i.disk = resize(i.disk, max(size, int64(len(i.disk))))
		}
	}
	touched := make([]int64, 0, len(i.versions))
	for s := range i.versions {
		touched = append(touched, s)
	}
	slices.Sort(touched)
	for _, s := range touched {
		if v := i.versions[s]; fate.keeps(rng) && s*sector < int64(len(i.disk)) {
			pick := len(v) - 1
			if fate == keepSome {
				pick = rng.IntN(len(v))
			}
			copy(i.disk[s*sector:], v[pick])
		}
	}
	i.data = slices.Clone(i.disk)
	i.sizes = nil
	clear(i.versions)
	clear(i.dirty)
}

// handle is an open file.
type handle struct {
	fs    *FS
	life  int
	name  string
	inode *inode
}

// ReadAt implements io.ReaderAt.
func (h *handle) ReadAt(b []byte, offset int64) (int, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if verdict, err := h.fs.begin(h.life, "read", h.name); verdict != Proceed {
		return 0, err
	}
	if offset >= int64(len(h.inode.data)) {
		return 0, io.EOF
	}
	n := copy(b, h.inode.data[offset:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt implements io.WriterAt. Bytes that do not fit are not written.
func (h *handle) WriteAt(b []byte, offset int64) (int, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	verdict, err := h.fs.begin(h.life, "write", h.name)
	if verdict == gone {
		return 0, err
	}
	n, reported := len(b), len(b)
	switch verdict {
	case Fail:
		n = wholeSectors(h.fs.rng.IntN(len(b)+1), offset)
		reported = n
	case FailDone:
		reported = 0
	}
	if grows := offset + int64(n) - int64(len(h.inode.data)); grows > 0 {
		if grows > h.fs.free {
			n = wholeSectors(int(max(0, int64(n)-(grows-h.fs.free))), offset)
			reported, err = min(n, reported), syscall.ENOSPC
		}
		h.fs.free -= max(0, offset+int64(n)-int64(len(h.inode.data)))
	}
	if n > 0 {
		h.inode.write(b[:n], offset)
	}
	return reported, err
}

// wholeSectors cuts a write short at the end of a sector: systems take data page
// by page.
func wholeSectors(n int, offset int64) int {
	return max(0, int((offset+int64(n))/sector*sector-offset))
}

// Allocate implements fsx.File. It reserves nothing, but says if space lacks.
func (h *handle) Allocate(size int64) error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if verdict, err := h.fs.begin(h.life, "allocate", h.name); verdict != Proceed {
		return err
	}
	if size-int64(len(h.inode.data)) > h.fs.free {
		return syscall.ENOSPC
	}
	return nil
}

// Sync implements fsx.File.
func (h *handle) Sync() error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	verdict, err := h.fs.begin(h.life, "sync", h.name)
	switch verdict {
	case Proceed, FailDone:
		h.inode.sync(false, nil)
	case Fail:
		h.inode.sync(true, h.fs.rng)
	}
	return err
}

// Datasync implements fsx.File.
func (h *handle) Datasync() error { return h.Sync() }

// Size implements fsx.File.
func (h *handle) Size() (int64, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.fs.down || h.life != h.fs.life {
		return 0, ErrCrashed
	}
	return int64(len(h.inode.data)), nil
}

// Close implements fsx.File.
func (h *handle) Close() error { return nil }
