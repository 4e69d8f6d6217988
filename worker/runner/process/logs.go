//go:build linux

package process

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/cairn-discovery/cairn/worker/runner"
)

// Logs implements runner.Driver.
func (d *Driver) Logs(ctx context.Context, id, name string, o runner.LogOptions) (io.ReadCloser, error) {
	if err := errors.Join(checkTask(id), checkContainer(name)); err != nil {
		return nil, err
	}
	dir := d.files.container(id, name)
	var r containerRecord
	ok, err := readRecord(dir.record(), &r)
	if err != nil {
		return nil, err
	}
	if !ok || r.Log.File == "" {
		return nil, fmt.Errorf("%w of container %q", runner.ErrNoLog, name)
	}
	var running func() bool
	if o.Follow {
		running = dir.runs
	}
	return runner.OpenLog(ctx, r.Log.File, o.Tail, running)
}
