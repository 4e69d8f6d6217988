package ratelimit

import "sync"

// table holds accounts in small sets, each with its own lock. An account that
// finds its set full takes the place of the least worth keeping, so memory stays
// as it is whatever number of addresses an attacker makes up, and an account
// under attack stays because it is limited and charged all the time.
type table struct {
	sets []set // a power of two
}

// set is two cache lines.
type set struct {
	mu       sync.Mutex
	accounts [accountsPerSet]account
	_        [8]byte
}

const accountsPerSet = 7

// account is a token bucket. The zero account is free.
type account struct {
	tag     uint32 // upper half of the key; 0 only when free
	ms      uint32 // time of the last charge in milliseconds, wrapping around
	balance int32  // in thousandths of a response
	limited uint32 // responses that were not sent as they were
}

// charge is one response to be counted.
type charge struct {
	key         uint64
	ms          uint32
	rate, floor int64
	slip        uint32
}

// cost is what one response takes from the balance.
const cost = 1000

func newTable(accounts int) *table {
	n := 1
	for n*accountsPerSet < accounts {
		n *= 2
	}
	return &table{sets: make([]set, n)}
}

func (t *table) charge(c charge) Verdict {
	s := &t.sets[c.key&uint64(len(t.sets)-1)]
	tag := max(uint32(c.key>>32), 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.account(tag, c).charge(c)
}

// account finds the account or opens it with one second's worth of responses.
func (s *set) account(tag uint32, c charge) *account {
	worst := &s.accounts[0]
	for i := range s.accounts {
		a := &s.accounts[i]
		if a.tag == tag {
			return a
		}
		if a.worth(c) < worst.worth(c) {
			worst = a
		}
	}
	*worst = account{tag: tag, ms: c.ms, balance: int32(c.rate * cost)}
	return worst
}

// worth ranks accounts by what is lost with them: nothing with a free one,
// little with one that would be sent its next response anyway, and less the
// longer ago the last charge was. That the account's own rate may be another
// than that of the charge at hand makes the rank a guess, which is enough.
func (a *account) worth(c charge) int64 {
	const limited = 1 << 33
	if a.tag == 0 {
		return -limited
	}
	idle := int64(max(int32(c.ms-a.ms), 0))
	if int64(a.balance)+idle*c.rate < 0 {
		return limited - idle
	}
	return -idle
}

func (a *account) charge(c charge) Verdict {
	balance := int64(a.balance)
	// A clock that went back gives nothing.
	if elapsed := int32(c.ms - a.ms); elapsed > 0 {
		balance += int64(elapsed) * c.rate
	}
	a.ms = c.ms
	balance = min(balance, c.rate*cost) - cost
	a.balance = int32(max(balance, c.floor))
	if balance >= 0 {
		return Send
	}
	a.limited++
	if c.slip > 0 && a.limited%c.slip == 0 {
		return Truncate
	}
	return Drop
}
