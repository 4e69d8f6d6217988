package answer

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/edge/dns/tsig"
	"github.com/cairn-discovery/cairn/edge/dns/xfr"
)

// verify checks the signature of the query. It returns false if the TSIG record
// is malformed.
func (a *Answerer) verify() bool {
	var keys tsig.Keys
	if a.cfg.Keys != nil {
		keys = a.cfg.Keys()
	}
	return keys.Verify(a.req.msg, a.req.tsig, a.unixTime(), &a.signature)
}

// key returns the key that signed the query, or nil.
func (a *Answerer) key() *tsig.Key {
	if a.req.tsig == 0 || a.signature.Error != 0 {
		return nil
	}
	return a.signature.Key
}

// allowedZone returns the zone with the name of the question that the client may
// transfer. For the SOA record, by which it finds out whether to, it need not see
// the zone otherwise.
func (a *Answerer) allowedZone() (*zone.Zone, xfr.Permission) {
	t := a.cfg.Transfers
	if t == nil || a.transport == HTTPS || a.req.qclass != dnswire.ClassIN {
		return nil, xfr.Refused
	}
	return t.Permit(&a.snapshot.Zones, a.req.name, a.from, a.key())
}

// requestTransfer decides whether a zone is transferred. AXFR is for connections
// only: RFC 5936 section 4.2.
func (a *Answerer) requestTransfer() {
	r := a.req
	_, permission := a.allowedZone()
	switch {
	case permission == xfr.Refused:
		a.rcode = dnswire.RcodeRefused
	case permission == xfr.NotThere:
		a.rcode = dnswire.RcodeNotAuth
	case r.qtype == dnswire.TypeAXFR && a.transport == UDP:
		a.rcode = dnswire.RcodeRefused
	case r.qtype == dnswire.TypeIXFR && !r.readSerial():
		a.rcode = dnswire.RcodeFormErr
	default:
		a.isTransfer = true
	}
}

func (r *Request) readSerial() bool {
	r.serial, r.hasSerial = xfr.ReadSerial(r.msg, r.end)
	return r.hasSerial
}

// Transfer sends a zone by calling send with one message after the other. The zone
// and the query are those of TransferQuery.
func (r *Responder) Transfer(ctx context.Context, z *zone.Zone, q *xfr.Query, send func([]byte) error) {
	err := r.cfg.Transfers.Transfer(ctx, z, q, send)
	if errors.Is(err, xfr.ErrBusy) || errors.Is(err, xfr.ErrGone) || errors.Is(err, xfr.ErrNotSigned) {
		_ = send(servfail(q)) // the client will ask again either way
	}
}

// TransferQuery returns the zone that a query asks for whose disposition was
// Transfer. The zone is nil if the client may not have it any more.
func (a *Answerer) TransferQuery(r *Request, from netip.AddrPort, t Transport) (*zone.Zone, *xfr.Query) {
	a.Refresh()
	a.reset(r, from.Addr(), t, nil)
	if r.kind != query || r.tsig != 0 && !a.verify() {
		return nil, nil
	}
	z, _ := a.allowedZone()
	if r.qtype == dnswire.TypeIXFR && !r.hasSerial {
		r.readSerial()
	}
	q := &xfr.Query{
		Message: r.msg, Question: r.end, EDNS: r.edns.present, Incremental: r.qtype == dnswire.TypeIXFR,
		Serial: r.serial, From: from, Transport: t.String(),
	}
	if r.tsig != 0 {
		signed := a.signature
		q.Signed = &signed
	}
	if t == UDP {
		q.Limit = a.limit()
	}
	return z, q
}

// servfail returns the answer SERVFAIL to a query for a zone.
func servfail(q *xfr.Query) []byte {
	out := append([]byte(nil), q.Message[:q.Question]...)
	put16(out[flagsAt:], dnswire.FlagQR|get16(out[flagsAt:])&(dnswire.FlagRD|dnswire.FlagCD)|dnswire.RcodeServFail)
	for _, at := range []int{anCountAt, nsCountAt, arCountAt} {
		put16(out[at:], 0)
	}
	if q.Signed != nil {
		out = q.Signed.Sign(out, time.Now().Unix())
	}
	return out
}

// ApexOf returns the data that transferred zones share, by the settings of the
// server that answers for them.
func ApexOf(cfg *Config) (xfr.Apex, error) {
	a, err := newAuthority(cfg)
	if err != nil {
		return xfr.Apex{}, err
	}
	apex := xfr.Apex{Servers: a.servers, NSTTL: nsTTL, SOA: a.soa, Timers: [3]uint32{soaRefresh, soaRetry, soaExpire}}
	apex.Fixed, err = zone.NewFixed(cfg.Hosts)
	return apex, err
}
