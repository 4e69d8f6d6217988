package xds

import (
	"slices"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// subscriptions is what a stream has subscribed to of one type, and what its client has.
// hub.mu guards it.
type subscriptions struct {
	t        resource.Type
	wildcard bool
	// explicit means that the client has named a resource before: an empty list means
	// nothing from then on, and no longer everything.
	explicit bool
	list     *entry // of a wildcard subscription
	subs     map[string]*subscription
	named    int // number of subscriptions by name
	round    int // number of the request that subscriptions were compared with

	nonce    string // of the newest answer; empty: there was none
	inFlight bool   // the newest answer was neither accepted nor rejected yet
	sentAt   time.Time
	// late is what the client asked for with an old nonce, and lateAt when; see
	// silence.go.
	late   *discoveryv3.DiscoveryRequest
	lateAt time.Time
	// queue has the names of subscriptions that may have something to send.
	queue []string
	// answerDue means that the client waits for an answer, even an empty one.
	answerDue bool
	// sum is the sum of Resource.Sum of what the client has.
	sum uint64
	// tainted means that the client has rejected an answer, so that sum may not be true.
	tainted bool

	// removed are names without a subscription of which the client must hear that they
	// are gone (delta).
	removed []string

	sent, acked string // versions of answers
	rejected    *rejection
	answers     int
}

// subscription is a resource of which the client wants the newest version.
type subscription struct {
	entry *entry // nil: the client has a resource that it does not want
	named bool   // subscribed by name; otherwise by the wildcard only
	round int    // of the request that named it last
	due   bool   // is in the queue
	force bool   // is sent even if the client has this version
	gone  bool   // no longer wanted by the wildcard; the client must drop it
	// has is the version that the client has, empty for none. sent is what was sent; nil
	// if has is what the client said.
	has  string
	sent *resource.Resource
}

// current returns the newest version of a resource, or nil.
func (s *subscription) current() *resource.Resource {
	if s.gone || s.entry == nil {
		return nil
	}
	return s.entry.resource
}

// changed reports whether there is a version that must be sent.
func (s *subscription) changed() bool {
	r := s.current()
	return r != nil && (s.force || r.Version != s.has)
}

func (s *stream) subscriptions(t resource.Type) *subscriptions {
	if s.types[t] == nil {
		s.types[t] = &subscriptions{t: t, subs: map[string]*subscription{}}
	}
	return s.types[t]
}

// unsent reports whether there may be something to send.
func (ss *subscriptions) unsent() bool {
	return len(ss.queue) > 0 || len(ss.removed) > 0 || ss.answerDue
}

// enqueue notes that a subscription may have something to send.
func (ss *subscriptions) enqueue(name string, sub *subscription) {
	if !sub.due {
		sub.due = true
		ss.queue = append(ss.queue, name)
	}
}

// maxName is how many octets the name of a resource can have.
const maxName = 2048

// subscribe subscribes to a resource by name, which makes its newest version due. It
// reports whether the subscription is new.
func (s *stream) subscribe(ss *subscriptions, name string) (bool, error) {
	if err := s.yield(); err != nil {
		return false, err
	}
	sub := ss.subs[name]
	if sub != nil && sub.named {
		return false, nil
	}
	if err := checkName(name); err != nil {
		return false, err
	}
	if sub == nil {
		sub = &subscription{}
		ss.subs[name] = sub
		s.size++
	}
	if sub.entry == nil {
		sub.entry = s.hub.follow(s, ss.t, name)
	}
	sub.named, sub.gone = true, false
	ss.named++
	sub.force = true
	ss.enqueue(name, sub)
	if s.hub.tooMany(sub.entry) {
		return true, status.Errorf(codes.ResourceExhausted, "%s %.100q: the resources of this service have more than %d MiB under all their names", ss.t, name, maxLoad>>20)
	}
	return true, nil
}

func checkName(name string) error {
	if len(name) > maxName {
		return status.Errorf(codes.InvalidArgument, "the resource name %.100q… has %d octets; at most %d are allowed", name, len(name), maxName)
	}
	return nil
}

// yield lets others use the hub, now and then, while a request with many names is handled.
// It returns an error if the stream has ended meanwhile.
func (s *stream) yield() error {
	if s.steps++; s.steps%256 != 0 {
		return nil
	}
	s.hub.mu.Unlock()
	s.hub.mu.Lock()
	if s.left {
		return errLeft
	}
	return nil
}

var errLeft = status.Error(codes.Canceled, "the stream has ended")

// unsubscribe ends a subscription by name. Under a wildcard that has the resource, the
// subscription stays.
func (s *stream) unsubscribe(ss *subscriptions, name string) {
	sub := ss.subs[name]
	if sub == nil || !sub.named {
		return
	}
	sub.named = false
	ss.named--
	if !ss.covers(name) {
		s.drop(ss, name, sub)
	}
}

// covers reports whether a wildcard subscription has a name.
func (ss *subscriptions) covers(name string) bool {
	return ss.wildcard && slices.Contains(ss.list.names, name)
}

// drop forgets a subscription and what the client has of it.
func (s *stream) drop(ss *subscriptions, name string, sub *subscription) {
	ss.forget(sub)
	delete(ss.subs, name)
	s.size--
	if sub.entry != nil {
		s.hub.unfollow(s, sub.entry)
	}
}

// forget notes that the client has nothing of a subscription.
func (ss *subscriptions) forget(sub *subscription) {
	if sub.sent != nil {
		ss.sum -= sub.sent.Sum
	}
	sub.has, sub.sent = "", nil
}

// hold notes that the client has a resource.
func (ss *subscriptions) hold(sub *subscription, r *resource.Resource) {
	ss.forget(sub)
	sub.has, sub.sent, sub.force = r.Version, r, false
	ss.sum += r.Sum
}

// setWildcard begins or ends a wildcard subscription.
func (s *stream) setWildcard(ss *subscriptions, on bool) {
	switch {
	case on == ss.wildcard:
	case on:
		ss.wildcard, ss.answerDue = true, true
		ss.list = s.hub.follow(s, ss.t, resource.Wildcard)
		s.applyList(ss)
	default:
		ss.wildcard = false
		s.hub.unfollow(s, ss.list)
		ss.list = nil
		for name, sub := range ss.subs {
			if !sub.named {
				s.drop(ss, name, sub)
			}
		}
	}
}

// applyList follows the names of a wildcard subscription, and marks those that are no
// longer among them.
func (s *stream) applyList(ss *subscriptions) {
	wanted := make(map[string]bool, len(ss.list.names))
	for _, name := range ss.list.names {
		wanted[name] = true
		sub := ss.subs[name]
		if sub == nil {
			sub = &subscription{}
			ss.subs[name] = sub
			s.size++
		}
		if sub.entry == nil {
			sub.entry = s.hub.follow(s, ss.t, name)
		}
		sub.gone = false
		ss.enqueue(name, sub)
	}
	for name, sub := range ss.subs {
		if wanted[name] || sub.named {
			continue
		}
		if sub.has == "" {
			s.drop(ss, name, sub)
			continue
		}
		sub.gone = true
		ss.enqueue(name, sub)
	}
}

// mark notes that an entry has changed. The caller holds hub.mu.
func (s *stream) mark(e *entry) {
	ss := s.types[e.t]
	if ss == nil {
		return
	}
	if e == ss.list {
		s.applyList(ss)
		return
	}
	if sub := ss.subs[e.name]; sub != nil {
		ss.enqueue(e.name, sub)
	}
}

// leave ends all subscriptions when the stream ends.
func (s *stream) leave() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.left = true
	s.hub.forgetView(s)
	for _, ss := range s.types {
		if ss == nil {
			continue
		}
		if ss.list != nil {
			s.hub.unfollow(s, ss.list)
		}
		for _, sub := range ss.subs {
			if sub.entry != nil {
				s.hub.unfollow(s, sub.entry)
			}
		}
	}
}
