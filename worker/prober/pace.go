package prober

import (
	"net/netip"

	"github.com/cairn-discovery/cairn/core/command"
)

// pace limits how often one account probes one address, whatever the ports and
// however many instances have it: otherwise an account could use the node to send
// thousands of connections a second to a victim. It is the generic cell rate
// algorithm (ITU-T I.371) with a burst of one second.
type pace struct {
	period int64 // nanoseconds between two probes; 0: no limit
	next   map[paced]int64
	sweep  int // size at which entries of the past are removed
}

type paced struct {
	account command.AccountID
	addr    netip.Addr
}

func newPace(perSecond int) pace {
	p := pace{next: map[paced]int64{}, sweep: 1024}
	if perSecond > 0 {
		p.period = int64(1e9) / int64(perSecond)
	}
	return p
}

// reserve takes the next place for a probe and returns its time, which is now or
// later.
func (p *pace) reserve(account command.AccountID, addr netip.Addr, now int64) int64 {
	if p.period == 0 {
		return now
	}
	const burst = int64(1e9)
	key := paced{account, addr.Unmap()}
	at := max(p.next[key], now)
	p.next[key] = at + p.period
	if len(p.next) > p.sweep {
		for k, t := range p.next {
			if t <= now {
				delete(p.next, k)
			}
		}
		p.sweep = max(2*len(p.next), 1024)
	}
	return max(at+p.period-burst, now)
}
