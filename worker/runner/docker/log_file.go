package docker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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
		from := name
		if i > 1 {
			from = fmt.Sprintf("%s.%d", name, i-1)
		}
		if err := os.Rename(from, fmt.Sprintf("%s.%d", name, i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
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

// openOutput returns the output of a target, oldest first, or its last lines if tail is
// not 0.
func openOutput(t logTarget, tail int) (io.ReadCloser, error) {
	_, maxFiles := t.limits()
	var files multiFile
	for i := maxFiles - 1; i >= 0; i-- {
		name := t.File
		if i > 0 {
			name = fmt.Sprintf("%s.%d", t.File, i)
		}
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			files.Close()
			return nil, pathless(err)
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		return nil, os.ErrNotExist
	}
	if tail > 0 {
		if err := files.seekTail(tail); err != nil {
			files.Close()
			return nil, pathless(err)
		}
	}
	return files, nil
}

// multiFile reads files one after the other.
type multiFile []*os.File

func (m multiFile) Read(p []byte) (int, error) {
	for _, f := range m {
		if n, err := f.Read(p); n > 0 || err != nil && !errors.Is(err, io.EOF) {
			return n, err
		}
	}
	return 0, io.EOF
}

func (m multiFile) Close() error {
	for _, f := range m {
		f.Close()
	}
	return nil
}

// seekTail moves to the beginning of the last lines.
func (m multiFile) seekTail(lines int) error {
	for i := len(m) - 1; i >= 0; i-- {
		left, err := seekLines(m[i], lines, i == len(m)-1)
		if err != nil {
			return err
		}
		if left == 0 {
			for _, f := range m[:i] {
				if _, err := f.Seek(0, io.SeekEnd); err != nil {
					return err
				}
			}
			return nil
		}
		lines = left
	}
	return nil
}

// seekLines moves to the beginning of the last lines of a file. If it has fewer, it
// moves to the beginning and returns how many are left. The line feed at the very end
// of the output ends a line and does not begin one.
func seekLines(f *os.File, lines int, last bool) (left int, err error) {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	buffer := make([]byte, 64<<10)
	size := end
	for end > 0 {
		n := min(int64(len(buffer)), end)
		end -= n
		if _, err := f.ReadAt(buffer[:n], end); err != nil {
			return 0, err
		}
		for i := n - 1; i >= 0; i-- {
			if buffer[i] != '\n' || last && end+i == size-1 {
				continue
			}
			if lines--; lines == 0 {
				_, err := f.Seek(end+i+1, io.SeekStart)
				return 0, err
			}
		}
	}
	_, err = f.Seek(0, io.SeekStart)
	return lines, err
}
