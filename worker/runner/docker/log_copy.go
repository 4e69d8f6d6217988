package docker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/cairn-discovery/cairn/worker/runner"
)

// The engine keeps the output of a container, bounded, until the container is removed.
// Output that goes to a log group is copied from there to the file of the group and
// stream. A position file says how far; it is written after the file, so after kill -9
// the end of the file that the position does not cover is cut off and copied again.

// copied reports whether the output of a container goes to a file.
func copied(t *runner.LogTarget) bool {
	return t.File != "" && (t.Driver == "" || t.Driver == "awslogs" || t.Driver == "json-file")
}

// logTarget is the value of labelLog.
type logTarget struct {
	File     string `json:"file"`
	MaxBytes int64  `json:"maxBytes,omitempty"`
	MaxFiles int    `json:"maxFiles,omitempty"`
}

// logPosition is how far output was copied.
type logPosition struct {
	Target logTarget `json:"target"`
	// Time is that of the last entry, and Count the number of entries with this time:
	// the parts of a long line have the same.
	Time  time.Time `json:"time"`
	Count int       `json:"count"`
	// Size is the length of the file.
	Size int64 `json:"size"`
}

// logCopies are the copies that are under way.
type logCopies struct {
	mu   sync.Mutex
	done map[string]chan struct{} // by id of the container; closed when the copy ends
}

const (
	// copyRetry is the wait after a copy has failed, such as when the disk is full.
	copyRetry = 5 * time.Second
	// copyAgain is the wait after the output of a container has ended that runs.
	copyAgain = 100 * time.Millisecond
	// completeTimeout bounds the wait for a copy before a container is removed.
	completeTimeout = 10 * time.Second
)

// begin takes the right to copy the output of a container. It returns nil if another
// copy has it.
func (l *logCopies) begin(id string) (end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.done[id]; ok {
		return nil
	}
	if l.done == nil {
		l.done = map[string]chan struct{}{}
	}
	done := make(chan struct{})
	l.done[id] = done
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.done, id)
		close(done)
	}
}

// wait waits until no copy of the output of a container is under way.
func (l *logCopies) wait(ctx context.Context, id string) {
	l.mu.Lock()
	done, ok := l.done[id]
	l.mu.Unlock()
	if !ok {
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// startCopy copies the output of a container until it ends or ctx ends.
func (d *Driver) startCopy(ctx context.Context, copies *sync.WaitGroup, c *container.Summary) {
	target, ok := targetOf(c)
	if !ok {
		return
	}
	end := d.logs.begin(c.ID)
	if end == nil {
		return
	}
	taskID, name := c.Labels[labelTask], c.Labels[labelContainer]
	id := c.ID
	copies.Go(func() {
		defer end()
		for {
			err := d.copyLogs(ctx, taskID, name, id, target, true)
			wait := copyRetry
			if err == nil { // ended, or was started again since
				var c *container.InspectResponse
				if c, err = d.inspect(ctx, id); err == nil && !c.State.Running {
					return
				}
				wait = copyAgain
			}
			if ctx.Err() != nil || cerrdefs.IsNotFound(err) || client.IsErrConnectionFailed(err) {
				return
			}
			if err != nil {
				d.cfg.Logger.Warn("output of a container was not copied", "task", taskID, "container", name, "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
		}
	})
}

// completeCopy copies what is left of the output of a container that has ended.
func (d *Driver) completeCopy(ctx context.Context, c *container.Summary) {
	target, ok := targetOf(c)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, completeTimeout)
	defer cancel()
	d.logs.wait(ctx, c.ID)
	end := d.logs.begin(c.ID)
	if end == nil {
		return
	}
	defer end()
	taskID, name := c.Labels[labelTask], c.Labels[labelContainer]
	if err := d.copyLogs(ctx, taskID, name, c.ID, target, false); err != nil && !cerrdefs.IsNotFound(err) {
		d.cfg.Logger.Warn("the end of the output of a container was not copied", "task", taskID, "container", name, "error", err)
	}
}

func targetOf(c *container.Summary) (logTarget, bool) {
	var t logTarget
	err := json.Unmarshal([]byte(c.Labels[labelLog]), &t)
	return t, err == nil && t.File != ""
}

// copyLogs copies the output of a container from the position on.
func (d *Driver) copyLogs(ctx context.Context, taskID, name, id string, target logTarget, follow bool) error {
	w, err := openLogFile(d.positionFile(taskID, name), target)
	if err != nil {
		return err
	}
	defer w.close()
	o := client.ContainerLogsOptions{Timestamps: true, Follow: follow}
	if !w.position.Time.IsZero() {
		o.Since = w.position.Time.Format(time.RFC3339Nano)
	}
	stream, tty, err := d.openLogs(ctx, id, o)
	if err != nil {
		return err
	}
	defer stream.Close()
	return copyEntries(bufio.NewReaderSize(stream, 64<<10), tty, w)
}

// copyEntries copies the entries that are not covered by the position.
func copyEntries(r *bufio.Reader, tty bool, w *logFile) error {
	before, skip := w.position.Time, w.position.Count
	for {
		e, err := nextEntry(r, tty)
		if errors.Is(err, io.EOF) {
			return w.save()
		}
		if err != nil {
			return errors.Join(err, w.save())
		}
		if e.time.Before(before) && !e.time.IsZero() {
			continue
		}
		if e.time.Equal(before) && skip > 0 {
			skip--
			continue
		}
		if err := w.write(e); err != nil {
			return err
		}
		if r.Buffered() == 0 { // nothing more has come yet
			if err := w.save(); err != nil {
				return err
			}
		}
	}
}

// positionFile returns the name of the position file of a container. It stays after the
// task is removed and says where the output is.
func (d *Driver) positionFile(taskID, name string) string {
	return filepath.Join(d.cfg.Dir, "logs", taskID, digest([]byte(name))[:16]+".json")
}

// copiedLogs returns the output of a container that was removed.
func (d *Driver) copiedLogs(ctx context.Context, taskID, name string, o runner.LogOptions) (io.ReadCloser, error) {
	p, err := readPosition(d.positionFile(taskID, name))
	if err == nil {
		_, err = os.Stat(p.Target.File)
	}
	if err != nil {
		return nil, fmt.Errorf("%w of container %q", runner.ErrNoLog, name)
	}
	return runner.OpenLog(ctx, p.Target.File, o.Tail, nil)
}

// pruneLogs deletes the position files of output that does not exist any more.
func (d *Driver) pruneLogs() {
	root := filepath.Join(d.cfg.Dir, "logs")
	_ = filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".json" {
			return nil
		}
		p, err := readPosition(path)
		if err != nil {
			return nil
		}
		if _, err := os.Stat(p.Target.File); errors.Is(err, os.ErrNotExist) {
			_ = os.Remove(path)
			_ = os.Remove(filepath.Dir(path)) // fails while there are others
		}
		return nil
	})
}
