// Package ratelimit is response rate limiting (RRL): it bounds how often one
// client network is sent the same kind of answer over UDP, so that the server
// is of no use for reflection attacks, where queries come with the address of
// a victim.
//
// It is meant for answers to anybody. The caller leaves out whoever has proved
// to own its address: clients over TCP, TLS or HTTPS, and those that show a
// valid server cookie (RFC 7873 section 5.2.3).
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

// Kind is the kind of a response. Each is counted on its own.
type Kind uint8

// The kinds, with the name that Check wants for each. What an attacker can vary
// at will is left out of the name, or every query would count alone.
const (
	// Answer has records of the name asked for: the name asked for.
	Answer Kind = iota
	// NoData says that the name has no such records: the name asked for.
	NoData
	// NXDomain says that there is no such name: the zone's name.
	NXDomain
	// Referral points to other servers: the name of the delegation.
	Referral
	// Error is any other response code: the name is ignored.
	Error

	kinds = iota
)

// Verdict is what to do with a response.
type Verdict uint8

// The verdicts.
const (
	// Send the response as it is.
	Send Verdict = iota
	// Truncate the response: send header and question with TC set. It is no
	// larger than the query, so it amplifies nothing, and a true client whose
	// network is being abused gets its answer over TCP.
	Truncate
	// Drop the response.
	Drop
)

// Limiter counts responses. It uses a fixed amount of memory and may be used by
// many goroutines.
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

// Check counts one response to client and says what to do with it. It neither
// allocates nor blocks on anything but another Check of the same few accounts.
// Name is in wire form and lower case; see Kind for which. Calls need not come
// in the order of their now.
func (l *Limiter) Check(now time.Time, client netip.Addr, kind Kind, name []byte) Verdict {
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

// key hashes the account that a response is counted on. The seed is random, so
// nobody can choose addresses or names that meet in one account.
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

// clearAfter zeroes all but the first bits of a.
func clearAfter(a *[16]byte, bits int) {
	at := bits / 8
	if at == len(a) {
		return
	}
	a[at] &= ^(0xff >> (bits % 8))
	clear(a[at+1:])
}
