package answer

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/dchest/siphash"
)

// Cookies configures DNS cookies: RFC 7873. The format of the server cookie is that of RFC
// 9018, so several servers behind one address accept each other's cookies if they share a
// secret.
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

// secrets are the secret for new cookies and the previous one, whose cookies are
// still accepted.
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

// rotate replaces the secret, unless it is configured.
func (c *cookies) rotate() {
	if c.fixed {
		return
	}
	next := secrets{previous: c.secrets.Load().current}
	rand.Read(next.current[:])
	c.secrets.Store(&next)
}

// run replaces the secret every secretLifetime, until ctx ends.
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

// hashCookie returns the last part of the server cookie: RFC 9018 section 4.4.
// Head is the client cookie and the first part of the server cookie.
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
	return siphash.Hash(binary.LittleEndian.Uint64(secret[:8]), binary.LittleEndian.Uint64(secret[8:]), buf[:n])
}

// cookieAccepted validates the cookie of the query, and reports whether the query
// may be answered.
func (a *Answerer) cookieAccepted() bool {
	a.cookieValid = a.cookies.valid(a.req.edns.cookie, a.from, a.unixTime())
	return a.cookieValid || a.transport != UDP || !a.cfg.Cookies.Required
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

// appendCookie appends the client cookie and the server cookie: the one of the
// query while it is fresh, otherwise a new one.
func (a *Answerer) appendCookie() {
	cookie, now := a.req.edns.cookie, a.unixTime()
	if a.cookieValid && int32(uint32(now)-binary.BigEndian.Uint32(cookie[12:])) < cookieRenewAge {
		a.out = append(a.out, cookie...)
		return
	}
	at := len(a.out)
	out := append(a.out, cookie[:clientCookieLen]...)
	out = append(out, cookieVersion, 0, 0, 0)
	out = add32(out, uint32(now))
	s := a.cookies.secrets.Load()
	a.out = binary.LittleEndian.AppendUint64(out, hashCookie(&s.current, out[at:], a.from))
}
