package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/admin"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/worker/runner"
)

// taskLogs returns what answers /tasks/logs, or nil without a runner.
func (w *wiring) taskLogs() func(context.Context, admin.LogRequest, io.Writer) error {
	if w.cfg.Runner.Driver == config.RunnerNone {
		return nil
	}
	return func(ctx context.Context, q admin.LogRequest, out io.Writer) error {
		t, err := findTask(&w.rep.Current().Task, q.Task)
		if err != nil {
			return err
		}
		names, err := containersOf(t, q.Container)
		if err != nil {
			return err
		}
		d, ok := w.rep.Current().Task.Definition(t.Account, t.Family, t.Revision)
		if !ok {
			return fmt.Errorf("the task definition of task %s was deleted", t.ID)
		}
		open := func(name string) (io.ReadCloser, error) {
			return w.runner.Logs(ctx, t, d, name, runner.LogOptions{Follow: q.Follow, Tail: q.Tail})
		}
		return writeLogs(ctx, names, q.Follow, open, out)
	}
}

// containersOf returns the names of the containers of a task: all, or the given one.
func containersOf(t *task.Task, name string) ([]string, error) {
	var all []string
	for i := range t.Containers {
		if c := t.Containers[i].Name; name == "" || c == name {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("task %s has no container %q", t.ID, name)
	}
	return all, nil
}

// writeLogs writes the output of containers, at the same time if it follows it. With
// several containers each line begins with the name of its own.
func writeLogs(ctx context.Context, names []string, follow bool, open func(name string) (io.ReadCloser, error), out io.Writer) error {
	lines := &lineWriter{out: out, prefixed: len(names) > 1}
	copyOf := func(name string) error {
		text, err := open(name)
		if err != nil {
			return err
		}
		defer text.Close()
		return lines.copy(ctx, name, text)
	}
	problems := make([]error, len(names))
	if !follow {
		for i, name := range names {
			problems[i] = copyOf(name)
		}
		return errors.Join(problems...)
	}
	var copies sync.WaitGroup
	for i, name := range names {
		copies.Go(func() { problems[i] = copyOf(name) })
	}
	copies.Wait()
	return errors.Join(problems...)
}

// lineWriter writes the lines of several outputs, each in one piece.
type lineWriter struct {
	mu       sync.Mutex
	out      io.Writer
	prefixed bool
}

// copy writes the lines of one output until it or ctx ends.
func (l *lineWriter) copy(ctx context.Context, name string, text io.Reader) error {
	prefix := ""
	if l.prefixed {
		prefix = name + ": "
	}
	begins := true
	for lines := bufio.NewReader(text); ; {
		part, err := lines.ReadSlice('\n') // a long line comes in parts
		if failed := l.write(prefix, part, begins); failed != nil {
			return failed
		}
		begins = !errors.Is(err, bufio.ErrBufferFull)
		switch {
		case errors.Is(err, io.EOF) || ctx.Err() != nil:
			return nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

// write writes a part of a line, with the prefix if the line begins with it.
func (l *lineWriter) write(prefix string, part []byte, begins bool) error {
	if len(part) == 0 {
		return nil
	}
	if begins && prefix != "" {
		part = append([]byte(prefix), part...)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.out.Write(part)
	return err
}
