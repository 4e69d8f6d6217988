package dns

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net/netip"
	"sync/atomic"
	"time"
)

// Cookies says how DNS cookies are made: RFC 7873 and, for the form of the
// server's half, RFC 9018, so that several servers behind one address accept
// each other's when they share a secret.
type Cookies struct {
	// Secret has 16 octets. Nil: a random one that is changed every day.
	Secret []byte
	// Required answers BADCOOKIE to clients that send a cookie without our half
	// over UDP, instead of answering them. Clients without any are answered.
	Required bool
}

const (
	clientCookieLen = 8
	serverCookieLen = 16
	cookieLen       = clientCookieLen + serverCookieLen

	cookieVersion = 1
	// RFC 9018 section 4.3: how old a cookie may be, how far in the future, and
	// from which age on the client gets a new one.
	cookieMaxAge   = 3600
	cookieMaxAhead = 300
	cookieRenewAge = 1800

	secretLifetime = 24 * time.Hour
)

// cookies holds the secrets.
type cookies struct {
	fixed   bool
	secrets atomic.Pointer[secrets]
}

// secrets are the one that cookies are made with and the one before it, which
// is still accepted.
type secrets struct{ current, previous [16]byte }

func newCookies(cfg Cookies) (*cookies, error) {
	c := &cookies{fixed: cfg.Secret != nil}
	var s secrets
	if c.fixed {
		if len(cfg.Secret) != len(s.current) {
			return nil, errors.New("dns: the secret of cookies must have 16 octets")
		}
		copy(s.current[:], cfg.Secret)
	} else {
		rand.Read(s.current[:]) // never fails
	}
	s.previous = s.current
	c.secrets.Store(&s)
	return c, nil
}

// rotate replaces the secret, unless it is a given one.
func (c *cookies) rotate() {
	if c.fixed {
		return
	}
	next := secrets{previous: c.secrets.Load().current}
	rand.Read(next.current[:])
	c.secrets.Store(&next)
}

// run changes the secret as it gets old, until ctx ends.
func (c *cookies) run(ctx context.Context) error {
	tick := time.NewTicker(secretLifetime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			c.rotate()
		}
	}
}

// hashCookie is the last part of the server cookie: RFC 9018 section 4.4. head is the
// client cookie and the rest of the server's.
func hashCookie(secret *[16]byte, head []byte, client netip.Addr) uint64 {
	var buf [16 + 16]byte
	n := copy(buf[:], head[:16])
	if client = client.Unmap(); client.Is4() {
		addr := client.As4()
		n += copy(buf[n:], addr[:])
	} else {
		addr := client.As16()
		n += copy(buf[n:], addr[:])
	}
	return sipHash(secret, buf[:n])
}

// cookieAccepted judges the cookie that came, and says whether the query may be
// answered.
func (a *answerer) cookieAccepted() bool {
	a.cookieValid = a.server.cookies.valid(a.req.edns.cookie, a.from, a.seconds())
	return a.cookieValid || a.transport != UDP || !a.server.cfg.Cookies.Required
}

func (c *cookies) valid(cookie []byte, client netip.Addr, now int64) bool {
	if len(cookie) != cookieLen || cookie[clientCookieLen] != cookieVersion {
		return false
	}
	// RFC 1982 arithmetic: the time is 32 bits wide.
	age := int32(uint32(now) - binary.BigEndian.Uint32(cookie[12:]))
	if age > cookieMaxAge || age < -cookieMaxAhead {
		return false
	}
	got := binary.LittleEndian.Uint64(cookie[16:])
	s := c.secrets.Load()
	return got == hashCookie(&s.current, cookie, client) || got == hashCookie(&s.previous, cookie, client)
}

// appendCookie appends the client's cookie and ours: the one that came while it
// is fresh, else a new one.
func (a *answerer) appendCookie(out []byte) []byte {
	cookie, now := a.req.edns.cookie, a.seconds()
	if a.cookieValid && int32(uint32(now)-binary.BigEndian.Uint32(cookie[12:])) < cookieRenewAge {
		return append(out, cookie...)
	}
	at := len(out)
	out = append(out, cookie[:clientCookieLen]...)
	out = append(out, cookieVersion, 0, 0, 0)
	out = add32(out, uint32(now))
	s := a.server.cookies.secrets.Load()
	return binary.LittleEndian.AppendUint64(out, hashCookie(&s.current, out[at:], a.from))
}

// randomSeed is a seed that nobody can guess.
func randomSeed() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}
