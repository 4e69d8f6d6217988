package xds

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

// rejection is an answer that a client did not accept (NACK).
type rejection struct {
	Time    time.Time
	Type    string // cluster, endpoints, secret, listener or route
	Version string // of the answer
	Nonce   string
	Code    string // of gRPC
	Message string // of the client, cut to 1024 octets
}

const (
	maxRejectedNodes  = 1000 // nodes whose rejections are kept
	keptRejections    = 10   // of each node
	maxNamesInReports = 20
)

// reject keeps a rejection, counts it and logs it. The caller holds hub.mu.
func (s *Server) reject(st *stream, r *rejection) {
	s.metrics.rejected.WithLabelValues(r.Type).Inc()
	s.cfg.Logger.Warn("client rejected an answer", append(st.attrs(), "type", r.Type, "version", r.Version, "message", r.Message)...)
	c := st.client()
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.rejections[c]
	if kept == nil && len(s.rejections) >= maxRejectedNodes {
		s.forgetOldest(most(s.rejections))
	}
	kept = append(slices.Clone(kept), r)
	s.rejections[c] = kept[max(0, len(kept)-keptRejections):]
}

// client names a client of xDS: a node id means something only in its account.
type client struct {
	account command.AccountID
	node    string
}

// client returns who the client of a stream is. It has said its node.
func (s *stream) client() client { return client{s.proxy.Account, s.proxy.Node.GetId()} }

// most returns the account with the most clients in a map: what is kept of the clients of an
// account must not displace what is kept of another one.
func most[V any](all map[client]V) command.AccountID {
	count := map[command.AccountID]int{}
	var first command.AccountID
	for c := range all {
		if count[c.account]++; count[c.account] > count[first] {
			first = c.account
		}
	}
	return first
}

// forgetOldest forgets the rejections of the node of an account that has rejected nothing for
// the longest time. The caller holds mu.
func (s *Server) forgetOldest(account command.AccountID) {
	var oldest client
	var at time.Time
	for c, kept := range s.rejections {
		if t := kept[len(kept)-1].Time; c.account == account && (at.IsZero() || t.Before(at)) {
			oldest, at = c, t
		}
	}
	delete(s.rejections, oldest)
}

// Explain returns a report about the streams of a node, and the answers that it has
// rejected: of the node of one account, or without one, of all accounts that have such a
// node. It returns false if the node was never seen.
func (s *Server) Explain(account command.AccountID, node string) (string, bool) {
	asked := func(c client) bool { return c.node == node && (account == "" || c.account == account) }
	s.mu.Lock()
	var streams []*stream
	for st := range s.streams {
		streams = append(streams, st)
	}
	rejected := map[client][]*rejection{}
	for c, kept := range s.rejections {
		if asked(c) {
			rejected[c] = kept
		}
	}
	s.mu.Unlock()
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	streams = slices.DeleteFunc(streams, func(st *stream) bool { return st.proxy == nil || !asked(st.client()) })
	if len(streams) == 0 && len(rejected) == 0 {
		return "", false
	}
	slices.SortFunc(streams, func(a, b *stream) int { return cmp.Or(a.began.Compare(b.began), cmp.Compare(a.peer, b.peer)) })
	var b strings.Builder
	fmt.Fprintf(&b, "node %s, revision %d of the registry\n", node, s.hub.snapshot.Revision)
	if len(streams) == 0 {
		b.WriteString("not connected to this node of cairn\n")
	}
	for _, st := range streams {
		st.report(&b)
	}
	for _, c := range slices.SortedFunc(maps.Keys(rejected), func(a, b client) int { return cmp.Compare(a.account, b.account) }) {
		for _, r := range rejected[c] {
			fmt.Fprintf(&b, "rejected %s by account %s: %s version %s: %s: %s\n", r.Time.UTC().Format(time.RFC3339), c.account, r.Type, r.Version, r.Code, r.Message)
		}
	}
	return b.String(), true
}

// report writes what a stream has subscribed to. The caller holds hub.mu.
func (s *stream) report(b *strings.Builder) {
	protocol := "state of the world"
	if s.delta {
		protocol = "delta"
	}
	fmt.Fprintf(b, "stream from %s since %s, account %s, %s\n", s.peer, s.began.UTC().Format(time.RFC3339), s.proxy.Account, protocol)
	for _, ss := range s.types {
		if ss != nil {
			ss.report(b)
		}
	}
	if len(s.awaited) > 0 {
		fmt.Fprintf(b, "  listeners and routes wait for the endpoints of %d new clusters\n", len(s.awaited))
	}
}

func (ss *subscriptions) report(b *strings.Builder) {
	var missing, names []string
	for name, sub := range ss.subs {
		if sub.current() == nil {
			missing = append(missing, name)
		} else {
			names = append(names, name)
		}
	}
	kind := ""
	if ss.wildcard {
		kind = " (wildcard)"
	}
	fmt.Fprintf(b, "  %s%s: %s\n", ss.t, kind, list(names))
	if len(missing) > 0 {
		fmt.Fprintf(b, "    not found: %s\n", list(missing))
	}
	fmt.Fprintf(b, "    sent version %s, accepted %s, answers %d", orNone(ss.sent), orNone(ss.acked), ss.answers)
	if ss.inFlight {
		b.WriteString(", the client has not said yet that it accepts the newest")
	}
	if len(ss.queue) > 0 {
		fmt.Fprintf(b, ", %d resources wait", len(ss.queue))
	}
	b.WriteString("\n")
	if r := ss.rejected; r != nil {
		fmt.Fprintf(b, "    REJECTED version %s: %s\n", r.Version, r.Message)
	}
}

func orNone(text string) string { return cmp.Or(text, "none") }

// list returns some names and how many others there are.
func list(names []string) string {
	slices.Sort(names)
	if len(names) == 0 {
		return "none"
	}
	if extra := len(names) - maxNamesInReports; extra > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamesInReports], ", "), extra)
	}
	return strings.Join(names, ", ")
}

// counts returns the number of streams, and of subscriptions by type.
func (s *Server) counts() (streams int, subscriptions [resource.NumTypes]int) {
	s.hub.mu.Lock()
	for key, e := range s.hub.entries {
		subscriptions[key.t] += len(e.streams)
	}
	s.hub.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.streams), subscriptions
}
