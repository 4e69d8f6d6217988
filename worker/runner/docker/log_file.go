package docker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cairn-discovery/cairn/worker/runner"
)

const (
	defaultMaxBytes = 10 << 20
	defaultMaxFiles = 3
)

func (t logTarget) limits() (maxBytes int64, maxFiles int) {
	maxBytes, maxFiles = t.MaxBytes, t.MaxFiles
	if maxBytes <= 0 {
		maxBytes = defaultMaxBytes
	}
	if maxFiles <= 0 {
		maxFiles = defaultMaxFiles
	}
	return maxBytes, maxFiles
}

// logFile is a bounded file of output with its position.
type logFile struct {
	file         *os.File
	position     logPosition
	positionFile string
	pending      bytes.Buffer
}

// openLogFile opens the file of a target at its position.
func openLogFile(positionFile string, target logTarget) (*logFile, error) {
	for _, f := range []string{positionFile, target.File} {
		if err := os.MkdirAll(filepath.Dir(f), 0o750); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(target.File, os.O_WRONLY|os.O_CREATE, 0o640)
	if err != nil {
		return nil, err
	}
	w := &logFile{file: f, positionFile: positionFile}
	if err := w.resume(target); err != nil {
		f.Close()
		return nil, err
	}
	return w, nil
}

// resume goes on at the position, or at the end of the file if there is none yet.
func (w *logFile) resume(target logTarget) error {
	info, err := w.file.Stat()
	if err != nil {
		return err
	}
	p, err := readPosition(w.positionFile)
	if err != nil || p.Target.File != target.File {
		w.position = logPosition{Target: target, Size: info.Size()}
		return w.savePosition()
	}
	w.position = p
	w.position.Target = target
	w.position.Size = min(p.Size, info.Size())
	return w.file.Truncate(w.position.Size)
}

func readPosition(file string) (logPosition, error) {
	var p logPosition
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	return p, err
}

// write adds an entry. It is on disk and in the position after save.
func (w *logFile) write(e entry) error {
	maxBytes, _ := w.position.Target.limits()
	if size := w.position.Size + int64(w.pending.Len()); size > 0 && size+int64(len(e.data)) > maxBytes {
		if err := w.rotate(); err != nil {
			return err
		}
	}
	w.pending.Write(e.data)
	if e.time.Equal(w.position.Time) {
		w.position.Count++
	} else if !e.time.IsZero() {
		w.position.Time, w.position.Count = e.time, 1
	}
	if w.pending.Len() >= 256<<10 {
		return w.save()
	}
	return nil
}

// save writes what is pending, and then the position.
func (w *logFile) save() error {
	if w.pending.Len() == 0 {
		return nil
	}
	n, err := w.file.WriteAt(w.pending.Bytes(), w.position.Size)
	if err != nil {
		return fmt.Errorf("write output: %w", pathless(err))
	}
	w.pending.Reset()
	w.position.Size += int64(n)
	return w.savePosition()
}

func (w *logFile) savePosition() error {
	b, err := json.Marshal(w.position)
	if err != nil {
		return err
	}
	temp := w.positionFile + ".new"
	if err := os.WriteFile(temp, b, 0o640); err != nil {
		return fmt.Errorf("write the position of output: %w", pathless(err))
	}
	return os.Rename(temp, w.positionFile)
}

// rotate begins a new file. Older ones are File.1, File.2 and so on.
func (w *logFile) rotate() error {
	if err := w.save(); err != nil {
		return err
	}
	name := w.position.Target.File
	_, maxFiles := w.position.Target.limits()
	for i := maxFiles - 1; i > 0; i-- {
		if err := os.Rename(runner.OlderLog(name, i-1), runner.OlderLog(name, i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	w.file.Close()
	w.file, w.position.Size = f, 0
	return w.savePosition()
}

func (w *logFile) close() { w.file.Close() }
