package notify

import (
	"time"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// message returns a NOTIFY message: RFC 1996 section 3.7. The SOA record in it is a
// hint.
func (z *pending) message(now int64) []byte {
	b := dnswire.Header{ID: z.id, Flags: dnswire.OpcodeNotify | dnswire.FlagAA, QDCount: 1, ANCount: 1}.Append(nil)
	b = dnswire.AppendQuestion(b, z.change.Apex, dnswire.TypeSOA, dnswire.ClassIN)
	b = append(b, z.change.SOA...)
	if z.change.Key != nil {
		z.signed = z.change.Key.Request()
		b = z.signed.Sign(b, now)
	}
	return b
}

// answer is the answer of a secondary to a NOTIFY message.
type answer struct {
	id    uint16
	rcode uint16
	apex  string // in lower case
	tsig  int    // offset of the TSIG record; 0: there is none
}

// parse reads an answer. It returns false for every other message.
func (a *answer) parse(msg []byte) bool {
	h, ok := dnswire.ParseHeader(msg)
	if !ok || h.Flags&dnswire.FlagQR == 0 || h.Flags&dnswire.OpcodeMask != dnswire.OpcodeNotify || h.QDCount != 1 {
		return false
	}
	a.id, a.rcode = h.ID, h.Flags&dnswire.RcodeMask
	q, ok := dnswire.ParseQuestion(msg, dnswire.HeaderLen)
	if !ok || q.Type != dnswire.TypeSOA {
		return false
	}
	a.apex = string(dnswire.Lowered(q.Name))
	return a.records(msg, q.End, h.Records())
}

// records finds the TSIG record, which is the last of n records.
func (a *answer) records(msg []byte, at, n int) bool {
	a.tsig = 0
	for i := range n {
		rr, ok := dnswire.ParseRecord(msg, at)
		if !ok {
			return false
		}
		if i == n-1 && rr.Type == dnswire.TypeTSIG {
			a.tsig = rr.Start
		}
		at = rr.End
	}
	return at == len(msg)
}

// acknowledged processes a message from the secondary. A secondary that does not
// implement NOTIFY gets no more messages: RFC 1996 section 3.6. One that refuses the
// message gets it again, because its configuration may change.
func (p *peer) acknowledged(msg []byte) {
	var a answer
	if !a.parse(msg) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	z := p.zones[a.apex]
	if z == nil || z.tries == 0 || z.id != a.id {
		return // not an answer to the last message
	}
	log := p.sender.cfg.Logger.With("secondary", p.addr, "zone", dnswire.Text(a.apex))
	if z.signed != nil {
		if err := z.signed.Check(msg, a.tsig, time.Now().Unix()); err != nil {
			p.refused(z)
			log.Warn("answer to NOTIFY has a wrong signature", "err", err, "rcode", a.rcode)
			return
		}
	}
	switch a.rcode {
	case dnswire.RcodeNoError:
		p.sender.messages.WithLabelValues("acknowledged").Inc()
		log.Debug("NOTIFY acknowledged", "tries", z.tries)
		delete(p.zones, a.apex)
	case dnswire.RcodeNotImp:
		p.refused(z)
		log.Info("secondary does not implement NOTIFY")
		delete(p.zones, a.apex)
	default:
		p.refused(z)
		log.Warn("secondary refuses NOTIFY", "rcode", a.rcode)
	}
}

// refused delays the next message by maxRetry.
func (p *peer) refused(z *pending) {
	p.sender.messages.WithLabelValues("refused").Inc()
	z.next = time.Now().Add(maxRetry)
}
