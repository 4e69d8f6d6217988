// Package answer turns DNS queries into answers: one message in, one message out.
//
// It opens no sockets; edge/dns does. A query goes this way, and allocates
// nothing on it:
//
//	request.go    parsed once: question, EDNS, TSIG
//	answer.go     looked up in the newest snapshot
//	records.go    the records, from parts prepared when the state changed
//	finish.go     EDNS, truncation, header, TSIG
//
// A name outside our zones, and an alias to one, can need an upstream resolver,
// and an answer from a signed zone signatures. If a cache does not have them, the
// disposition of the query is NeedsWait, and it is answered again with
// AnswerWaiting in another goroutine. Zone transfers are streams of messages, see
// Responder.Transfer.
package answer

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"time"

	"github.com/cairn-discovery/cairn/core/zone"
	"github.com/cairn-discovery/cairn/edge/dns/forward"
	"github.com/cairn-discovery/cairn/edge/dns/ratelimit"
	"github.com/cairn-discovery/cairn/edge/dns/tsig"
	"github.com/cairn-discovery/cairn/edge/dns/view"
	"github.com/cairn-discovery/cairn/edge/dns/xfr"
	"github.com/cairn-discovery/cairn/replica"
)

// Source returns the newest state.
type Source interface {
	Current() *replica.Snapshot
}

// Config is the configuration of a Responder.
type Config struct {
	// Source is asked for the state once for each batch of queries, after the
	// batch arrived: an answer is never older than its question. Required.
	Source Source
	// Refuse reports whether the state is so old that queries get SERVFAIL. It is called
	// for each batch. Nil: it never is.
	Refuse func() bool
	// Views says which client sees what. It is called for each batch, so it may
	// change while the server runs. Required.
	Views func() *view.Table
	// Strict makes the server behave as Route 53 where it otherwise does
	// better; see docs/divergences/dns.md.
	Strict bool
	// Forward resolves names outside our zones for clients that may recurse,
	// and the targets of aliases. Nil: such names are refused, such aliases
	// fail.
	Forward *forward.Resolver
	// Signer signs answers from signed zones, for clients that ask for
	// signatures. Nil: nothing can be signed, and these clients get SERVFAIL.
	Signer SigningSource
	// Limit bounds answers over UDP to clients that see public zones only.
	// Nil: no bound.
	Limit *ratelimit.Limiter
	// NameServers are the names in the NS records of all zones; the first of
	// them is in the SOA records too. None means "ns.cairn.internal".
	NameServers []string
	// Updates carries out dynamic updates (RFC 2136). Nil: every update is answered NOTIMP.
	Updates Updater
	// Transfers sends zones to secondary servers. Nil: questions for AXFR and IXFR are
	// answered REFUSED.
	Transfers *xfr.Server
	// Keys are those that queries may be signed with (RFC 8945). None: every
	// signature is that of an unknown key.
	Keys func() tsig.Keys
	// Hostmaster is the mailbox in SOA records, as a domain name. Empty means
	// "hostmaster" below the parent of the first name server.
	Hostmaster string
	// Hosts are names that the server answers itself: those of the APIs and of
	// the name servers.
	Hosts []zone.FixedName
	// Regions are used by the routing policy LATENCY.
	Regions []Region
	// Region is where clients are assumed to be that no CIDR of Regions holds.
	Region string
	// Cookies configures DNS cookies (RFC 7873).
	Cookies Cookies
	// Identity is returned to clients that ask for it by NSID (RFC 5001) or
	// id.server (RFC 4892). Empty: it is not returned.
	Identity string
	// MaxUDPSize bounds answers over UDP, whatever the client allows, in octets.
	// Zero means 1232, which no path fragments; 512 to 4096.
	MaxUDPSize int
	// IdleTimeout of a connection is told to clients that ask (RFC 7828).
	IdleTimeout time.Duration
	// LogSample logs every n-th query at level info. Zero: none.
	LogSample int
	Logger    *slog.Logger // required
}

const (
	// DefaultUDPSize fits the smallest IPv6 MTU, so it is never fragmented.
	DefaultUDPSize = 1232
	// MaxUDPSize is the largest size that can be configured.
	MaxUDPSize = 4096

	minUDPSize = 512
)

// Responder has what all Answerers share. Make one with New.
type Responder struct {
	cfg       Config
	authority authority
	fixed     *zone.Fixed
	regions   *regions
	cookies   *cookies
}

// New checks the configuration.
func New(cfg Config) (*Responder, error) {
	if cfg.Source == nil || cfg.Views == nil || cfg.Logger == nil {
		return nil, errors.New("dns: Source, Views and Logger are required")
	}
	if cfg.MaxUDPSize == 0 {
		cfg.MaxUDPSize = DefaultUDPSize
	}
	if cfg.MaxUDPSize < minUDPSize || cfg.MaxUDPSize > MaxUDPSize {
		return nil, errors.New("dns: MaxUDPSize must be 512 to 4096")
	}
	r := &Responder{cfg: cfg}
	var errs [4]error
	r.authority, errs[0] = newAuthority(&cfg)
	r.fixed, errs[1] = zone.NewFixed(cfg.Hosts)
	r.regions, errs[2] = newRegions(cfg.Regions, cfg.Region)
	r.cookies, errs[3] = newCookies(cfg.Cookies)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	return r, nil
}

// Run replaces the secret of cookies from time to time, until ctx ends.
func (r *Responder) Run(ctx context.Context) error { return r.cookies.run(ctx) }

// UDPSize returns the largest size of an answer over UDP, in octets.
func (r *Responder) UDPSize() int { return r.cfg.MaxUDPSize }

// now returns the time for keys and signatures.
func (r *Responder) now() time.Time {
	if r.cfg.Signer == nil {
		return time.Now()
	}
	return r.cfg.Signer.Now()
}

// NewAnswerer returns an Answerer, which is for one goroutine at a time.
func (r *Responder) NewAnswerer() *Answerer {
	a := &Answerer{Responder: r}
	a.random = zone.NewRand(randomSeed(), randomSeed())
	a.picker.Rand = a.random
	a.picker.Strict = r.cfg.Strict
	return a
}

// randomSeed returns a seed that nobody can guess.
func randomSeed() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])
}
