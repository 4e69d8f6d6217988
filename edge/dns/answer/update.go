package answer

import (
	"context"
	"errors"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/rdata"
)

// Update is a dynamic update (RFC 2136) that was signed with a key.
type Update struct {
	// Key is the name of the key, in lower case and without a final dot.
	Key string
	// Apex is the name of the zone, in wire form and lower case.
	Apex string
	hostedzone.DynamicUpdate
}

// Updater carries out dynamic updates. The error of a refusal is a
// *hostedzone.UpdateError.
type Updater interface {
	// Enabled reports whether any zone can be updated. If none can, updates are answered
	// NOTIMP.
	Enabled() bool
	Update(ctx context.Context, u *Update) error
}

// maxUpdateRecords bounds the records of an update.
const maxUpdateRecords = 1000

// update answers a dynamic update. Only those that are signed with a key change anything.
func (a *Answerer) update() ([]byte, Disposition) {
	a.begin(a.req.end)
	a.rcode = a.runUpdate()
	a.aa = false
	return a.finish()
}

func (a *Answerer) runUpdate() uint16 {
	switch key := a.key(); {
	case a.req.tsig != 0 && a.signature.Error != 0:
		return dnswire.RcodeNotAuth // RFC 8945 section 5.2
	case key == nil:
		return dnswire.RcodeRefused
	case a.req.qtype != dnswire.TypeSOA || a.req.qclass != dnswire.ClassIN:
		return dnswire.RcodeFormErr // RFC 2136 section 3.1.1
	default:
		u := &Update{Key: key.Name(), Apex: string(a.req.name)}
		if !a.readUpdate(u) {
			return dnswire.RcodeFormErr
		}
		return a.updateRcode(a.cfg.Updates.Update(a.ctx, u))
	}
}

func (a *Answerer) updateRcode(err error) uint16 {
	if err == nil {
		return dnswire.RcodeNoError
	}
	if e, ok := errors.AsType[*hostedzone.UpdateError](err); ok {
		a.cfg.Logger.Info("update refused", "zone", dnswire.Text(string(a.req.name)), "rcode", e.Rcode, "err", e)
		return e.Rcode
	}
	a.cfg.Logger.Warn("update failed", "zone", dnswire.Text(string(a.req.name)), "err", err)
	return dnswire.RcodeServFail
}

// readUpdate reads the prerequisites and updates of a message.
func (a *Answerer) readUpdate(u *Update) bool {
	msg := a.req.msg
	h, ok := dnswire.ParseHeader(msg)
	if !ok || int(h.ANCount)+int(h.NSCount) > maxUpdateRecords {
		return false
	}
	at := a.req.end
	read := func(n uint16) (all []hostedzone.UpdateRecord, ok bool) {
		for range n {
			rr, ok := dnswire.ParseRecord(msg, at)
			if !ok {
				return nil, false
			}
			r, ok := updateRecord(msg, at, &rr)
			if !ok {
				return nil, false
			}
			all = append(all, r)
			at = rr.End
		}
		return all, true
	}
	if u.Prerequisites, ok = read(h.ANCount); !ok {
		return false
	}
	u.Updates, ok = read(h.NSCount)
	return ok
}

func updateRecord(msg []byte, at int, rr *dnswire.Record) (hostedzone.UpdateRecord, bool) {
	name, end := dnswire.AppendFullName(nil, msg, at)
	if end < 0 {
		return hostedzone.UpdateRecord{}, false
	}
	dnswire.Lower(name)
	r := hostedzone.UpdateRecord{Name: string(name), Type: rr.Type, Class: rr.Class, TTL: rr.TTL}
	if rr.End == rr.Data {
		return r, rr.Class != dnswire.ClassIN // only deletions and prerequisites have no data
	}
	data, ok := dnswire.AppendFullData(nil, msg, rr)
	r.Data = string(data)
	if !ok || !validData(rr.Type, r.Data) {
		return r, false
	}
	// Records that were stored before such checks can still be deleted.
	return r, rr.Class != dnswire.ClassIN || rdata.Check(rr.Type, r.Data) == nil
}

// validData reports whether data is well-formed, for the types that can be stored: what
// is stored is read again from its text.
func validData(rtype uint16, data string) bool {
	if !rdata.Supported(rtype) {
		return true
	}
	again, err := rdata.Octal.Parse(rtype, rdata.Octal.Text(rtype, data))
	return err == nil && again == data
}
