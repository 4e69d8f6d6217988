package docker

import (
	"context"
	"errors"
	"fmt"
	"os"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Remove ends and deletes the containers of a task, its volumes and its folder. Output
// that was not copied yet is copied first.
func (d *Driver) Remove(ctx context.Context, taskID string) error {
	if taskID == "" {
		return errors.New("remove a task: the id is empty") // would select all tasks
	}
	list, err := d.containers(ctx, taskID)
	if err != nil {
		return d.engine.explain(err)
	}
	// The pause container goes last: the others use its network.
	for _, pause := range []bool{false, true} {
		for i := range list {
			if (list[i].Labels[labelContainer] == pauseName) != pause {
				continue
			}
			if err := d.end(ctx, &list[i]); err != nil {
				return fmt.Errorf("remove container %s: %w", list[i].Labels[labelContainer], d.engine.explain(err))
			}
		}
	}
	if err := d.removeVolumes(ctx, taskID); err != nil {
		return d.engine.explain(err)
	}
	if err := os.RemoveAll(d.taskDir(taskID)); err != nil {
		return fmt.Errorf("delete the folder of the task: %w", pathless(err))
	}
	return nil
}

// end kills a container, completes the copy of its output and deletes it.
func (d *Driver) end(ctx context.Context, c *container.Summary) error {
	if c.State == container.StateRunning || c.State == container.StatePaused {
		call, cancel := context.WithTimeout(ctx, createTimeout)
		_, err := d.engine.api().ContainerStop(call, c.ID, client.ContainerStopOptions{Timeout: new(int)})
		cancel()
		if err != nil && !cerrdefs.IsNotFound(err) {
			return err
		}
	}
	d.completeCopy(ctx, c)
	d.health.forget(c.ID)
	err := d.removeContainer(ctx, c.ID)
	d.ends.forget(c.ID)
	return err
}

// removeContainer deletes a container with its anonymous volumes.
func (d *Driver) removeContainer(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	_, err := d.engine.api().ContainerRemove(ctx, id, client.ContainerRemoveOptions{RemoveVolumes: true, Force: true})
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	return err
}

func (d *Driver) removeVolumes(ctx context.Context, taskID string) error {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	list, err := d.engine.api().VolumeList(ctx, client.VolumeListOptions{Filters: d.ours(taskID)})
	if err != nil {
		return err
	}
	for _, v := range list.Items {
		if _, err := d.engine.api().VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{Force: true}); err != nil && !cerrdefs.IsNotFound(err) {
			return fmt.Errorf("remove volume %s: %w", v.Name, err)
		}
	}
	return nil
}

// Cleanup deletes the networks of this node and the image of the pause container if no
// task is left.
func (d *Driver) Cleanup(ctx context.Context) error {
	d.preparing.Lock()
	defer d.preparing.Unlock()
	ids, err := d.Tasks(ctx)
	if err != nil || len(ids) > 0 {
		return err
	}
	list, err := d.networks(ctx, "")
	if err != nil {
		return d.engine.explain(err)
	}
	for _, n := range list {
		if err := d.removeNetwork(ctx, n.ID); err != nil {
			return fmt.Errorf("remove network %s: %w", n.Name, d.engine.explain(err))
		}
	}
	if err := d.removeFirewall(); err != nil {
		d.cfg.Logger.Warn("the rules of the firewall are not removed", "error", err)
	}
	return d.engine.explain(d.removePauseImage(ctx))
}
