package dns

import (
	"context"
	"net/netip"
	"time"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/edge/dns/forward"
	"github.com/cairn-discovery/cairn/edge/dns/tsig"
	"github.com/cairn-discovery/cairn/edge/dns/view"
	"github.com/cairn-discovery/cairn/replica"
)

// verdict says what becomes of a query.
type verdict uint8

const (
	// send the answer.
	send verdict = iota
	// drop: the query gets no answer.
	drop
	// wait: the answer needs an upstream resolver, and there is no context to
	// wait for it in.
	wait
	// transfer: a zone is to be handed out; see Server.transfer.
	transfer
)

// answerer answers queries, one at a time. It keeps the memory that this takes.
type answerer struct {
	server *Server
	shard  *shard  // where counts go, see flush
	counts *counts // owned by whoever has the answerer

	// Fixed for a batch by refresh.
	snapshot *replica.Snapshot
	views    *view.Table
	now      int64 // seconds since 1970, or 0 until asked for

	// ctx is what to wait in for upstream resolvers. Nil: do not wait.
	ctx context.Context

	// The client that asked last: often the next query is from it too.
	lastFrom   netip.Addr
	lastClient view.Client

	// The query in work.
	req         *request // own, or one of a batch
	own         request
	from        netip.Addr
	transport   Transport
	client      view.Client
	query       zone.Query
	picker      zone.Picker
	room        int // octets the message may have without its OPT record
	rcode       uint16
	aa, tc      bool
	answers     uint16
	authority   uint16
	extra       uint16
	zone        *zone.Zone     // whose answer it is; nil: none's
	at          int            // where the name being answered stands in the message
	later       bool           // see wait
	handOut     bool           // see transfer
	signed      tsig.Signature // where req.tsig is set
	cookieValid bool
	signs       bool // the answer is to have signatures, see state
	hops        int  // aliases followed
	cached      forward.Response
	chased      [maxName]byte // target of a CNAME record
	aliased     [maxName]byte // target of an alias
	v4          [zone.MaxAnswer][4]byte
	v6          [zone.MaxAnswer][16]byte
	records     [zone.MaxAnswer]*zone.Record

	state  signing    // valid if signs is set
	random *zone.Rand // what picker.Rand is unless signs is set
}

// refresh takes the newest state. It is called after queries came in, so that
// what was acknowledged before they were sent shows in their answers.
func (a *answerer) refresh() {
	a.snapshot = a.server.cfg.Source.Current()
	a.views = a.server.cfg.Views()
	a.now = 0
	a.lastFrom = netip.Addr{}
}

// clientAt is what a client may see.
func (a *answerer) clientAt(from netip.Addr) view.Client {
	if from != a.lastFrom {
		a.lastFrom, a.lastClient = from, a.views.Lookup(from)
	}
	return a.lastClient
}

// seconds is the time of the batch. Few queries need it.
func (a *answerer) seconds() int64 {
	if a.now == 0 {
		a.now = time.Now().Unix()
	}
	return a.now
}

// answer appends the answer to a query to out, which must be empty. If it has
// room for 4096 octets, nothing is allocated over UDP.
func (a *answerer) answer(msg []byte, from netip.Addr, t Transport, out []byte) ([]byte, verdict) {
	a.own.parse(msg)
	return a.answerTo(&a.own, from, t, out)
}

// answerTo is answer for a query that was taken apart.
func (a *answerer) answerTo(r *request, from netip.Addr, t Transport, out []byte) ([]byte, verdict) {
	a.req, a.from, a.transport = r, from, t
	a.rcode, a.aa, a.tc, a.later, a.handOut, a.cookieValid, a.hops = rcodeNoError, false, false, false, false, false, 0
	a.answers, a.authority, a.extra, a.zone = 0, 0, 0, nil
	a.signs = false
	a.client = a.clientAt(from)
	if r.tsig != 0 && !a.verify() {
		return a.bare(out, rcodeFormErr), send
	}
	switch r.is {
	case parsedShort:
		return nil, a.dropped(dropShort)
	case parsedResponse:
		return nil, a.dropped(dropResponse)
	case parsedOpcode:
		return a.bare(out, rcodeNotImp), send
	case parsedMalformed:
		return a.bare(out, rcodeFormErr), send
	case parsedCookie:
		out = a.begin(out, headerLen)
	default:
		out = a.begin(out, r.end)
		if out = a.solve(out); a.signs {
			a.picker.Rand = a.random
			if !a.later {
				out = a.sign(out)
			}
		}
		switch {
		case a.later:
			return nil, wait
		case a.handOut:
			return nil, transfer
		}
	}
	return a.finish(out)
}

// begin copies the header and the question, and finds out how much room there is.
func (a *answerer) begin(out []byte, question int) []byte {
	a.at = headerLen
	a.room = a.limit() - a.optSize()
	if a.req.tsig != 0 {
		a.room -= a.signed.Size()
	}
	return append(out, a.req.msg[:question]...)
}

// limit is how large the answer may be: RFC 1035 section 4.2.1, RFC 6891 section
// 6.2.5.
func (a *answerer) limit() int {
	switch e := &a.req.edns; {
	case a.transport != UDP:
		return 65535
	case e.present:
		return min(max(e.size, minUDPSize), a.server.cfg.MaxUDPSize)
	}
	return minUDPSize
}

// solve answers the question.
func (a *answerer) solve(out []byte) []byte {
	r := a.req
	if r.tsig != 0 && a.signed.Error != 0 {
		a.rcode = rcodeNotAuth // RFC 8945 section 5.2
		return out
	}
	if r.edns.present {
		if r.edns.version != 0 {
			a.rcode = rcodeBadVers
			return out
		}
		if r.edns.cookie != nil && !a.cookieAccepted() {
			a.rcode = rcodeBadCookie
			return out
		}
	}
	if r.qclass != classIN && r.qclass != classANY {
		return a.otherClass(out)
	}
	switch r.qtype {
	case typeAXFR, typeIXFR:
		a.askForZone()
		return out
	case typeSOA:
		// A secondary of a private zone need not see it otherwise.
		if z, _ := a.permitted(); z != nil && !z.Public {
			a.aa, a.zone = true, z
			return a.addSOA(out, z, len(r.name), anSection)
		}
	case typeOPT, typeTSIG, typeTKEY, typeMAILA, typeMAILB:
		a.rcode = rcodeNotImp
		return out
	case dnswire.TypeNXNAME:
		a.rcode = rcodeFormErr // RFC 9824 section 3.5
		return out
	}
	a.query = zone.Query{
		Name: r.name, Hash: r.hash, Head: r.head, Found: r.found, Strict: a.server.cfg.Strict,
		View: zone.View{AllVPCs: a.client.AllVPCs, VPCs: a.client.VPCs},
	}
	if r.qtype == dnswire.TypeDS {
		if out, ok := a.solveDS(out); ok {
			return out
		}
	}
	if h := a.server.hostNamed(r.name, r.hash); h != nil {
		return a.solveHost(out, h)
	}
	return a.solveName(out)
}

// solveName answers for the name asked for.
func (a *answerer) solveName(out []byte) []byte {
	res := a.snapshot.Zones.Lookup(&a.query)
	a.zone = res.Zone
	if res.Zone != nil && len(res.Zone.Keys) > 0 {
		a.meet(res.Zone)
	}
	if res.State == zone.Hit {
		a.aa = true
		return a.solveNode(out, &res)
	}
	if h := a.server.hostAbove(a.req.name); h != nil {
		return a.hostNXDomain(out, h)
	}
	if res.State == zone.NXDOMAIN {
		a.aa = true
		return a.deny(out, res.Zone, nil)
	}
	return a.forward(out)
}

// solveNode answers for a name that exists: RFC 1034 section 4.3.2 step 3.
func (a *answerer) solveNode(out []byte, res *zone.Result) []byte {
	before, n := a.answers, res.Node
	switch set := n.Set(); {
	case a.req.qtype == typeANY:
		out = a.addAny(out, res)
	case n.IsApex() && a.req.qtype == typeSOA:
		out = a.addSOA(out, res.Zone, len(a.query.Name), anSection)
	case n.IsApex() && a.req.qtype == typeNS:
		out = a.addNS(out)
	case len(res.Zone.Keys) > 0 && a.req.asksForDNSSEC():
		out = a.solveKeys(out, res)
	case set != nil:
		out = a.solveSet(out, set)
	case n.Host() != nil:
		out = a.solveTarget(out, n.Host())
	}
	if a.answers == before && a.rcode == rcodeNoError && !a.later {
		out = a.deny(out, res.Zone, n) // NODATA
	}
	return out
}

// solveSet answers from the records of a service.
func (a *answerer) solveSet(out []byte, set *zone.Set) []byte {
	if cname := set.CNAME(); cname != nil {
		return a.solveCNAME(out, cname)
	}
	r := set.RRset(a.req.qtype)
	if r == nil {
		return out
	}
	if r.ByLatency() {
		a.findRegion()
	}
	if a.signs {
		a.pickFrom(set, r)
	}
	switch a.req.qtype {
	case typeA:
		n, ttl, alias := set.PickA(&a.picker, &a.v4)
		if alias != nil {
			return a.alias(out, alias)
		}
		return a.addA(out, ttl, a.v4[:n])
	case typeAAAA:
		n, ttl, alias := set.PickAAAA(&a.picker, &a.v6)
		if alias != nil {
			return a.alias(out, alias)
		}
		return a.addAAAA(out, ttl, a.v6[:n])
	}
	return a.addRecords(out, r, a.records[:r.Pick(&a.picker, &a.records)])
}

// findRegion puts the regions near the client into the picker: by the subnet
// that its resolver tells, or else by the resolver's address.
func (a *answerer) findRegion() {
	e := &a.req.edns
	if e.present && e.subnet.raw != nil && e.subnet.prefix.IsValid() && e.subnet.prefix.Bits() > 0 {
		a.picker.Regions = a.server.regions.near(e.subnet.prefix)
		// The whole subnet is what the answer was made for: RFC 7871 section
		// 7.2.1. A shorter scope could lie over another CIDR of the table.
		e.subnet.scope = uint8(e.subnet.prefix.Bits())
		return
	}
	from := a.from.Unmap()
	a.picker.Regions = a.server.regions.near(netip.PrefixFrom(from, from.BitLen()))
}

// solveTarget answers from the host that an SRV record points to.
func (a *answerer) solveTarget(out []byte, h *zone.Host) []byte {
	for ; h != nil; h = h.NextSameName() {
		switch {
		case h.Pending:
		case a.req.qtype == typeA && h.HasV4:
			a.v4[0] = h.V4
			out = a.addA(out, h.TTL, a.v4[:1])
		case a.req.qtype == typeAAAA && h.HasV6:
			a.v6[0] = h.V6
			out = a.addAAAA(out, h.TTL, a.v6[:1])
		}
	}
	return out
}

func (a *answerer) solveHost(out []byte, h *host) []byte {
	a.aa = true
	switch {
	case a.req.qtype == typeA && len(h.v4) > 0:
		return a.addA(out, hostTTL, h.v4)
	case a.req.qtype == typeAAAA && len(h.v6) > 0:
		return a.addAAAA(out, hostTTL, h.v6)
	}
	return a.addHostSOA(out, h)
}

func (a *answerer) hostNXDomain(out []byte, h *host) []byte {
	a.zone, a.aa, a.rcode, a.signs = nil, true, rcodeNXDomain, false
	return a.addHostSOA(out, h)
}

// otherClass refuses, but for the name of the server: RFC 4892.
func (a *answerer) otherClass(out []byte) []byte {
	name := string(a.req.name)
	if a.req.qclass != classCH || a.server.cfg.Identity == "" ||
		name != "\x02id\x06server\x00" && name != "\x08hostname\x04bind\x00" {
		a.rcode = rcodeRefused
		return out
	}
	if a.req.qtype == typeTXT || a.req.qtype == typeANY {
		return a.addText(out, classCH, a.server.cfg.Identity)
	}
	return out
}
