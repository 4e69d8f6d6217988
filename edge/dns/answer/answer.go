package answer

import (
	"context"
	"net/netip"
	"slices"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/edge/dns/forward"
	"github.com/cairn-discovery/cairn/edge/dns/tsig"
	"github.com/cairn-discovery/cairn/edge/dns/view"
	"github.com/cairn-discovery/cairn/replica"
)

// Disposition says what is to be done with a query.
type Disposition uint8

const (
	// Send the answer.
	Send Disposition = iota
	// Drop: the query gets no answer.
	Drop
	// NeedsWait: the answer needs an upstream resolver or a signature, and must
	// be made by AnswerWaiting.
	NeedsWait
	// Transfer: the query asks for a zone; see Responder.Transfer.
	Transfer
)

// Answerer answers queries, one at a time, and keeps the memory for it.
type Answerer struct {
	*Responder
	Counts Counts

	// Valid for a batch, see Refresh.
	snapshot *replica.Snapshot
	views    *view.Table
	refuse   bool  // nothing is answered from the snapshot
	seconds  int64 // since 1970; 0: not asked for yet

	// The client of the last query: often it sends the next one too.
	lastFrom   netip.Addr
	lastClient view.Client

	// ctx bounds the wait for upstream resolvers. Nil: do not wait.
	ctx context.Context

	response
	// query and owners are large, so they are not cleared for each answer. Query is
	// set before names are looked up, and response.ownerNum says how many owners
	// there are.
	query  zone.Query
	owners [maxDepth + 1]int // offsets of the names that have a CNAME record here
	picker zone.Picker
	random *zone.Rand // picker.Rand, unless the answer is signed
	signer signer

	// Memory that response refers to.
	ownRequest Request
	signature  tsig.Signature // valid if req.tsig is set
	cached     forward.Response
	cnameBuf   [maxName]byte // target of a CNAME record
	aliasBuf   [maxName]byte // target of an alias
	v4         [zone.MaxAnswer][4]byte
	v6         [zone.MaxAnswer][16]byte
	records    [zone.MaxAnswer]*zone.Record
	sets       []*zone.RecordSet
}

// response is the state of one answer. The zero value is an empty one.
type response struct {
	req       *Request
	from      netip.Addr
	transport Transport
	client    *view.Client

	out      []byte           // the message
	room     int              // octets it may have without its OPT record
	counts   [sections]uint16 // records by section
	rcode    uint16           // extended
	aa, tc   bool             // flags
	ownerAt  int              // offset of the name that is answered
	depth    int              // aliases followed
	ownerNum int              // of owners
	inLoop   bool             // a chain of CNAME records met one of its names
	zone     *zone.Zone       // that the answer is from; nil: none

	needsWait   bool // see NeedsWait
	isTransfer  bool // see Transfer
	cookieValid bool
	minimal     bool       // no records that were not asked for; see unproved
	trackRRsets bool       // record the RRsets in signer.rrsets
	wantSigs    bool       // the answer is to have signatures
	nxname      bool       // the name does not exist, whatever the response code
	aged        bool       // addresses are from a cache, so their TTL decreases
	cut         *zone.Zone // whose answer it is about a zone below; nil: none
}

// Refresh takes the newest state. It must be called after queries arrived, so
// that what was acknowledged before they were sent is in their answers.
func (a *Answerer) Refresh() {
	a.snapshot = a.cfg.Source.Current()
	a.views = a.cfg.Views()
	a.refuse = a.cfg.Refuse != nil && a.cfg.Refuse()
	a.seconds = 0
	a.lastFrom = netip.Addr{}
}

// clientAt returns what a client may see. It is valid until the next call.
func (a *Answerer) clientAt(from netip.Addr) *view.Client {
	if from != a.lastFrom {
		a.lastFrom, a.lastClient = from, a.views.Lookup(from)
	}
	return &a.lastClient
}

// reset begins an answer. Clearing in place is faster than storing a new value.
func (a *Answerer) reset(r *Request, from netip.Addr, t Transport, out []byte) {
	a.response = response{}
	a.req, a.from, a.transport, a.client, a.out = r, from, t, a.clientAt(from), out
}

// unixTime returns the time of the batch in seconds. Few queries need it.
func (a *Answerer) unixTime() int64 {
	if a.seconds == 0 {
		a.seconds = a.now().Unix()
	}
	return a.seconds
}

// Prefetch looks the names of a batch up before any is answered. In a large
// registry each is at a place in memory that the processor has not read for long;
// in short loops like these it waits for many of them at once.
func (a *Answerer) Prefetch(requests []Request) (sum int) {
	zones := &a.snapshot.Zones
	for i := range requests {
		if r := &requests[i]; r.kind == query {
			r.head, r.found = zones.Find(r.hash), true
		}
	}
	for i := range requests {
		if r := &requests[i]; r.found {
			sum += r.head.Prefetch()
		}
	}
	return sum
}

// Parse parses a message for AnswerRequest. The Request is valid until the next
// call.
func (a *Answerer) Parse(msg []byte) *Request {
	a.ownRequest.Parse(msg)
	return &a.ownRequest
}

// AnswerWaiting is Answer for a query whose disposition was NeedsWait: it waits
// for upstream resolvers and signatures until ctx ends.
func (a *Answerer) AnswerWaiting(ctx context.Context, r *Request, from netip.Addr, t Transport, out []byte) ([]byte, Disposition) {
	a.ctx = ctx
	defer func() { a.ctx = nil }()
	return a.Answer(r, from, t, out)
}

// Answer appends the answer to a query to out, which must be empty. If out has
// room for 4096 octets, nothing is allocated over UDP.
func (a *Answerer) Answer(r *Request, from netip.Addr, t Transport, out []byte) ([]byte, Disposition) {
	a.reset(r, from, t, out)
	if r.tsig != 0 && !a.verify() {
		return a.errorResponse(dnswire.RcodeFormErr)
	}
	switch r.kind {
	case tooShort:
		return nil, a.dropped(dropShort)
	case notQuery:
		return nil, a.dropped(dropResponse)
	case otherOpcode:
		return a.errorResponse(dnswire.RcodeNotImp)
	case malformed:
		return a.errorResponse(dnswire.RcodeFormErr)
	case update:
		if a.cfg.Updates == nil || !a.cfg.Updates.Enabled() {
			return a.errorResponse(dnswire.RcodeNotImp)
		}
		if a.ctx == nil {
			return nil, NeedsWait
		}
		return a.update()
	case cookieOnly:
		a.begin(headerLen)
		return a.finish()
	}
	a.begin(r.end)
	a.solve()
	if a.wantSigs {
		a.picker.Rand = a.random
		if !a.needsWait {
			a.sign()
		}
	}
	switch {
	case a.needsWait:
		return nil, NeedsWait
	case a.isTransfer:
		return nil, Transfer
	}
	return a.finish()
}

// begin copies the header and the question, and computes how much room there is.
func (a *Answerer) begin(question int) {
	a.ownerAt = headerLen
	a.minimal = a.unproved()
	a.room = a.limit() - a.optSize()
	if a.req.tsig != 0 {
		a.room -= a.signature.Size()
	}
	a.trackRRsets = a.req.edns.present && a.req.edns.do || a.req.qtype == dnswire.TypeRRSIG
	a.signer.rrsets = a.signer.rrsets[:0]
	a.out = append(a.out, a.req.msg[:question]...)
}

// unproved reports whether the answer could be aimed at a victim: it goes over UDP
// to a client that only sees what everybody sees. Such an answer is as small as it
// can be.
func (a *Answerer) unproved() bool { return a.transport == UDP && !a.client.Recursion }

// limit returns how large the answer may be: RFC 1035 section 4.2.1, RFC 6891
// section 6.2.5.
func (a *Answerer) limit() int {
	switch e := &a.req.edns; {
	case a.transport != UDP:
		return 65535
	case e.present:
		limit := a.cfg.MaxUDPSize
		if a.minimal {
			limit = min(limit, DefaultUDPSize)
		}
		return min(max(e.size, minUDPSize), limit)
	}
	return minUDPSize
}

// solve answers the question.
func (a *Answerer) solve() {
	r := a.req
	if r.tsig != 0 && a.signature.Error != 0 {
		a.rcode = dnswire.RcodeNotAuth // RFC 8945 section 5.2
		return
	}
	if r.edns.present {
		if r.edns.version != 0 {
			a.rcode = dnswire.RcodeBadVers
			return
		}
		if r.edns.cookie != nil && !a.cookieAccepted() {
			a.rcode = dnswire.RcodeBadCookie
			return
		}
	}
	if a.refuse {
		a.rcode = dnswire.RcodeServFail
		return
	}
	if r.qclass != dnswire.ClassIN && r.qclass != dnswire.ClassANY {
		a.otherClass()
		return
	}
	switch r.qtype {
	case dnswire.TypeAXFR, dnswire.TypeIXFR:
		a.requestTransfer()
		return
	case dnswire.TypeSOA:
		// A secondary of a private zone need not see it otherwise.
		if z, _ := a.allowedZone(); z != nil && !z.Public {
			a.aa, a.zone = true, z
			a.addSOA(z, len(r.name), answerSection)
			return
		}
	case dnswire.TypeOPT, dnswire.TypeTSIG, dnswire.TypeTKEY, dnswire.TypeMAILA, dnswire.TypeMAILB:
		a.rcode = dnswire.RcodeNotImp
		return
	case dnswire.TypeNXNAME:
		a.rcode = dnswire.RcodeFormErr // RFC 9824 section 3.5
		return
	}
	q, client := &a.query, a.client
	q.Name, q.Hash, q.Head, q.Found, q.Strict, q.Fixed = r.name, r.hash, r.head, r.found, a.cfg.Strict, a.fixed
	q.View.AllVPCs, q.View.VPCs, q.View.Owners = client.AllVPCs, client.VPCs, client.Owners
	if r.qtype == dnswire.TypeDS && a.solveDS() {
		return
	}
	a.solveName()
}

// solveName answers for the name of the question.
func (a *Answerer) solveName() {
	res := a.snapshot.Zones.Lookup(&a.query)
	a.zone = res.Zone
	if res.Zone != nil && len(res.Zone.Keys) > 0 {
		a.useZone(res.Zone)
	}
	if res.State == zone.Hit {
		a.aa = true
		a.solveNode(&res)
		return
	}
	switch res.State {
	case zone.NXDOMAIN:
		a.aa = true
		a.deny(res.Zone, nil)
		return
	case zone.Referral:
		a.refer(&res)
		return
	}
	a.forward()
}

// solveNode answers for a name that exists: RFC 1034 section 4.3.2 step 3.
func (a *Answerer) solveNode(res *zone.Result) {
	before, n := a.counts[answerSection], res.Node
	switch set := n.Set(); {
	case a.req.qtype == dnswire.TypeANY:
		a.addAny(res)
	case n.IsApex() && a.req.qtype == dnswire.TypeSOA:
		a.addSOA(res.Zone, len(a.query.Name), answerSection)
	case n.IsApex() && a.req.qtype == dnswire.TypeNS && !hasGroup(set, dnswire.TypeNS):
		a.addNS()
	case len(res.Zone.Keys) > 0 && a.req.asksForDNSSEC():
		a.solveKeys(res)
	case set != nil:
		a.solveSet(set)
	case n.Host() != nil:
		a.solveTarget(n.Host())
	}
	if a.counts[answerSection] == before && a.rcode == dnswire.RcodeNoError && !a.needsWait && !a.inLoop {
		a.deny(res.Zone, n) // NODATA
	}
}

// solveSet answers from the RRsets of a name.
func (a *Answerer) solveSet(set *zone.Set) {
	if set.Inline(a.req.qtype) && !a.wantSigs {
		n, ttl, _ := set.PickA(&a.picker, &a.v4)
		a.addA(ttl, a.v4[:n])
		return
	}
	if cname := set.CNAME(); cname != nil {
		a.solveCNAME(cname)
		return
	}
	r := a.rrset(set)
	if r == nil {
		return
	}
	if g := r.Group(); g != nil && !set.Inline(a.req.qtype) {
		a.solveGroup(g)
		return
	}
	a.solveMembers(set, r)
}

// solveMembers answers from an RRset whose records are those of members.
func (a *Answerer) solveMembers(set *zone.Set, r *zone.RRset) {
	switch r.Type {
	case dnswire.TypeA:
		n, ttl, alias := set.PickA(&a.picker, &a.v4)
		if alias != nil {
			a.resolveAlias(alias)
			return
		}
		a.addA(ttl, a.v4[:n])
	case dnswire.TypeAAAA:
		n, ttl, alias := set.PickAAAA(&a.picker, &a.v6)
		if alias != nil {
			a.resolveAlias(alias)
			return
		}
		a.addAAAA(ttl, a.v6[:n])
	default:
		a.picker.Twins = r.Type == dnswire.TypeSRV && a.snapshot.Zones.HasAmbiguousHosts()
		a.addRecords(r, a.records[:r.Pick(&a.picker, &a.records)])
	}
}

// rrset returns the RRset of the type of the question, and prepares the picker
// for it. It returns nil if there is none.
func (a *Answerer) rrset(set *zone.Set) *zone.RRset {
	r := set.RRset(a.req.qtype)
	if r == nil {
		return nil
	}
	if r.ByLatency() {
		a.findRegion()
	}
	if r.ByLocation() {
		a.findLocation()
	}
	if a.wantSigs {
		a.seedPicker(set, r)
	}
	return r
}

// findRegion puts the regions near the client into the picker.
func (a *Answerer) findRegion() { a.picker.Regions = a.regions.near(a.place()) }

// findLocation puts the location of the client into the picker.
func (a *Answerer) findLocation() { a.picker.Location = a.regions.location(a.place()) }

// place returns where the client is: the subnet that its resolver sends, or else the
// address of the resolver.
func (a *Answerer) place() netip.Prefix {
	e := &a.req.edns
	if e.present && e.subnet.raw != nil && e.subnet.prefix.IsValid() && e.subnet.prefix.Bits() > 0 {
		// The answer is for the whole subnet: RFC 7871 section 7.2.1. A shorter
		// scope could include another CIDR of the table.
		e.subnet.scope = uint8(e.subnet.prefix.Bits())
		return e.subnet.prefix
	}
	from := a.from.Unmap()
	return netip.PrefixFrom(from, from.BitLen())
}

// solveTarget answers from the host that an SRV record points to.
func (a *Answerer) solveTarget(h *zone.Host) {
	n4, n6, ttl := 0, 0, h.TTL
	for ; h != nil; h = h.NextSameName() {
		if h.Pending {
			continue
		}
		if h.HasV4 && n4 < len(a.v4) && !slices.Contains(a.v4[:n4], h.V4) {
			a.v4[n4] = h.V4
			n4++
		}
		if h.HasV6 && n6 < len(a.v6) && !slices.Contains(a.v6[:n6], h.V6) {
			a.v6[n6] = h.V6
			n6++
		}
	}
	switch a.req.qtype {
	case dnswire.TypeA:
		a.addA(ttl, a.v4[:n4])
	case dnswire.TypeAAAA:
		a.addAAAA(ttl, a.v6[:n6])
	}
}

// otherClass refuses, except for the name of the server: RFC 4892.
func (a *Answerer) otherClass() {
	name := string(a.req.name)
	if a.req.qclass != dnswire.ClassCH || a.cfg.Identity == "" ||
		name != "\x02id\x06server\x00" && name != "\x08hostname\x04bind\x00" {
		a.rcode = dnswire.RcodeRefused
		return
	}
	if a.req.qtype == dnswire.TypeTXT || a.req.qtype == dnswire.TypeANY {
		a.addText(dnswire.ClassCH, a.cfg.Identity)
	}
}
