package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/worker/runner"
)

const (
	createPrefix = "CannotCreateContainerError: "
	startPrefix  = "CannotStartContainerError: "
)

// Start creates a container, if it does not exist, and starts it, if it does not run.
func (d *Driver) Start(ctx context.Context, s *runner.Spec, name string) error {
	c, err := d.find(ctx, s.Task.ID, name)
	if err != nil {
		return fmt.Errorf(createPrefix+"%w", d.engine.explain(err))
	}
	if c != nil && c.State == container.StateRunning {
		return nil
	}
	if c != nil && (c.State == container.StateDead || c.State == container.StateRemoving) {
		if err := d.removeContainer(ctx, c.ID); err != nil {
			return fmt.Errorf(createPrefix+"%w", d.engine.explain(err))
		}
		c = nil
	}
	var id string
	if c != nil {
		id = c.ID
		if c.State == container.StateExited {
			if err := d.countRestart(s.Task.ID, name); err != nil {
				return fmt.Errorf(startPrefix+"count the restart: %w", pathless(err))
			}
		}
	} else if id, err = d.create(ctx, s, name); err != nil {
		return fmt.Errorf(createPrefix+"%w", d.engine.explain(err))
	}
	if err := hostPortsFree(s, name); err != nil {
		return fmt.Errorf(startPrefix+"%w", err)
	}
	if err := d.startContainer(ctx, id); err != nil {
		return fmt.Errorf(startPrefix+"%w", d.engine.explain(err))
	}
	return nil
}

// create creates a container of a task and returns its id.
func (d *Driver) create(ctx context.Context, s *runner.Spec, name string) (string, error) {
	c := s.Container(name)
	if c == nil {
		return "", fmt.Errorf("the task has no container %q", name)
	}
	p, err := d.place(ctx, s, c.Definition)
	if err != nil {
		return "", err
	}
	o, err := d.createOptions(s, c, p)
	if err != nil {
		return "", err
	}
	return d.createContainer(ctx, o)
}

// place finds what a container needs to know about its surroundings.
func (d *Driver) place(ctx context.Context, s *runner.Spec, def *task.ContainerDefinition) (*placement, error) {
	p := &placement{names: map[string]string{}, mount: map[string]mount.Mount{}}
	f, err := d.engine.facts(ctx)
	if err != nil {
		return nil, err
	}
	p.cpus = f.cpus
	for i := range s.Containers {
		n := s.Containers[i].Definition.Name
		p.names[n] = containerName(s, n)
	}
	if needsPause(s) {
		c, err := d.find(ctx, s.Task.ID, pauseName)
		if err != nil {
			return nil, err
		}
		if c == nil {
			return nil, errors.New("the pause container of the task is gone")
		}
		p.pause = c.ID
	}
	for i := range s.Definition.Volumes {
		v := &s.Definition.Volumes[i]
		if !mounts(def, v.Name) {
			continue
		}
		if p.mount[v.Name], err = d.volumeMount(ctx, s, v); err != nil {
			return nil, fmt.Errorf("volume %q: %w", v.Name, err)
		}
	}
	return p, nil
}

func mounts(def *task.ContainerDefinition, volume string) bool {
	for _, m := range def.MountPoints {
		if m.SourceVolume == volume {
			return true
		}
	}
	return false
}

// createContainer creates a container. If one of its name exists and is ours, which
// happens if the answer to an earlier call was lost, that is the one.
func (d *Driver) createContainer(ctx context.Context, o client.ContainerCreateOptions) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	r, err := d.engine.api().ContainerCreate(ctx, o)
	if err == nil {
		return r.ID, nil
	}
	if !cerrdefs.IsConflict(err) {
		return "", err
	}
	c, e := d.engine.api().ContainerInspect(ctx, o.Name, client.ContainerInspectOptions{})
	if e != nil || c.Container.Config == nil || c.Container.Config.Labels[labelNode] != d.cfg.Node ||
		c.Container.Config.Labels[labelTask] != o.Config.Labels[labelTask] {
		return "", err
	}
	return c.Container.ID, nil
}

func (d *Driver) startContainer(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	_, err := d.engine.api().ContainerStart(ctx, id, client.ContainerStartOptions{})
	return err
}

// hostPortsFree checks that nothing listens on the ports of a container in host mode.
// Otherwise it would start and its clients would reach the other program.
func hostPortsFree(s *runner.Spec, name string) error {
	c := s.Container(name)
	if s.Network.Mode != runner.ModeHost || c == nil {
		return nil
	}
	for _, m := range c.Definition.PortMappings {
		port := strconv.FormatInt(value(m.ContainerPort), 10)
		if err := portFree(m.Protocol, port); err != nil {
			return fmt.Errorf("port %s/%s of the node is in use", port, protocolOf(m.Protocol))
		}
	}
	return nil
}

func protocolOf(p string) string {
	if p == "" {
		return "tcp"
	}
	return p
}

func portFree(protocol, port string) error {
	if protocolOf(protocol) == "udp" {
		c, err := net.ListenPacket("udp", ":"+port)
		if err == nil {
			c.Close()
		}
		return err
	}
	l, err := net.Listen("tcp", ":"+port)
	if err == nil {
		l.Close()
	}
	return err
}

// Stop sends the stop signal, after the timeout SIGKILL, and returns when the container
// has ended.
func (d *Driver) Stop(ctx context.Context, taskID, name string, timeout time.Duration) error {
	c, err := d.find(ctx, taskID, name)
	if err != nil || c == nil || c.State != container.StateRunning && c.State != container.StatePaused {
		return d.engine.explain(err)
	}
	seconds := int((timeout + time.Second - 1) / time.Second)
	ctx, cancel := context.WithTimeout(ctx, timeout+createTimeout)
	defer cancel()
	_, err = d.engine.api().ContainerStop(ctx, c.ID, client.ContainerStopOptions{Timeout: &seconds})
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("stop container %s: %w", name, d.engine.explain(err))
	}
	return nil
}

// restartFile has the number of restarts of a container: the engine does not count
// those that it has not decided itself.
func (d *Driver) restartFile(taskID, container string) string {
	return filepath.Join(d.taskDir(taskID), "restarts-"+digest([]byte(container))[:16])
}

func (d *Driver) restarts(taskID, container string) int {
	b, err := os.ReadFile(d.restartFile(taskID, container))
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	return n
}

func (d *Driver) countRestart(taskID, container string) error {
	n := strconv.Itoa(d.restarts(taskID, container) + 1)
	return os.WriteFile(d.restartFile(taskID, container), []byte(n+"\n"), 0o600)
}
