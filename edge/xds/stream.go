package xds

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// stream is one stream of a client. One goroutine sends answers, another one receives
// requests and handles them. Fields that hub.mu guards say so.
type stream struct {
	*connection
	server *Server
	hub    *hub
	send   func(*frame) error
	delta  bool
	only   *resource.Type // of a stream for one type; nil: all types
	began  time.Time
	wake   chan struct{} // has room for one

	// hub.mu guards the fields below.
	proxy *resource.Proxy // nil before the first request
	view  resource.View
	// viewDeps is what the view depends on. recheck means that it, or the rights of the
	// client, may have changed.
	viewDeps []resource.Dep
	recheck  bool
	types    [resource.NumTypes]*subscriptions
	size     int // number of subscriptions
	steps    int // number of names in requests, for yield
	nonce    int
	// awaited has the endpoints of new clusters that were not sent yet: a proxy does
	// not use a cluster without them, so routes to it wait until then.
	awaited map[string]bool
	// holdUntil is when listeners and routes wait no longer; zero: they do not wait.
	holdUntil time.Time
	unknown   map[string]bool // type URLs that are not served
	returning bool            // the client has said what it got on an earlier stream
	// handling means that a request is being handled, so that there is no complete state
	// to answer from. left means that the stream has ended.
	handling, left bool
}

// request is a request of either protocol.
type request interface{ GetTypeUrl() string }

// maxHold is how long listeners and routes wait for a client that does not say that it
// has the clusters.
const maxHold = time.Second

// run serves the stream. receive blocks until there is a request, and returns an error
// when the stream has ended.
func (s *stream) run(ctx context.Context, receive func() (request, error)) error {
	ended := make(chan error, 1)
	// The goroutine ends soon after this function has returned: then gRPC closes the
	// stream.
	s.server.receivers.Go(func() { ended <- s.receive(receive) })
	defer s.leave()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for last := false; !last; {
		select {
		case <-s.wake:
		case <-timer.C:
		case err := <-ended:
			if err != nil {
				return err
			}
			last = true // the client asks for nothing more, and gets what it has asked for
		case <-s.server.closing:
			return status.Error(codes.OK, "")
		case <-ctx.Done():
			return ctx.Err()
		}
		wait, err := s.answerAll()
		if err != nil {
			return err
		}
		if wait > 0 {
			timer.Reset(wait)
		}
	}
	return nil
}

// answerAll sends what can be sent, and returns after which time there may be more; 0: when
// the stream is woken.
func (s *stream) answerAll() (time.Duration, error) {
	for {
		f, wait, err := s.step(time.Now())
		if f == nil || err != nil {
			return wait, err
		}
		if err := s.send(f); err != nil {
			return 0, err
		}
	}
}

// step returns the next answer, or if there is none, how long to wait.
func (s *stream) step(now time.Time) (*frame, time.Duration, error) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if s.handling { // the stream is woken afterwards
		return nil, 0, nil
	}
	if err := s.check(now); err != nil {
		return nil, 0, err
	}
	if f := s.next(now); f != nil {
		return f, 0, nil
	}
	return nil, s.untilDue(now), nil
}

// receive handles requests until the stream ends.
func (s *stream) receive(next func() (request, error)) error {
	for {
		r, err := next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		due, err := s.handle(r)
		if err != nil {
			return err
		}
		if due {
			s.wakeUp()
		}
	}
}

// wakeUp makes the stream look for something to send.
func (s *stream) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// pending reports whether there may be something to send, or to wait for. The caller holds
// hub.mu.
func (s *stream) pending() bool {
	for _, ss := range s.types {
		if ss != nil && (ss.late != nil || !ss.inFlight && ss.unsent()) {
			return true
		}
	}
	return !s.clusterGap().IsZero()
}

// untilDue returns when the stream must look again, or 0 if it need not. The caller holds
// hub.mu.
func (s *stream) untilDue(now time.Time) time.Duration {
	due := s.silentUntil()
	if !s.holdUntil.IsZero() && (due.IsZero() || s.holdUntil.Before(due)) {
		due = s.holdUntil
	}
	if due.IsZero() {
		return 0
	}
	return max(due.Sub(now), time.Millisecond)
}

// typeOf returns the type of a request. It returns false if the type is not served,
// which a client must survive.
func (s *stream) typeOf(url string) (resource.Type, bool, error) {
	if s.only != nil {
		if url != "" && url != s.only.URL() {
			return 0, false, status.Errorf(codes.InvalidArgument, "this stream is for %s only", s.only.URL())
		}
		return *s.only, true, nil
	}
	t, ok := resource.TypeOf(url)
	if url == "" {
		return 0, false, status.Error(codes.InvalidArgument, "type_url is missing")
	}
	if !ok && !s.unknown[url] && len(s.unknown) < 32 {
		if s.unknown == nil {
			s.unknown = map[string]bool{}
		}
		s.unknown[url] = true
		s.server.cfg.Logger.Info("a client asked for a type that is not served", append(s.attrs(), "type_url", bounded(url, 200))...)
	}
	return t, ok, nil
}

// checkSize ends a stream with too many subscriptions.
func (s *stream) checkSize(more int) error {
	if limit := s.server.cfg.MaxSubscriptions; s.size+more > limit {
		return status.Errorf(codes.ResourceExhausted, "more than %d resources are subscribed on one stream", limit)
	}
	return nil
}

func (s *stream) nextNonce() string {
	s.nonce++
	return strconv.Itoa(s.nonce)
}

// attrs returns who the client is, for the log.
func (s *stream) attrs() []any {
	attrs := []any{"peer", s.peer, "account", string(s.account)}
	if s.proxy != nil {
		attrs = append(attrs, "node", bounded(s.proxy.Node.GetId(), 200))
	}
	return attrs
}

// bounded cuts a text of a client.
func bounded(text string, n int) string {
	if len(text) > n {
		return text[:n] + "…"
	}
	return text
}
