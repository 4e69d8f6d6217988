package xds

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"

	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"

	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

const (
	// chunkSize is how many bytes of resources an answer has, if it can be split. gRPC
	// clients accept 4 MiB.
	chunkSize = 1 << 20
	// alarmSize is the size of a resource that is logged as an error.
	alarmSize = 3 << 20
)

// next returns the next answer to send, or nil. Types are tried in the order in which
// changes must arrive. Each type has at most one answer in flight; what changes
// meanwhile is sent in its newest version afterwards. The caller holds hub.mu.
func (s *stream) next(now time.Time) *frame {
	for progress := true; progress; {
		progress = false
		for _, ss := range s.types {
			if ss == nil || ss.inFlight || !ss.unsent() {
				continue
			}
			before := len(ss.queue)
			if f := s.answer(ss, now); f != nil {
				return f
			}
			// What is no longer queued may have been what removals waited for.
			progress = progress || len(ss.queue) < before
		}
	}
	return nil
}

// answer returns an answer with what is queued of a type, or nil if there is nothing to
// say.
func (s *stream) answer(ss *subscriptions, now time.Time) *frame {
	a := answer{ss: ss, blocked: s.blocked(ss.t, now), keep: s.usersBusy(ss.t)}
	var f *frame
	switch {
	case s.delta:
		f = s.deltaAnswer(&a)
	case ss.t.Full():
		f = s.fullAnswer(&a)
	default:
		f = s.partAnswer(&a)
	}
	if f == nil {
		return nil
	}
	if n := f.size(); n > alarmSize && !s.delta && ss.t.Full() {
		s.server.cfg.Logger.Error("answer is close to the 4 MiB that gRPC clients accept; the delta protocol has smaller ones",
			append(s.attrs(), "type", ss.t.String(), "resources", len(f.resources), "octets", n)...)
	}
	ss.inFlight, ss.answerDue, ss.sentAt = true, false, now
	ss.sent = f.version
	ss.answers++
	s.server.metrics.sent(ss.t, f.size())
	return f
}

// answer is an answer that is being made.
type answer struct {
	ss *subscriptions
	// blocked means that only what the client has asked for may be sent: changes wait
	// until the client has the clusters.
	blocked bool
	// keep means that nothing may be removed yet, because listeners or routes of the
	// client may still refer to it.
	keep bool
}

// blocked reports whether changes of listeners and routes must wait for clusters and
// their endpoints.
func (s *stream) blocked(t resource.Type, now time.Time) bool {
	clusters := s.types[resource.Cluster]
	if t != resource.Listener && t != resource.Route || clusters == nil {
		return false
	}
	if !clusters.inFlight && len(s.awaited) == 0 {
		s.holdUntil = time.Time{}
		return false
	}
	if s.holdUntil.IsZero() {
		s.holdUntil = now.Add(maxHold)
	}
	if now.Before(s.holdUntil) {
		return true
	}
	clear(s.awaited)
	s.holdUntil = time.Time{}
	return false
}

// usersBusy reports whether changes of listeners or routes were not yet sent and
// accepted.
func (s *stream) usersBusy(t resource.Type) bool {
	if t != resource.Cluster && t != resource.Endpoints {
		return false
	}
	for _, t := range []resource.Type{resource.Listener, resource.Route} {
		if ss := s.types[t]; ss != nil && (len(ss.queue) > 0 || ss.inFlight) {
			return true
		}
	}
	return false
}

// take goes through the queue. send is called for what has a new version, remove for
// what the client must drop; they return false to leave it in the queue.
func (s *stream) take(a *answer, send func(name string, sub *subscription, r *resource.Resource) bool, remove func(name string, sub *subscription) bool) {
	ss := a.ss
	queue := ss.queue
	ss.queue = ss.queue[:0]
	for _, name := range queue {
		sub := ss.subs[name]
		if sub == nil || !sub.due {
			continue
		}
		done := true
		switch {
		case sub.changed():
			done = (!a.blocked || sub.force) && send(name, sub, sub.current())
		case sub.current() == nil && (sub.has != "" || s.delta && sub.force):
			done = !(a.keep && sub.has != "") && remove(name, sub)
		}
		if done {
			sub.due = false
		} else {
			ss.queue = append(ss.queue, name)
		}
	}
}

// fullAnswer returns a state-of-the-world answer with everything that the client wants,
// if something of it has changed.
func (s *stream) fullAnswer(a *answer) *frame {
	ss := a.ss
	if a.blocked && !ss.answerDue && !slices.ContainsFunc(ss.queue, func(name string) bool { sub := ss.subs[name]; return sub != nil && sub.force }) {
		return nil
	}
	a.blocked = false
	any := ss.answerDue
	s.take(a, func(_ string, sub *subscription, r *resource.Resource) bool {
		any = true
		s.sending(ss, sub, r)
		return true
	}, func(name string, sub *subscription) bool {
		any = true
		s.removing(ss, name, sub)
		return true
	})
	if !any {
		return nil
	}
	f := s.newFrame(ss.t)
	for _, sub := range ss.subs {
		if sub.sent != nil {
			f.resources = append(f.resources, sub.sent)
		}
	}
	slices.SortFunc(f.resources, func(a, b *resource.Resource) int { return compare(a.Name, b.Name) })
	return s.finishWorld(ss, f)
}

// partAnswer returns a state-of-the-world answer with what has changed. It says nothing
// about other resources.
func (s *stream) partAnswer(a *answer) *frame {
	ss := a.ss
	f := s.newFrame(ss.t)
	size := 0
	fits := func(r *resource.Resource) bool {
		if size > 0 && size+r.Size() > chunkSize {
			return false
		}
		size += r.Size()
		f.resources = append(f.resources, r)
		return true
	}
	s.take(a, func(_ string, sub *subscription, r *resource.Resource) bool {
		if !fits(r) {
			return false
		}
		s.sending(ss, sub, r)
		return true
	}, func(name string, sub *subscription) bool {
		// The protocol cannot remove these. Endpoints of a service that is gone are
		// none; others go with what refers to them.
		if ss.t == resource.Endpoints {
			if r := noEndpoints(name); !fits(r) {
				return false
			}
		}
		ss.forget(sub)
		return true
	})
	if len(f.resources) == 0 {
		return nil
	}
	return s.finishWorld(ss, f)
}

func noEndpoints(name string) *resource.Resource {
	r, err := resource.Encode(resource.Endpoints, name, &resource.Message{Proto: &endpointv3.ClusterLoadAssignment{ClusterName: name}})
	if err != nil {
		panic(err) // a name is valid UTF-8: it came in a request
	}
	return r
}

// deltaAnswer returns an answer of the delta protocol.
func (s *stream) deltaAnswer(a *answer) *frame {
	ss := a.ss
	f := s.newFrame(ss.t)
	size := 0
	for len(ss.removed) > 0 && size < chunkSize {
		f.removed = append(f.removed, ss.removed[0])
		size += len(ss.removed[0])
		ss.removed = ss.removed[1:]
	}
	s.take(a, func(_ string, sub *subscription, r *resource.Resource) bool {
		if size > 0 && size+r.Size() > chunkSize {
			return false
		}
		size += r.Size()
		f.resources = append(f.resources, r)
		s.sending(ss, sub, r)
		return true
	}, func(name string, sub *subscription) bool {
		if size > 0 && size+len(name) > chunkSize {
			return false
		}
		size += len(name)
		f.removed = append(f.removed, name)
		sub.force = false
		s.removing(ss, name, sub)
		return true
	})
	if len(f.resources)+len(f.removed) == 0 && !ss.answerDue {
		return nil
	}
	f.version = s.hub.suffix[1:]
	ss.nonce = s.nextNonce()
	f.nonce = ss.nonce
	return f
}

// sending notes that the client gets a resource.
func (s *stream) sending(ss *subscriptions, sub *subscription, r *resource.Resource) {
	isNew := sub.has == ""
	ss.hold(sub, r)
	if ss.t == resource.Endpoints {
		delete(s.awaited, r.Name)
	}
	for _, ref := range r.Refs {
		s.resend(ref)
		if isNew && ss.t == resource.Cluster && ref.Type == resource.Endpoints && ss.wildcard && s.only == nil {
			if s.awaited == nil {
				s.awaited = map[string]bool{}
			}
			s.awaited[ref.Name] = true
		}
	}
}

// resend makes a resource due again: a client does not use a new version of what refers
// to it before it has got it after that.
func (s *stream) resend(ref resource.Ref) {
	users := s.types[ref.Type]
	if users == nil || ref.Type == resource.Cluster {
		return
	}
	if sub := users.subs[ref.Name]; sub != nil && sub.has != "" {
		sub.force = true
		users.enqueue(ref.Name, sub)
	}
}

// removing notes that the client drops a resource.
func (s *stream) removing(ss *subscriptions, name string, sub *subscription) {
	ss.forget(sub)
	if ss.t == resource.Cluster {
		delete(s.awaited, name)
	}
	if sub.gone {
		s.drop(ss, name, sub)
	}
}

func (s *stream) newFrame(t resource.Type) *frame {
	return &frame{t: t, delta: s.delta, identifier: s.hub.identifier}
}

// finishWorld gives an answer its version and nonce.
func (s *stream) finishWorld(ss *subscriptions, f *frame) *frame {
	f.version = setVersion(ss.sum, ss.tainted, s.hub.suffix)
	ss.nonce = s.nextNonce()
	f.nonce = ss.nonce
	return f
}

// setVersion returns the version of a set of resources, with a suffix: the same set has the
// same version on every node. A tainted version never equals another one.
func setVersion(sum uint64, tainted bool, suffix string) string {
	var octets [8]byte
	binary.BigEndian.PutUint64(octets[:], sum)
	b := hex.AppendEncode(make([]byte, 0, 48), octets[:])
	if tainted {
		b = append(b, '~')
	}
	return string(append(b, suffix...))
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
