package demo

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// resolver resolves names to IPv4 addresses and keeps an answer for its TTL, as a
// client should.
type resolver struct {
	server string // HOST:PORT
	// asked is called after each answer from the server, with the time of the question.
	// It may be nil.
	asked func(at time.Time, addresses []netip.Addr)

	mu    sync.Mutex
	cache map[string]cachedAnswer
}

type cachedAnswer struct {
	addresses []netip.Addr
	expires   time.Time
}

func newResolver(server string) *resolver {
	return &resolver{server: server, cache: map[string]cachedAnswer{}}
}

// lookup returns the addresses of a name; there is at least one.
func (r *resolver) lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock() // one question at a time: the others wait for its answer
	if known := r.cache[name]; now.Before(known.expires) {
		return known.addresses, nil
	}
	addresses, ttl, err := r.ask(ctx, name)
	if err != nil {
		return nil, err
	}
	if r.asked != nil {
		r.asked(now, addresses)
	}
	r.cache[name] = cachedAnswer{addresses, now.Add(ttl)}
	return addresses, nil
}

const (
	typeA         = 1
	classIN       = 1
	maxUDP        = 4096
	questionLimit = 2 * time.Second
)

// ask sends one question over UDP.
func (r *resolver) ask(ctx context.Context, name string) ([]netip.Addr, time.Duration, error) {
	query, id, err := newQuery(name)
	if err != nil {
		return nil, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, questionLimit)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "udp", r.server)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, 0, err
	}
	if _, err := conn.Write(query); err != nil {
		return nil, 0, err
	}
	buf := make([]byte, maxUDP)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: no answer from %s: %w", name, r.server, err)
		}
		if h, ok := dnswire.ParseHeader(buf[:n]); ok && h.ID == id {
			return parseAnswer(name, buf[:n])
		}
	}
}

func newQuery(name string) (query []byte, id uint16, err error) {
	wire, ok := dnswire.ParseName(name)
	if !ok {
		return nil, 0, fmt.Errorf("%q is not a domain name", name)
	}
	var random [2]byte
	_, _ = rand.Read(random[:]) // never fails
	id = binary.BigEndian.Uint16(random[:])
	query = dnswire.Header{ID: id, Flags: dnswire.FlagRD, QDCount: 1, ARCount: 1}.Append(nil)
	query = dnswire.AppendQuestion(query, wire, typeA, classIN)
	return dnswire.AppendOPT(query, maxUDP, 0), id, nil
}

// parseAnswer returns the addresses in an answer and the smallest TTL.
func parseAnswer(name string, msg []byte) ([]netip.Addr, time.Duration, error) {
	bad := errors.New("malformed answer for " + name)
	h, ok := dnswire.ParseHeader(msg)
	if !ok {
		return nil, 0, bad
	}
	if code := h.Flags & dnswire.RcodeMask; code != 0 {
		return nil, 0, fmt.Errorf("%s: response code %d", name, code)
	}
	q, ok := dnswire.ParseQuestion(msg, dnswire.HeaderLen)
	if !ok {
		return nil, 0, bad
	}
	var addresses []netip.Addr
	ttl := time.Hour
	at := q.End
	for range h.ANCount {
		record, ok := dnswire.ParseRecord(msg, at)
		if !ok {
			return nil, 0, bad
		}
		at = record.End
		if record.Type != typeA || record.End-record.Data != 4 {
			continue
		}
		addresses = append(addresses, netip.AddrFrom4([4]byte(msg[record.Data:record.End])))
		ttl = min(ttl, time.Duration(record.TTL)*time.Second)
	}
	if len(addresses) == 0 {
		return nil, 0, fmt.Errorf("%s has no address", name)
	}
	return addresses, ttl, nil
}

// nameserver returns the address of the first resolver in a file such as
// /etc/resolv.conf; see resolv.conf(5).
func nameserver(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "nameserver" {
			return net.JoinHostPort(words[1], "53"), nil
		}
	}
	return "", fmt.Errorf("%s has no nameserver", file)
}
