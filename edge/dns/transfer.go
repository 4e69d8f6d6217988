package dns

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/edge/dns/tsig"
	"github.com/cairn-discovery/cairn/edge/dns/xfr"
)

// verify checks the signature of the query. It is false if the TSIG record is
// malformed.
func (a *answerer) verify() bool {
	return a.server.cfg.Keys.Verify(a.req.msg, a.req.tsig, a.seconds(), &a.signed)
}

// key is the one that has signed the query, or nil.
func (a *answerer) key() *tsig.Key {
	if a.req.tsig == 0 || a.signed.Error != 0 {
		return nil
	}
	return a.signed.Key
}

// permitted returns the zone of the name asked for that the client may have
// transferred. For the SOA record, by which it finds out whether to, it need not
// be one that the client sees otherwise.
func (a *answerer) permitted() (*zone.Zone, xfr.Permission) {
	t := a.server.cfg.Transfers
	if t == nil || a.transport == HTTPS || a.req.qclass != classIN {
		return nil, xfr.Refused
	}
	return t.Permit(&a.snapshot.Zones, a.req.name, a.from, a.key())
}

// askForZone decides whether a zone is handed out. AXFR is for connections only:
// RFC 5936 section 4.2.
func (a *answerer) askForZone() {
	r := a.req
	_, permission := a.permitted()
	switch {
	case permission == xfr.Refused:
		a.rcode = rcodeRefused
	case permission == xfr.NotThere:
		a.rcode = rcodeNotAuth
	case r.qtype == typeAXFR && a.transport == UDP:
		a.rcode = rcodeRefused
	case r.qtype == typeIXFR && !hasSerial(r):
		a.rcode = rcodeFormErr
	default:
		a.handOut = true
	}
}

func hasSerial(r *request) bool {
	_, ok := xfr.ReadSerial(r.msg, r.end)
	return ok
}

// transfer hands out the zone that a query asks for, of which askForZone has
// said that it may. It does nothing where this has changed meanwhile.
func (s *Server) transfer(ctx context.Context, query []byte, from netip.AddrPort, t Transport, send func([]byte) error) {
	a := s.take(t)
	a.refresh()
	a.own.parse(query)
	r := &a.own
	a.req, a.from, a.transport = r, from.Addr(), t
	ok := r.is == parsedQuery && (r.tsig == 0 || a.verify())
	var z *zone.Zone
	if ok {
		z, _ = a.permitted()
	}
	q := xfr.Query{
		Message: query, Question: r.end, EDNS: r.edns.present, Incremental: r.qtype == typeIXFR,
		From: from, Transport: t.String(),
	}
	if r.tsig != 0 {
		signed := a.signed
		q.Signed = &signed
	}
	if t == UDP {
		q.Limit = a.limit()
	}
	s.give(a)
	if z == nil {
		return
	}
	if q.Incremental {
		q.Serial, _ = xfr.ReadSerial(query, q.Question)
	}
	err := s.cfg.Transfers.Transfer(ctx, z, &q, send)
	if errors.Is(err, xfr.ErrBusy) || errors.Is(err, xfr.ErrGone) {
		_ = send(failed(&q)) // the client will ask again either way
	}
}

// failed is SERVFAIL, and that for now only.
func failed(q *xfr.Query) []byte {
	out := append([]byte(nil), q.Message[:q.Question]...)
	put16(out[atFlags:], flagQR|get16(out[atFlags:])&(flagRD|flagCD)|rcodeServFail)
	for _, at := range []int{atANCount, atNSCount, atARCount} {
		put16(out[at:], 0)
	}
	if q.Signed != nil {
		out = q.Signed.Sign(out, time.Now().Unix())
	}
	return out
}

// transferInOne hands out what fits into one message, which is appended to out:
// the changes, or the SOA record that tells the client to come by a connection.
func (s *Server) transferInOne(ctx context.Context, query []byte, from netip.AddrPort, out []byte) []byte {
	s.transfer(ctx, query, from, UDP, func(msg []byte) error {
		out = append(out, msg...)
		return nil
	})
	if len(out) == 0 {
		return nil
	}
	return out
}

// its messages.
func (st *stream) transfer(ctx context.Context, query []byte) {
	// A client that does not read must not hold up the end of the server.
	stop := context.AfterFunc(ctx, func() {
		st.cut.Store(true)
		_ = st.conn.SetWriteDeadline(time.Unix(1, 0))
	})
	defer stop()
	st.server.transfer(ctx, query, st.client, st.t, func(msg []byte) error {
		st.write(msg)
		return st.flush()
	})
}

// ApexOf is what zones that are transferred have in common, by the settings of
// the server that answers for them.
func ApexOf(cfg *Config) (xfr.Apex, error) {
	a, err := newAuthority(cfg)
	if err != nil {
		return xfr.Apex{}, err
	}
	hosts, err := newHosts(cfg.Hosts)
	apex := xfr.Apex{Servers: a.servers, NSTTL: nsTTL, SOA: a.soa, Timers: [3]uint32{soaRefresh, soaRetry, soaExpire}}
	for i := range hosts {
		h := xfr.Host{Name: hosts[i].name, TTL: hostTTL}
		for _, v4 := range hosts[i].v4 {
			h.Addrs = append(h.Addrs, netip.AddrFrom4(v4))
		}
		for _, v6 := range hosts[i].v6 {
			h.Addrs = append(h.Addrs, netip.AddrFrom16(v6))
		}
		apex.Hosts = append(apex.Hosts, h)
	}
	return apex, err
}
