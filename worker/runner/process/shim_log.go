//go:build linux

package process

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cairn-discovery/cairn/worker/runner"
)

// logWriter writes output to a file and starts a new one when it is full. It never
// fails: what cannot be written, such as on a full disk, is lost, because a container
// must not stop for its log.
type logWriter struct {
	spec logSpec
	file *os.File // nil: output is dropped
	size int64
}

func openLog(spec logSpec) (*logWriter, error) {
	w := &logWriter{spec: spec}
	if spec.File == "" {
		return w, nil
	}
	if err := os.MkdirAll(filepath.Dir(spec.File), 0o750); err != nil {
		return nil, err
	}
	return w, w.open()
}

func (w *logWriter) open() (err error) {
	w.file, err = os.OpenFile(w.spec.File, os.O_CREATE|os.O_WRONLY|os.O_APPEND, fs.FileMode(0o640))
	if err != nil {
		w.file = nil
		return err
	}
	info, err := w.file.Stat()
	if err != nil {
		return err
	}
	w.size = info.Size()
	return nil
}

func (w *logWriter) Write(p []byte) (int, error) {
	if w.spec.File == "" {
		return len(p), nil
	}
	if w.size > 0 && w.spec.MaxBytes > 0 && w.size+int64(len(p)) > w.spec.MaxBytes {
		w.rotate()
	}
	if w.file == nil && w.open() != nil {
		return len(p), nil
	}
	n, _ := w.file.Write(p)
	w.size += int64(n)
	return len(p), nil
}

// rotate renames FILE to FILE.1, FILE.1 to FILE.2 and so on.
func (w *logWriter) rotate() {
	w.Close()
	name := w.spec.File
	for i := max(w.spec.MaxFiles, 1) - 1; i > 0; i-- {
		_ = os.Rename(runner.OlderLog(name, i-1), runner.OlderLog(name, i)) // a missing one leaves a gap
	}
	if w.spec.MaxFiles <= 1 {
		_ = os.Truncate(name, 0)
	}
	_ = w.open() // Write tries again
}

func (w *logWriter) Close() {
	if w.file != nil {
		_ = w.file.Close() // what could not be written is lost
		w.file = nil
	}
}
