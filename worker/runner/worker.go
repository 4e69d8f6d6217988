package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/replica"
)

// worker does the steps of one task, one round after the other.
type worker struct {
	r     *Runner
	id    string
	wake  chan struct{} // has room for one
	shown *task.Task    // that the worker was last woken for; guarded by Runner.mu

	// account and cluster are those of the task, once it is known.
	account command.AccountID
	cluster string

	spec *Spec
	// specOf is the task of spec.
	specOf *task.Task
	pulled map[string]bool
	broken map[string]string
	// digests are those of pulled images.
	digests                  map[string]string
	pullStarted, pullStopped int64
	served                   bool // the endpoint of the task is open
	cleared                  bool // the task was removed from the machine
	proxy                    *proxyServer
	attempt                  int // failures in a row
	prepared                 int // failed attempts to make the network
}

func newWorker(r *Runner, id string) *worker {
	return &worker{
		r: r, id: id, wake: make(chan struct{}, 1),
		pulled: map[string]bool{}, broken: map[string]string{}, digests: map[string]string{},
	}
}

// kick makes the worker look again.
func (w *worker) kick() {
	select {
	case w.wake <- struct{}{}:
	default: // it is going to
	}
}

// run works until nothing of the task is left, or ctx ends.
func (w *worker) run(ctx context.Context) {
	defer w.close()
	for ctx.Err() == nil {
		again, wake, err := w.round(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			w.r.metrics.errors.Inc()
			w.r.cfg.Logger.Warn("a step of a task failed; it is tried again", "task", w.id, "error", err)
			wake = time.Now().Add(backOff(w.attempt)).UnixMilli()
			w.attempt++
		case err == nil:
			w.attempt = 0
		}
		if again == ended {
			return
		}
		if again == atOnce && err == nil {
			continue
		}
		w.wait(ctx, wake)
	}
}

func (w *worker) close() {
	if w.r.cfg.Endpoint != nil {
		w.r.cfg.Endpoint.Close(w.id)
	}
	w.closeProxy()
}

// wait waits until something has changed, or the time in milliseconds; 0: no time.
func (w *worker) wait(ctx context.Context, until int64) {
	var due <-chan time.Time
	if until != 0 {
		t := time.NewTimer(time.Until(time.UnixMilli(until)))
		defer t.Stop()
		due = t.C
	}
	select {
	case <-ctx.Done():
	case <-w.wake:
	case <-due:
	}
}

// outcome says what follows a round.
type outcome int

const (
	later  outcome = iota // when something has changed
	atOnce                // the next round
	ended                 // nothing
)

// round looks at the task, does the next steps, and reports.
func (w *worker) round(ctx context.Context) (outcome, int64, error) {
	snapshot, t := w.current()
	seen, err := w.r.cfg.Driver.Observe(ctx, w.id)
	if err != nil {
		return later, 0, err
	}
	s := w.situation(snapshot, t, seen)
	if err := w.serve(ctx, s, seen); err != nil {
		return later, 0, err
	}
	reported, err := w.report(ctx, s, seen)
	if err != nil {
		return later, 0, err
	}
	if _, now := w.current(); reported && now != t {
		return atOnce, 0, nil
	}
	p := next(s)
	switch {
	case p.failure != "":
		return atOnce, 0, w.fail(ctx, t, p.failure)
	case p.removed:
		w.r.pool.release(w.id)
		if t == nil || t.LastStatus == task.StatusStopped {
			return ended, 0, nil
		}
		return atOnce, 0, w.propose(ctx, t, &task.Report{Removed: true})
	case len(p.steps) == 0:
		return later, p.wake, nil
	}
	return atOnce, 0, w.do(ctx, s, p.steps)
}

// current returns the task in the newest snapshot, if it is one of this node.
func (w *worker) current() (*replica.Snapshot, *task.Task) {
	snapshot := w.r.cfg.Replica.Current()
	if w.cluster == "" {
		for t := range snapshot.Task.TasksOfNode(w.r.cfg.Node.Name) {
			if t.ID == w.id {
				w.account, w.cluster = t.Account, t.Cluster
			}
		}
	}
	t, ok := snapshot.Task.Task(w.account, w.cluster, w.id)
	if !ok || t.Node != w.r.cfg.Node.Name {
		return snapshot, nil
	}
	return snapshot, t
}

// situation joins what the state says and what the machine has.
func (w *worker) situation(snapshot *replica.Snapshot, t *task.Task, seen *Observation) *situation {
	s := &situation{
		now: time.Now().UnixMilli(), task: t, network: seen.Network != nil,
		seen: map[string]*task.ContainerState{}, ended: seen.Ended, pulled: w.pulled, broken: w.broken, cleared: w.cleared,
	}
	for i := range seen.Containers {
		s.seen[seen.Containers[i].Name] = &seen.Containers[i]
	}
	if t == nil {
		return s
	}
	if d, ok := snapshot.Task.DefinitionOf(t); ok {
		s.definition = runnable(merged(d, t.Overrides), t)
	}
	return s
}

// serve opens the endpoints that a task needs before its containers run, also after a
// restart of the program.
func (w *worker) serve(ctx context.Context, s *situation, seen *Observation) error {
	if w.served || s.task == nil || s.definition == nil || seen.Network == nil || s.task.LastStatus == task.StatusStopped || networkMode(s.definition) != ModeAWSVPC {
		return nil
	}
	subnet, err := w.r.pool.choose([]string{seen.Network.Subnet})
	if err == nil && w.r.cfg.Gateway != nil {
		if err := w.r.cfg.Gateway(ctx, subnet.gateways()); err != nil {
			return err
		}
	}
	if w.r.cfg.Endpoint != nil {
		if err := w.r.cfg.Endpoint.Open(ctx, s.task); err != nil {
			return err
		}
	}
	if s.task.Proxy != "" {
		if err := w.serveProxy(ctx, s.task); err != nil {
			return err
		}
	}
	w.served = true
	return nil
}

// report proposes what the state does not know yet.
func (w *worker) report(ctx context.Context, s *situation, seen *Observation) (bool, error) {
	if s.task == nil || s.task.LastStatus == task.StatusStopped {
		return false, nil
	}
	r := &task.Report{Containers: s.report()}
	if w.pullStarted > s.task.PullStarted {
		r.PullStarted = w.pullStarted
	}
	if w.pullStopped > s.task.PullStopped {
		r.PullStopped = w.pullStopped
	}
	if n := seen.Network; n != nil && len(n.Addresses) > 0 && (s.task.Network == nil || s.task.Network.IPv4+s.task.Network.IPv6 == "") {
		r.Network = networkOf(n)
	}
	if len(r.Containers) == 0 && r.Network == nil && r.PullStarted == 0 && r.PullStopped == 0 {
		return false, nil
	}
	return true, w.propose(ctx, s.task, r)
}

func networkOf(o *ObservedNetwork) *task.Network {
	n := &task.Network{MAC: o.MAC}
	if o.Subnet != DefaultSubnet {
		n.Subnet = o.Subnet
	}
	for _, p := range o.Addresses {
		if p.Addr().Is4() {
			n.IPv4 = p.Addr().String()
		} else {
			n.IPv6 = p.Addr().String()
		}
	}
	return n
}

func (w *worker) fail(ctx context.Context, t *task.Task, reason string) error {
	w.r.metrics.failures.Inc()
	return w.propose(ctx, t, &task.Report{Failure: reason})
}

func (w *worker) propose(ctx context.Context, t *task.Task, r *task.Report) error {
	r.Account, r.Cluster, r.Task, r.Node = t.Account, t.Cluster, t.ID, w.r.cfg.Node.Name
	_, err := w.r.cfg.Replica.Propose(ctx, t.Account, r)
	return err
}

// do does steps at the same time. The first error is returned, after all have ended.
func (w *worker) do(ctx context.Context, s *situation, steps []step) error {
	spec, err := w.specFor(s)
	if err != nil {
		return w.fail(ctx, s.task, reason("ResourceInitializationError", err))
	}
	results := make([]error, len(steps))
	var group sync.WaitGroup
	for i, st := range steps {
		group.Go(func() { results[i] = w.step(ctx, spec, st) })
	}
	group.Wait()
	var errs []error
	for i, st := range steps {
		errs = append(errs, w.result(ctx, s, st, results[i]))
	}
	return errors.Join(errs...)
}

// specFor returns the spec of the task. It is made again when the task has changed, as
// its addresses do. Nil: the state has no such task.
func (w *worker) specFor(s *situation) (*Spec, error) {
	if s.task == nil || s.definition == nil || s.task.DesiredStatus == task.StatusStopped {
		return nil, nil
	}
	if w.specOf == s.task {
		return w.spec, nil
	}
	spec, err := w.r.spec(s.task, s.definition)
	if err != nil {
		return nil, err
	}
	if err := w.r.network(spec); err != nil {
		return nil, err
	}
	if err := w.r.addProxy(spec); err != nil {
		return nil, err
	}
	w.spec, w.specOf = spec, s.task
	return spec, nil
}

// network completes the network of a spec.
func (r *Runner) network(s *Spec) error {
	n := &s.Network
	n.Search, n.DNS = r.cfg.Search, r.cfg.DNS
	if n.Mode != ModeAWSVPC {
		return nil
	}
	subnet, err := r.pool.choose(wantedSubnets(s.Task))
	if err != nil {
		return err
	}
	if n.Addresses, err = r.pool.take(s.Task.ID, subnet.ID); err != nil {
		return err
	}
	n.Subnet, n.Gateways = subnet.ID, subnet.gateways()
	n.Hostname = "ip-" + strings.ReplaceAll(n.Addresses[0].Addr().String(), ".", "-")
	if len(n.DNS) == 0 {
		n.DNS = n.Gateways[:1]
	}
	if r.cfg.Hosts != nil {
		n.Hosts = r.cfg.Hosts(n.Gateways)
	}
	return nil
}

// step does one step. Steps that make something wait for one of a bounded number of
// places; to stop a container takes no place, because it may take long.
func (w *worker) step(ctx context.Context, spec *Spec, s step) error {
	if s.action != stop {
		select {
		case w.r.heavy <- struct{}{}:
			defer func() { <-w.r.heavy }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	begin := time.Now()
	err := w.act(ctx, spec, s)
	w.r.metrics.observe(s.action, begin)
	return err
}

func (w *worker) act(ctx context.Context, spec *Spec, s step) error {
	d := w.r.cfg.Driver
	switch s.action {
	case prepare:
		return d.Prepare(ctx, spec)
	case pull:
		return w.pull(ctx, spec.Container(s.container).Definition.Image)
	case start:
		return d.Start(ctx, spec, s.container)
	case stop:
		return d.Stop(ctx, w.id, s.container, s.timeout)
	case remove:
		w.close()
		err := d.Remove(ctx, w.id)
		w.cleared = err == nil
		return err
	}
	return fmt.Errorf("unknown action %d", s.action)
}

// pull is called at the same time for different images only.
func (w *worker) pull(ctx context.Context, image string) error {
	begin := time.Now().UnixMilli()
	digest, err := w.r.cfg.Driver.Pull(ctx, image)
	w.r.mu.Lock()
	defer w.r.mu.Unlock()
	if w.pullStarted == 0 {
		w.pullStarted = begin
	}
	if err == nil {
		w.pulled[image], w.digests[image], w.pullStopped = true, digest, time.Now().UnixMilli()
	}
	return err
}

// prepareAttempts is how often the network of a task is tried before the task fails.
const prepareAttempts = 3

// result handles the error of a step: some end the task, others are tried again.
func (w *worker) result(ctx context.Context, s *situation, st step, err error) error {
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	switch st.action {
	case prepare:
		if w.prepared++; w.prepared < prepareAttempts {
			return err
		}
		return w.fail(ctx, s.task, reason("ResourceInitializationError", err))
	case pull:
		return w.fail(ctx, s.task, reason("CannotPullContainerError", err))
	case start:
		if s.seen[st.container] != nil { // a restart; the container has ended and does not start again
			w.broken[st.container] = reason("CannotStartContainerError", err)
			return nil
		}
		return w.fail(ctx, s.task, reason("CannotStartContainerError", err))
	}
	return err
}

// reason returns the text of an error, with a kind before it if it has none.
func reason(kind string, err error) string {
	text := err.Error()
	if head, _, ok := strings.Cut(text, ": "); ok && strings.HasSuffix(head, "Error") && !strings.Contains(head, " ") {
		return text
	}
	return kind + ": " + text
}
