package xds

import (
	"maps"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// Some clients do not say what the protocol makes them say. After Config.Silence the
// server does not need:
//
//   - A request with an old nonce is ignored, because one with the newest nonce follows.
//     gRPC for Java does not send it if it had unsubscribed from everything
//     (grpc-java#11232): then the request counts.
//   - Envoy sometimes asks for clusters no more after it has rejected one, or when it
//     connects again (envoy#34334, envoy#36951): then the stream is closed, and Envoy
//     begins another one.

// restartPause is how long a node is left alone after its stream was closed: some have
// a reason not to ask for clusters.
const restartPause = 10 * time.Minute

// check ends a stream whose client has lost its rights, and handles the silence of a
// client. The caller holds hub.mu.
func (s *stream) check(now time.Time) error {
	if s.recheck {
		s.recheck = false
		if err := s.authorize(); err != nil {
			s.server.cfg.Logger.Warn("stream closed: the client has lost its rights", append(s.attrs(), "error", err)...)
			return err
		}
	}
	until := now.Add(-s.server.cfg.Silence)
	for _, ss := range s.types {
		if ss == nil || ss.late == nil || ss.lateAt.After(until) {
			continue
		}
		names := ss.late.GetResourceNames()
		ss.late, ss.inFlight, ss.tainted = nil, false, true
		if err := s.wantWorld(ss, names); err != nil {
			return err
		}
	}
	if gap := s.clusterGap(); !gap.IsZero() && !gap.After(until) && s.server.restart(s.client(), now) {
		s.server.cfg.Logger.Warn("stream closed: the client does not say whether it has the clusters", s.attrs()...)
		return status.Error(codes.Aborted, "the client says nothing about clusters; a new stream begins from the start")
	}
	return nil
}

// authorize asks again whether the client may be connected. The caller holds hub.mu.
func (s *stream) authorize() error {
	if s.valid != nil {
		if err := s.valid(); err != nil {
			return err
		}
	}
	_, err := s.hub.view(s, s.proxy)
	return err
}

// clusterGap returns since when the client should have said something about clusters; the
// zero time if it need not. The caller holds hub.mu.
func (s *stream) clusterGap() time.Time {
	clusters := s.types[resource.Cluster]
	switch {
	case s.only != nil || s.proxy == nil:
		return time.Time{}
	case clusters != nil && clusters.inFlight:
		return clusters.sentAt
	case clusters == nil && s.returning && s.types[resource.Endpoints] != nil:
		return s.began
	}
	return time.Time{}
}

// silentUntil returns when check has something to do; the zero time if never. The caller
// holds hub.mu.
func (s *stream) silentUntil() time.Time {
	var first time.Time
	note := func(t time.Time) {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	for _, ss := range s.types {
		if ss != nil && ss.late != nil {
			note(ss.lateAt)
		}
	}
	if gap := s.clusterGap(); s.proxy != nil && !s.server.wasRestarted(s.client(), time.Now()) {
		note(gap)
	}
	if first.IsZero() {
		return first
	}
	return first.Add(s.server.cfg.Silence)
}

// restart reports whether a stream of a client may be closed so that it begins again, and
// notes that it was.
func (s *Server) restart(c client, now time.Time) bool {
	if s.wasRestarted(c, now) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.restarted, func(_ client, at time.Time) bool { return now.Sub(at) >= restartPause })
	if len(s.restarted) >= maxRejectedNodes && most(s.restarted) == c.account {
		return false
	}
	s.restarted[c] = now
	return true
}

func (s *Server) wasRestarted(c client, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.restarted[c]
	return ok && now.Sub(at) < restartPause
}
