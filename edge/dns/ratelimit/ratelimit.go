// Package ratelimit implements response rate limiting (RRL): it limits how often one
// client network gets the same kind of answer over UDP. Without it, an attacker could
// send queries with the address of a victim, and the server would flood the victim.
//
// The caller does not check clients that have proved that they own their address:
// those over TCP, TLS or HTTPS, and those with a valid server cookie (RFC 7873
// section 5.2.3).
//
//	switch limiter.Check(now, from.Addr(), ratelimit.NXDomain, zone) {
//	case ratelimit.Drop: // send nothing
//	case ratelimit.Truncate: // header and question with TC set, nothing else
//	}
package ratelimit

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"time"
)

// Kind is the kind of a response. Each kind is counted separately.
type Kind uint8

// The kinds, with the name that Check needs for each. The name must not contain parts
// that an attacker can vary, or every query would have a count of its own.
const (
	// Answer has records of the name in the question: that name.
	Answer Kind = iota
	// NoData is an answer without records of the type: the name in the question.
	NoData
	// NXDomain means that the name does not exist: the name of the zone.
	NXDomain
	// Referral refers to other servers: the name of the delegation.
	Referral
	// Error is any other response code: the name is ignored.
	Error

	kinds = iota
)

// Action is what to do with a response.
type Action uint8

// The actions.
const (
	// Send the response as it is.
	Send Action = iota
	// Truncate the response: send header and question with TC set. It is not
	// larger than the query, and a genuine client in an attacked network repeats
	// its query over TCP.
	Truncate
	// Drop the response.
	Drop
)

// Limiter counts responses. It uses a fixed amount of memory and is safe for
// concurrent use.
type Limiter struct {
	rates    [kinds]int64 // thousandths of a response per millisecond = responses per second
	floor    [kinds]int64 // least balance, below zero
	slip     uint32
	bits4    int
	bits6    int
	exempt   *prefixSet
	table    *table
	seed     maphash.Seed
	limited  bool // false: everything is sent
	counters counters
}

// Check counts one response to client and returns what to do with it. It does not
// allocate, and waits only for other calls of Check for the same few accounts. name is
// in wire form and lower case; see Kind. now may be earlier than in another call.
func (l *Limiter) Check(now time.Time, client netip.Addr, kind Kind, name []byte) Action {
	if !l.limited {
		return Send
	}
	client = client.Unmap()
	if l.exempt.contains(client) {
		return Send
	}
	v := l.table.charge(charge{
		key:   l.key(client, kind, name),
		ms:    uint32(now.UnixMilli()),
		rate:  l.rates[kind],
		floor: l.floor[kind],
		slip:  l.slip,
	})
	l.counters.count(v)
	return v
}

// key returns the hash of the account of a response. The seed is random, so an
// attacker cannot choose addresses or names that share an account.
func (l *Limiter) key(client netip.Addr, kind Kind, name []byte) uint64 {
	var b [17 + 8]byte
	net, bits := client.As16(), 128-32+l.bits4
	if client.Is6() {
		bits = l.bits6
	}
	clearAfter(&net, bits)
	copy(b[:16], net[:])
	b[16] = byte(kind)
	if kind != Error {
		binary.LittleEndian.PutUint64(b[17:], maphash.Bytes(l.seed, name))
	}
	return maphash.Bytes(l.seed, b[:])
}

// clearAfter sets all bits of a after the first bits to zero.
func clearAfter(a *[16]byte, bits int) {
	at := bits / 8
	if at == len(a) {
		return
	}
	a[at] &= ^(0xff >> (bits % 8))
	clear(a[at+1:])
}
