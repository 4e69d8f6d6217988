package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cairn-discovery/cairn/core/task"
)

// Logs returns the output of a container of a task, also after the task was removed: its
// file is kept until LogRetention. Containers whose output is not in a file of this node,
// such as those with the log driver "none", have none then.
func (r *Runner) Logs(ctx context.Context, t *task.Task, d *task.Definition, container string, o LogOptions) (io.ReadCloser, error) {
	text, err := r.cfg.Driver.Logs(ctx, t.ID, container, o)
	if !errors.Is(err, ErrNoLog) {
		return text, err
	}
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		if c.Name != container {
			continue
		}
		file := r.logTarget(t, c).File
		if _, err := os.Stat(file); err == nil {
			return OpenLog(ctx, file, o.Tail, nil)
		}
	}
	return nil, fmt.Errorf("%w of container %s of task %s", ErrNoLog, container, t.ID)
}
