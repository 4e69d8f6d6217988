package xds

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/replica"
)

// hub follows the snapshots of the replica and keeps the resources that streams have
// subscribed to. A change makes only those again that depend on it, and wakes only the
// streams that follow one of them.
//
// mu also guards the subscriptions of the streams. It is never held while a stream sends,
// and nothing of the replica waits for it.
type hub struct {
	cfg     *Config
	metrics *metrics
	sooner  chan struct{} // has room for one: due has become earlier

	mu       sync.Mutex
	snapshot *replica.Snapshot
	// identifier and suffix say the revision of the snapshot in answers.
	identifier, suffix string
	rules              *state.Rules
	entries            map[entryKey]*entry
	byDep              map[resource.Dep]map[*entry]struct{}
	// load has the octets of all resources that are made from the instances of a service.
	load map[resource.Dep]int
	// viewers has the streams whose view depends on a part of the state.
	viewers map[resource.Dep]map[*stream]struct{}
	// identities is what Config.Identities returned.
	identities any
	streams    map[*stream]struct{} // that have a view
	leaving    map[registry.ServiceID][]leaver
	timed      map[*entry]struct{} // that are made again at a certain time
	due        time.Time           // when the first leaver is gone, or an entry is made again; zero: there is none
}

type entryKey struct {
	scope string
	t     resource.Type
	name  string
}

// entry is a resource that streams follow, or with the name resource.Wildcard, the list
// of names of a wildcard subscription.
type entry struct {
	entryKey
	view     resource.View
	resource *resource.Resource // nil: there is none
	names    []string           // of a wildcard entry
	deps     []resource.Dep
	octets   int       // of the resource, as load counts it
	due      time.Time // when it is made again; zero: when something changes
	streams  map[*stream]struct{}
}

// leaver is an instance that was deregistered.
type leaver struct {
	inst  *registry.Instance
	until time.Time
}

// maxLeavers is how many instances of one service can be leaving.
const maxLeavers = 1000

// maxLoad is how many octets the resources of one service can have together. A client can
// give a service many names, by ports and filters, and a change of one instance makes the
// resources of all of them again.
const maxLoad = 32 << 20

func newHub(cfg *Config, m *metrics) *hub {
	h := &hub{
		cfg: cfg, metrics: m, rules: cfg.Rules(), sooner: make(chan struct{}, 1),
		entries: map[entryKey]*entry{}, byDep: map[resource.Dep]map[*entry]struct{}{},
		leaving: map[registry.ServiceID][]leaver{}, timed: map[*entry]struct{}{}, load: map[resource.Dep]int{},
		viewers: map[resource.Dep]map[*stream]struct{}{}, streams: map[*stream]struct{}{},
	}
	if cfg.Identities != nil {
		h.identities = cfg.Identities()
	}
	h.use(cfg.Replica.Current())
	return h
}

// run follows the replica until ctx ends.
func (h *hub) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		next := h.advance(time.Now())
		timer.Reset(h.wait(time.Now()))
		select {
		case <-ctx.Done():
			return
		case <-next.Superseded():
		case <-h.cfg.Changed:
		case <-h.sooner:
		case <-timer.C:
		}
	}
}

// use makes a snapshot the current one.
func (h *hub) use(s *replica.Snapshot) {
	h.snapshot = s
	h.identifier, h.suffix = h.cfg.identifier(s.Revision), "@"+strconv.FormatUint(s.Revision, 10)
}

// maxWait is the longest wait, after which the clock may have jumped.
const maxWait = time.Minute

// wait returns how long nothing is due.
func (h *hub) wait(now time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.due.IsZero() {
		return time.Hour
	}
	return min(max(h.due.Sub(now), time.Millisecond), maxWait)
}

// advance takes the newest snapshot, makes the resources again that it changes, wakes the
// streams that follow them, and returns the snapshot.
func (h *hub) advance(now time.Time) *replica.Snapshot {
	h.mu.Lock()
	touched, current := h.catchUp(now), h.snapshot
	h.mu.Unlock()
	wakeAll(touched)
	return current
}

func wakeAll(streams []*stream) {
	for _, s := range streams {
		s.wakeUp()
	}
}

// catchUp does what advance does, and returns the streams to wake. A stream calls it before
// it handles a request, so that a client sees what was acknowledged before it asked. The
// caller holds mu.
func (h *hub) catchUp(now time.Time) (touched []*stream) {
	old, next, rules := h.snapshot, h.cfg.Replica.Current(), h.cfg.Rules()
	identities := h.identities
	if h.cfg.Identities != nil {
		identities = h.cfg.Identities()
	}
	if next == old && rules == h.rules && identities == h.identities && (h.due.IsZero() || now.Before(h.due)) {
		return nil
	}
	dirty := map[*entry]struct{}{}
	changed := func(d resource.Dep) {
		for e := range h.byDep[d] {
			dirty[e] = struct{}{}
		}
		for s := range h.viewers[d] {
			s.recheck = true
			touched = append(touched, s)
		}
	}
	h.expire(now, changed)
	for e := range h.timed {
		if !e.due.After(now) {
			dirty[e] = struct{}{}
		} else {
			h.dueAt(e.due)
		}
	}
	if next != old {
		h.use(next)
		if len(h.byDep)+len(h.viewers) > 0 { // else no client has anything that can change
			needed := func(d resource.Dep) bool { return len(h.byDep[d])+len(h.viewers[d]) > 0 }
			resource.RegistryChanges(&old.Registry, &next.Registry, needed, changed, func(svc *registry.Service, inst *registry.Instance) {
				h.leave(svc, inst, now)
			})
			for _, s := range h.cfg.Sources {
				s.Changes(old.State, next.State, changed)
			}
		}
	}
	if rules != h.rules {
		h.rules = rules
		for _, e := range h.entries {
			dirty[e] = struct{}{}
		}
		for s := range h.streams {
			s.recheck = true
			touched = append(touched, s)
		}
	}
	if identities != h.identities {
		h.identities = identities
		for s := range h.streams {
			s.recheck = true
			touched = append(touched, s)
		}
	}
	for e := range dirty {
		if h.make(e, now) {
			for s := range e.streams {
				s.mark(e)
				touched = append(touched, s)
			}
		}
	}
	return touched
}

// leave remembers an instance that was deregistered.
func (h *hub) leave(svc *registry.Service, inst *registry.Instance, now time.Time) {
	if h.cfg.Drain <= 0 || svc.Health(inst) == registry.Unhealthy || len(h.leaving[svc.ID]) >= maxLeavers || len(h.byDep[resource.InstancesOf(svc.ID)]) == 0 {
		return
	}
	until := now.Add(h.cfg.Drain)
	h.leaving[svc.ID] = append(h.leaving[svc.ID], leaver{inst, until})
	h.dueAt(until)
}

// dueAt makes the hub look again at a time.
func (h *hub) dueAt(t time.Time) {
	if !h.due.IsZero() && !t.Before(h.due) {
		return
	}
	h.due = t
	select {
	case h.sooner <- struct{}{}: // run may be waiting for a later time
	default:
	}
}

// expire forgets instances that have left.
func (h *hub) expire(now time.Time, changed func(resource.Dep)) {
	if h.due.IsZero() || now.Before(h.due) {
		return
	}
	h.due = time.Time{}
	for id, all := range h.leaving {
		kept := slices.DeleteFunc(slices.Clone(all), func(l leaver) bool { return !l.until.After(now) })
		if len(kept) < len(all) {
			changed(resource.InstancesOf(id))
		}
		if len(kept) == 0 {
			delete(h.leaving, id)
			continue
		}
		h.leaving[id] = kept
		for _, l := range kept {
			h.dueAt(l.until)
		}
	}
}

// input returns the input for what is made from the current snapshot.
func (h *hub) input(now time.Time) *resource.Input {
	return &resource.Input{State: h.snapshot.State, Rules: h.rules, Leaving: h.leavingOf, Now: now}
}

func (h *hub) leavingOf(id registry.ServiceID) []*registry.Instance {
	var all []*registry.Instance
	for _, l := range h.leaving[id] {
		all = append(all, l.inst)
	}
	return all
}

// make makes an entry from the current snapshot and reports whether it has changed.
func (h *hub) make(e *entry, now time.Time) bool {
	in := h.input(now)
	h.forgetDeps(e)
	changed := false
	if e.name == resource.Wildcard {
		names := e.view.Names(in, e.t)
		changed = !slices.Equal(names, e.names)
		e.names = names
	} else {
		changed = e.replace(h.encode(e, e.view.Make(in, e.t, e.name)))
	}
	if e.octets = 0; e.resource != nil {
		e.octets = e.resource.Size()
	}
	in.Used(func(d resource.Dep) {
		e.deps = append(e.deps, d)
		if h.byDep[d] == nil {
			h.byDep[d] = map[*entry]struct{}{}
		}
		h.byDep[d][e] = struct{}{}
		if d.Kind == resource.DepInstances {
			h.load[d] += e.octets
		}
	})
	if e.due = in.Due(); e.due.IsZero() {
		delete(h.timed, e)
	} else {
		h.timed[e] = struct{}{}
		h.dueAt(e.due)
	}
	return changed
}

// tooMany reports whether an entry is new, and one too many of its service.
func (h *hub) tooMany(e *entry) bool {
	return len(e.streams) == 1 && slices.ContainsFunc(e.deps, func(d resource.Dep) bool {
		return d.Kind == resource.DepInstances && h.load[d] > max(maxLoad, e.octets)
	})
}

// encode encodes a message. A message that cannot be encoded, or is too large for
// clients, is a defect; clients keep what they have.
func (h *hub) encode(e *entry, m *resource.Message) *resource.Resource {
	if m == nil {
		return nil
	}
	r, err := resource.Encode(e.t, e.name, m)
	if err != nil {
		h.cfg.Logger.Error("resource cannot be encoded", "type", e.t.String(), "name", e.name, "error", err)
		return e.resource
	}
	h.metrics.encoded[e.t].Inc()
	if r.Size() > alarmSize {
		h.cfg.Logger.Error("resource is close to the 4 MiB that gRPC clients accept", "type", e.t.String(), "name", e.name, "bytes", r.Size())
	}
	return r
}

// replace stores the resource and reports whether it differs from the one before.
func (e *entry) replace(r *resource.Resource) bool {
	if e.resource != nil && r != nil && e.resource.Version == r.Version {
		return false
	}
	changed := e.resource != r
	e.resource = r
	return changed
}

func (h *hub) forgetDeps(e *entry) {
	for _, d := range e.deps {
		delete(h.byDep[d], e)
		if d.Kind == resource.DepInstances {
			h.load[d] -= e.octets
		}
		if len(h.byDep[d]) == 0 {
			delete(h.byDep, d)
			delete(h.load, d)
		}
	}
	e.deps = e.deps[:0]
}

// follow makes a stream follow a resource, and returns it. The caller holds mu.
func (h *hub) follow(s *stream, t resource.Type, name string) *entry {
	key := entryKey{s.view.Scope(t, name), t, name}
	e := h.entries[key]
	if e == nil {
		e = &entry{entryKey: key, view: s.view, streams: map[*stream]struct{}{}}
		h.entries[key] = e
		h.make(e, time.Now())
	}
	e.streams[s] = struct{}{}
	return e
}

// unfollow ends follow. The caller holds mu.
func (h *hub) unfollow(s *stream, e *entry) {
	delete(e.streams, s)
	if len(e.streams) == 0 {
		h.forgetDeps(e)
		delete(h.timed, e)
		delete(h.entries, e.entryKey)
	}
}

// view asks the sources for the view of the proxy of a stream, and notes what it depends
// on. The caller holds mu.
func (h *hub) view(s *stream, p *resource.Proxy) (resource.View, error) {
	in := h.input(time.Now())
	h.forgetView(s)
	v, err := h.ask(in, p)
	h.streams[s] = struct{}{}
	in.Used(func(d resource.Dep) {
		s.viewDeps = append(s.viewDeps, d)
		if h.viewers[d] == nil {
			h.viewers[d] = map[*stream]struct{}{}
		}
		h.viewers[d][s] = struct{}{}
	})
	return v, err
}

func (h *hub) ask(in *resource.Input, p *resource.Proxy) (resource.View, error) {
	for _, source := range h.cfg.Sources {
		v, err := source.View(in, p)
		if v != nil || err != nil {
			return v, err
		}
	}
	return nil, errNoView
}

// forgetView ends what view began. The caller holds mu.
func (h *hub) forgetView(s *stream) {
	for _, d := range s.viewDeps {
		delete(h.viewers[d], s)
		if len(h.viewers[d]) == 0 {
			delete(h.viewers, d)
		}
	}
	s.viewDeps = s.viewDeps[:0]
	delete(h.streams, s)
}
