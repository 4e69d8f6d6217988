package xfr

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/edge/dns/tsig"
)

// Query is a query for a zone that the client may transfer.
type Query struct {
	// Message is the query. Its first Question octets are the header and the
	// question.
	Message  []byte
	Question int
	EDNS     bool
	// Incremental is true for IXFR: the client has the version with Serial.
	Incremental bool
	Serial      uint32
	From        netip.AddrPort
	// Signed is the query's signature. Nil: it has none.
	Signed *tsig.Signature
	// Limit is the maximum length of the only message. Zero: the answer may have
	// many messages.
	Limit int
	// Transport is for the log.
	Transport string
}

// ErrBusy means that the limit of transfers is reached, for all clients or for this
// one.
var ErrBusy = errors.New("xfr: too many transfers")

// ErrGone means that the zone was deleted in the meantime.
var ErrGone = errors.New("xfr: the zone is gone")

// ErrNotSigned means that a signed zone cannot be signed now. Nothing was sent.
var ErrNotSigned = errors.New("xfr: no signatures")

// Transfer sends a zone: it calls send for one message after the other. A message is
// valid during the call only. Before the first message it may return ErrBusy,
// ErrGone or ErrNotSigned. An error of send ends the transfer and is returned.
func (s *Server) Transfer(ctx context.Context, z *zone.Zone, q *Query, send func([]byte) error) error {
	if !s.enter(q.From.Addr()) {
		s.metrics.count(q, styleNone, "busy")
		return ErrBusy
	}
	defer s.leave(q.From.Addr())
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	start := time.Now()
	h := s.historyOf(z)
	now := h.catchUp(s, s.cfg.Source.Current().State)
	if now == nil {
		return ErrGone
	}
	t := &transfer{server: s, history: h, now: now, query: q, messages: messages{
		query: q.Message[:q.Question], edns: q.EDNS, signed: q.Signed, limit: maxMessage, single: q.Limit > 0,
		buf: make([]byte, 0, maxMessage),
	}}
	t.messages.send = func(b []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return send(b)
	}
	if q.Limit > 0 {
		t.messages.limit = min(q.Limit, maxMessage)
	}
	err := t.run(ctx)
	s.ended(t, time.Since(start), err)
	return err
}

// transfer is one transfer.
type transfer struct {
	server   *Server
	history  *history
	now      *version
	query    *Query
	messages messages
	style    style
}

// style is what a transfer sends.
type style string

const (
	styleNone    style = ""
	styleWhole   style = "whole"   // all records
	styleChanges style = "changes" // what changed
	styleCurrent style = "current" // only the SOA record: nothing changed, or there is no room
)

func (t *transfer) run(ctx context.Context) error {
	if !t.query.Incremental {
		return t.whole(ctx)
	}
	// RFC 1995 section 2: the client has this version or a newer one.
	if int32(t.query.Serial-uint32(t.now.serial)) >= 0 {
		return t.current()
	}
	steps, ok := t.history.since(t.server, t.query.Serial)
	switch {
	case ok && t.messages.single:
		err := t.changes(steps)
		if errors.Is(err, errTooLarge) {
			return t.current() // the client asks again over TCP
		}
		return err
	case ok:
		return t.changes(steps)
	case t.messages.single:
		return t.current()
	}
	return t.whole(ctx)
}

func (t *transfer) soa(z soaOf, serial uint64) error {
	return t.messages.add(t.server.cfg.Apex.appendSOA(nil, z, serial))
}

func (t *transfer) currentSOA() error {
	return t.soa(t.now.soa(t.server), t.now.serial)
}

// current sends only the SOA record.
func (t *transfer) current() error {
	t.style = styleCurrent
	t.messages.begin()
	if err := t.currentSOA(); err != nil {
		return err
	}
	return t.messages.flush()
}

func (t *transfer) contents(ctx context.Context) error {
	if !signed(t.now.zone) {
		return t.now.each(t.server, t.messages.add)
	}
	err := t.now.eachSigned(ctx, t.server, t.messages.add)
	if err != nil && ctx.Err() == nil && t.messages.sent.messages == 0 {
		return fmt.Errorf("%w: %w", ErrNotSigned, err)
	}
	return err
}

// whole sends all records. The SOA record is the first and the last.
func (t *transfer) whole(ctx context.Context) error {
	t.style = styleWhole
	if err := t.currentSOA(); err != nil {
		return err
	}
	if err := t.contents(ctx); err != nil {
		return err
	}
	if err := t.currentSOA(); err != nil {
		return err
	}
	err := t.messages.flush()
	t.history.setSize(t.messages.sent.octets)
	return err
}

// changes sends differences: RFC 1995 section 4. Each consists of the SOA record
// before it, the removed records, the SOA record after it, and the added records.
func (t *transfer) changes(steps []step) error {
	t.style = styleChanges
	if err := t.currentSOA(); err != nil {
		return err
	}
	from := t.query.serial(t.now.serial)
	if len(steps) == 0 { // nothing but the serial
		if err := t.soa(t.now.soa(t.server), from); err != nil {
			return err
		}
		if err := t.currentSOA(); err != nil {
			return err
		}
	}
	for i := range steps {
		to, soa := t.now.serial, t.now.soa(t.server)
		if i+1 < len(steps) {
			to, soa = steps[i+1].first, steps[i+1].soa
		}
		if err := t.step(&steps[i], from, to, soa); err != nil {
			return err
		}
		from = to
	}
	if err := t.currentSOA(); err != nil {
		return err
	}
	return t.messages.flush()
}

func (t *transfer) step(st *step, from, to uint64, soa soaOf) error {
	if err := t.soa(st.soa, from); err != nil {
		return err
	}
	if err := st.removed.each(t.messages.add); err != nil {
		return err
	}
	if err := t.soa(soa, to); err != nil {
		return err
	}
	return st.added.each(t.messages.add)
}

// serial returns the serial that the client has with all bits: see zone.Serial.
func (q *Query) serial(now uint64) uint64 { return now - uint64(uint32(now)-q.Serial) }

// ReadSerial returns the serial of the SOA record in the authority section of a
// query for changes: RFC 1995 section 3. The question ends at an offset. It
// returns false if the message has no such record.
func ReadSerial(msg []byte, question int) (uint32, bool) {
	h, ok := dnswire.ParseHeader(msg)
	if !ok || h.ANCount != 0 || h.NSCount != 1 {
		return 0, false
	}
	rr, ok := dnswire.ParseRecord(msg, question)
	if !ok || rr.Type != dnswire.TypeSOA {
		return 0, false
	}
	at := dnswire.SkipName(msg[:rr.End], rr.Data)
	if at >= 0 {
		at = dnswire.SkipName(msg[:rr.End], at)
	}
	if at < 0 || rr.End-at != 20 {
		return 0, false
	}
	return binary.BigEndian.Uint32(msg[at:]), true
}
