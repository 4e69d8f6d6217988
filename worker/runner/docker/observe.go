package docker

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/worker/runner"
)

// Tasks returns the ids of the tasks of which there is a container or a folder.
func (d *Driver) Tasks(ctx context.Context) ([]string, error) {
	list, err := d.containers(ctx, "")
	if err != nil {
		return nil, d.engine.explain(err)
	}
	var ids []string
	for i := range list {
		ids = append(ids, list[i].Labels[labelTask])
	}
	entries, err := os.ReadDir(d.taskDir(""))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, pathless(err)
	}
	for _, e := range entries {
		ids = append(ids, e.Name())
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// containers returns the containers of this node, of one task if taskID is not empty.
func (d *Driver) containers(ctx context.Context, taskID string) ([]container.Summary, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := d.engine.api().ContainerList(ctx, client.ContainerListOptions{All: true, Filters: d.ours(taskID)})
	return r.Items, err
}

// find returns a container of a task, or nil.
func (d *Driver) find(ctx context.Context, taskID, name string) (*container.Summary, error) {
	list, err := d.containers(ctx, taskID)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(c container.Summary) bool { return c.Labels[labelContainer] == name })
	if i < 0 {
		return nil, nil
	}
	return &list[i], nil
}

// Observe returns the network and the containers of a task.
func (d *Driver) Observe(ctx context.Context, taskID string) (*runner.Observation, error) {
	list, err := d.containers(ctx, taskID)
	if err != nil {
		return nil, d.engine.explain(err)
	}
	o := &runner.Observation{Ended: map[string]bool{}}
	paused := false
	for i := range list {
		c, ended, err := d.look(ctx, &list[i])
		switch {
		case cerrdefs.IsNotFound(err):
			continue // removed since
		case err != nil:
			return nil, d.engine.explain(err)
		case c.Config.Labels[labelContainer] == pauseName:
			paused = true
			if c.State.Running {
				o.Network = d.pauseNetwork(c)
			}
		case c.State.StartedAt == zeroTime: // created only: Start goes on
		default:
			o.Containers = append(o.Containers, d.containerState(ctx, taskID, c))
			if ended {
				o.Ended[c.Config.Labels[labelContainer]] = true
			}
		}
	}
	if _, err := os.Stat(d.preparedFile(taskID)); err == nil && !paused {
		o.Network = &runner.ObservedNetwork{}
	}
	return o, nil
}

// look describes a container. ended is whether its process has ended though the engine
// does not say so yet.
func (d *Driver) look(ctx context.Context, listed *container.Summary) (c *container.InspectResponse, ended bool, err error) {
	if listed.State == container.StateRunning {
		if c := d.ends.gone(listed.ID); c != nil {
			return c, true, nil
		}
	}
	if c, err = d.inspect(ctx, listed.ID); err != nil {
		return nil, false, err
	}
	if c.State.Running {
		return c, d.ends.running(c), nil
	}
	d.ends.forget(c.ID)
	return c, false, nil
}

// pauseNetwork returns the network of a task that has a pause container.
func (d *Driver) pauseNetwork(c *container.InspectResponse) *runner.ObservedNetwork {
	subnet, ok := c.Config.Labels[labelSubnet]
	if !ok {
		return &runner.ObservedNetwork{}
	}
	if c.NetworkSettings == nil {
		return nil
	}
	return d.observedNetwork(c.NetworkSettings.Networks, subnet)
}

func (d *Driver) inspect(ctx context.Context, id string) (*container.InspectResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := d.engine.api().ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err == nil && (r.Container.State == nil || r.Container.Config == nil) {
		err = errors.New("the Docker Engine describes a container without its state")
	}
	return &r.Container, err
}

// zeroTime is how the engine writes that something has not happened.
const zeroTime = "0001-01-01T00:00:00Z"

// milliseconds returns a time of the engine in milliseconds since 1970, 0 for none.
func milliseconds(s string) int64 {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// containerState translates what the engine knows about a container that was started.
func (d *Driver) containerState(ctx context.Context, taskID string, c *container.InspectResponse) task.ContainerState {
	name := c.Config.Labels[labelContainer]
	s := task.ContainerState{
		Name:        name,
		LastStatus:  task.StatusRunning,
		RuntimeID:   c.ID,
		ImageDigest: d.digestOf(ctx, c.Image),
		Restarts:    d.restarts(taskID, name),
		Created:     milliseconds(c.Created),
		Started:     milliseconds(c.State.StartedAt),
		Bindings:    bindings(c),
	}
	if !c.State.Running && !c.State.Paused && !c.State.Restarting {
		s.LastStatus = task.StatusStopped
		// The engine notes the start after it has happened; a container may have ended before.
		s.Finished = max(milliseconds(c.State.FinishedAt), s.Started)
		s.ExitCode = new(int64(c.State.ExitCode))
		switch {
		case c.State.OOMKilled:
			s.Reason = "OutOfMemoryError: Container killed due to memory usage"
		case c.State.Error != "":
			s.Reason = startPrefix + c.State.Error
		}
	}
	d.health.set(&s, c)
	return s
}

// maxDigests bounds the memory of digests.
const maxDigests = 1000

// digestOf returns the digest of the image of a container. It is for information only,
// so an error gives none.
func (d *Driver) digestOf(ctx context.Context, imageID string) string {
	d.mu.Lock()
	known, ok := d.digests[imageID]
	d.mu.Unlock()
	if ok {
		return known
	}
	digest, found, err := d.imageDigest(ctx, imageID)
	if err != nil || !found {
		return ""
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.digests) >= maxDigests {
		clear(d.digests)
	}
	d.digests[imageID] = digest
	return digest
}

// bindings returns the ports of the node that reach a container. IPv6 bindings repeat
// those of IPv4 and are left out, as the agent of ECS does.
func bindings(c *container.InspectResponse) []task.Binding {
	if c.NetworkSettings == nil {
		return nil
	}
	var out []task.Binding
	for port, list := range c.NetworkSettings.Ports {
		for _, b := range list {
			host, err := netip.ParseAddrPort("0.0.0.0:" + b.HostPort)
			if err != nil || b.HostIP.Is6() {
				continue
			}
			out = append(out, task.Binding{
				BindIP: b.HostIP.String(), ContainerPort: int(port.Num()), HostPort: int(host.Port()), Protocol: string(port.Proto()),
			})
		}
	}
	slices.SortFunc(out, func(a, b task.Binding) int {
		return (a.ContainerPort-b.ContainerPort)*1<<20 + a.HostPort - b.HostPort
	})
	return out
}

// healthMemory remembers when the health of containers changed: the engine keeps only
// the last five results.
type healthMemory struct {
	mu   sync.Mutex
	last map[string]healthState // by id of the container
}

type healthState struct {
	health, output string
	since          int64
}

// set sets the health of a container that has a health check. Output and time are those
// of the change, so that the same health always gives the same state.
func (m *healthMemory) set(s *task.ContainerState, c *container.InspectResponse) {
	h := c.State.Health
	if h == nil || h.Status == container.NoHealthcheck || h.Status == "" {
		return
	}
	now := healthState{health: task.HealthUnknown, since: s.Started}
	if s.LastStatus == task.StatusRunning {
		switch h.Status {
		case container.Healthy:
			now.health = task.HealthHealthy
		case container.Unhealthy:
			now.health = task.HealthUnhealthy
		}
		if n := len(h.Log); n > 0 && now.health != task.HealthUnknown {
			now.since, now.output = h.Log[n-1].End.UnixMilli(), h.Log[n-1].Output
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if before, ok := m.last[s.RuntimeID]; ok && before.health == now.health {
		now = before
	}
	if m.last == nil {
		m.last = map[string]healthState{}
	}
	m.last[s.RuntimeID] = now
	s.Health, s.HealthSince, s.HealthOutput = now.health, now.since, now.output
}

// forget forgets a container that was removed.
func (m *healthMemory) forget(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.last, id)
}
