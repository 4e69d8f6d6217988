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
		return writeLogs(ctx, w.taskDriver, t.ID, names, runner.LogOptions{Follow: q.Follow, Tail: q.Tail}, out)
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
func writeLogs(ctx context.Context, driver runner.Driver, id string, names []string, o runner.LogOptions, out io.Writer) error {
	var mu sync.Mutex // of out
	copyLines := func(name string) error {
		text, err := driver.Logs(ctx, id, name, o)
		if err != nil {
			return err
		}
		defer text.Close()
		prefix := ""
		if len(names) > 1 {
			prefix = name + ": "
		}
		lines := bufio.NewReader(text)
		for {
			line, err := lines.ReadSlice('\n') // a longer line comes in parts
			if len(line) > 0 {
				mu.Lock()
				_, failed := fmt.Fprintf(out, "%s%s", prefix, line)
				mu.Unlock()
				if failed != nil {
					return failed
				}
			}
			switch {
			case errors.Is(err, io.EOF) || ctx.Err() != nil:
				return nil
			case err != nil && !errors.Is(err, bufio.ErrBufferFull):
				return err
			}
		}
	}
	if !o.Follow {
		for _, name := range names {
			if err := copyLines(name); err != nil {
				return err
			}
		}
		return nil
	}
	problems := make([]error, len(names))
	var copies sync.WaitGroup
	for i, name := range names {
		copies.Go(func() { problems[i] = copyLines(name) })
	}
	copies.Wait()
	return errors.Join(problems...)
}
