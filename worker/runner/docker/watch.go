package docker

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"
)

const (
	// pingInterval is how often an engine that sends no events is asked whether it
	// still answers.
	pingInterval = 10 * time.Second
	pingTimeout  = 5 * time.Second
	// overlap is how far events before a connection are asked for, so that none is
	// missed while it is made.
	overlap = 5 * time.Second
	// retryMin and retryMax bound the wait before the next connection.
	retryMin = 100 * time.Millisecond
	retryMax = 5 * time.Second
)

// Run reports changes of containers and copies their output. When the engine is away it
// tries again until ctx ends; after each connection it reports all tasks, because
// events may have been missed.
func (d *Driver) Run(ctx context.Context, changed func(taskID string)) error {
	d.pruneLogs()
	ctx, cancel := context.WithCancel(ctx)
	var copies sync.WaitGroup
	defer copies.Wait()
	defer d.ends.stop()
	defer cancel()
	away := false
	for wait := retryMin; ; wait = min(2*wait, retryMax) {
		connected := func() {
			if away {
				d.cfg.Logger.Info("the Docker Engine is back")
			}
			away, wait = false, retryMin
		}
		err := d.watch(ctx, &copies, changed, connected)
		if ctx.Err() != nil {
			return nil
		}
		if !away {
			d.cfg.Logger.Warn("the Docker Engine is away: tasks cannot be started or stopped", "error", d.engine.explain(err))
			away = true
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		if err := d.engine.renew(); err != nil {
			return err
		}
	}
}

// watch reports changes until the connection to the engine ends.
func (d *Driver) watch(ctx context.Context, copies *sync.WaitGroup, changed func(string), connected func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := d.ping(ctx); err != nil {
		return err
	}
	stream := d.engine.api().Events(streamContext(ctx), client.EventsListOptions{
		Since:   time.Now().Add(-overlap).Format(time.RFC3339Nano),
		Filters: d.ours("").Add("type", string(events.ContainerEventType)),
	})
	if err := d.all(ctx, copies, changed); err != nil {
		return err
	}
	connected()
	tick := time.NewTicker(pingInterval)
	defer tick.Stop()
	for {
		select {
		case e := <-stream.Messages:
			d.event(ctx, copies, &e, changed)
		case err := <-stream.Err:
			return err
		case <-tick.C:
			if err := d.ping(ctx); err != nil {
				return err
			}
		}
	}
}

func (d *Driver) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	_, err := d.engine.api().Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
	return err
}

// all reports all tasks and copies the output of all containers.
func (d *Driver) all(ctx context.Context, copies *sync.WaitGroup, changed func(string)) error {
	ids, err := d.Tasks(ctx)
	if err != nil {
		return err
	}
	list, err := d.containers(ctx, "")
	if err != nil {
		return err
	}
	d.secure(ctx)
	for i := range list {
		d.follow(ctx, copies, &list[i], changed)
	}
	for _, id := range ids {
		changed(id)
	}
	return nil
}

// matters reports whether an event changes what Observe or Tasks returns. Most do not:
// each health check makes three events.
func matters(a events.Action) bool {
	switch a {
	case events.ActionCreate, events.ActionStart, events.ActionDie, events.ActionOOM, events.ActionDestroy, events.ActionPause, events.ActionUnPause:
		return true
	}
	return strings.HasPrefix(string(a), string(events.ActionHealthStatus)) // "health_status: healthy"
}

// event reports one event. Labels of the container are attributes of its events.
func (d *Driver) event(ctx context.Context, copies *sync.WaitGroup, e *events.Message, changed func(string)) {
	taskID := e.Actor.Attributes[labelTask]
	if taskID == "" || !matters(e.Action) {
		return
	}
	if e.Action == events.ActionStart {
		if c, err := d.find(ctx, taskID, e.Actor.Attributes[labelContainer]); err == nil && c != nil {
			d.follow(ctx, copies, c, changed)
		}
	}
	changed(taskID)
}

// follow copies the output of a container and waits for its end.
func (d *Driver) follow(ctx context.Context, copies *sync.WaitGroup, c *container.Summary, changed func(taskID string)) {
	d.startCopy(ctx, copies, c)
	if taskID := c.Labels[labelTask]; c.State == container.StateRunning && c.Labels[labelContainer] != pauseName {
		d.watchEnd(ctx, c.ID, func() { changed(taskID) })
	}
}
