package ratelimit

import "sync"

// table holds accounts in small sets, each with its own lock. A new account in a full
// set replaces the least useful one, so the memory is constant for any number of
// addresses that an attacker invents. An account under attack stays, because it is
// limited and charged all the time.
type table struct {
	sets []set // a power of two
}

// set is a set of accounts. It fills two cache lines.
type set struct {
	mu       sync.Mutex
	accounts [accountsPerSet]account
	_        [8]byte
}

const accountsPerSet = 7

// account is a token bucket. The zero account is unused.
type account struct {
	tag     uint32 // upper half of the key; 0 only when free
	ms      uint32 // time of the last charge in milliseconds, wrapping around
	balance int32  // in thousandths of a response
	limited uint32 // responses that were not sent as they were
}

// charge is one response to count.
type charge struct {
	key         uint64
	ms          uint32
	rate, floor int64
	slip        uint32
}

// cost is how much one response reduces the balance.
const cost = 1000

func newTable(accounts int) *table {
	n := 1
	for n*accountsPerSet < accounts {
		n *= 2
	}
	return &table{sets: make([]set, n)}
}

func (t *table) charge(c charge) Action {
	s := &t.sets[c.key&uint64(len(t.sets)-1)]
	tag := max(uint32(c.key>>32), 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.account(tag, c).charge(c)
}

// account returns the account of a key, or a new one with the responses of one second.
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

// worth ranks accounts by how much is lost if they are replaced: nothing for an unused
// one, little for one that is not limited, and less the longer ago its last charge
// was. The account may have another rate than the current charge, so the rank is an
// estimate, which is sufficient.
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

func (a *account) charge(c charge) Action {
	balance := int64(a.balance)
	// If the clock went back, the balance does not grow.
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
