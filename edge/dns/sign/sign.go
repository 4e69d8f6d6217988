// Package sign makes DNSSEC signatures when answers need them, and caches them.
//
// The key of a cached signature is a hash of everything that it covers, so no entry
// becomes wrong when the registry changes: another RRset has another signature. The
// cache is bounded in octets, and the signatures that are made at a time by the
// number of processors. A signature that several callers need at the same time is
// made once.
package sign

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/core/dnssec"
)

// Config is what a Signer needs.
type Config struct {
	// Open returns the private half of a key. Required.
	Open func(*dnssec.Key) (*ecdsa.PrivateKey, error)
	// Now is the clock. Nil: the system's.
	Now func() time.Time
	// CacheBytes limits the memory of the cache. Zero means 32 MiB.
	CacheBytes int
	// AtOnce is how many signatures are made at a time. Zero means half of the
	// processors, at least one: the others serve answers without signatures.
	AtOnce int
	Logger *slog.Logger // required
	// Registerer registers the metrics. Nil: there are none.
	Registerer prometheus.Registerer
}

// A signature is valid from an hour before it is made, for clocks that are late. It
// is replaced when two days are left, which is the TTL of the NS records: no resolver
// needs a record longer than its signature is valid. The expirations differ by up to
// twelve hours, so that the signatures of a zone are not all replaced at the same
// time.
const (
	backdated    = time.Hour
	validity     = 4 * 24 * time.Hour
	jitter       = 12 * time.Hour
	minRemaining = 2 * 24 * time.Hour
)

const defaultCacheBytes = 32 << 20

// Signature is the variable part of an RRSIG record.
type Signature struct {
	dnssec.Period
	Value [dnssec.SignatureBytes]byte
}

// ID is a hash of everything that a signature covers except its period.
type ID [sha256.Size]byte

// Signer makes signatures. It is safe for concurrent use.
type Signer struct {
	cfg     Config
	cache   *cache
	slots   chan struct{} // holds a value for each signature that is being made
	metrics *metrics

	mu      sync.Mutex // guards what follows; held for moments
	calls   map[ID]*call
	private map[publicKey]*ecdsa.PrivateKey // nil: the key cannot be opened
}

type publicKey = [dnssec.PublicBytes]byte

// errKey is returned for a key that could not be opened; the log has the reason.
var errKey = errors.New("sign: the key of the zone cannot be used")

// call is a signature that is being made.
type call struct {
	done chan struct{} // closed when sig and err are set
	sig  Signature
	err  error
}

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Signer, error) {
	if cfg.Open == nil || cfg.Logger == nil {
		return nil, errors.New("sign: Open and Logger are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.CacheBytes == 0 {
		cfg.CacheBytes = defaultCacheBytes
	}
	if cfg.AtOnce == 0 {
		cfg.AtOnce = max(1, runtime.GOMAXPROCS(0)/2)
	}
	s := &Signer{
		cfg:     cfg,
		slots:   make(chan struct{}, cfg.AtOnce),
		calls:   map[ID]*call{},
		private: map[publicKey]*ecdsa.PrivateKey{},
	}
	s.cache = newCache(cfg.CacheBytes)
	s.metrics = newMetrics(s, cfg.Registerer)
	return s, nil
}

// Now returns the time by the signer's clock.
func (s *Signer) Now() time.Time { return s.cfg.Now() }

// SignFor returns the signature of a set for a period. It waits for a free processor
// until ctx ends. It is for copies of zones: all signatures of a copy have one period.
func (s *Signer) SignFor(ctx context.Context, set *dnssec.Set, k *dnssec.Key, apex string, p dnssec.Period) ([dnssec.SignatureBytes]byte, error) {
	buf := binary.BigEndian.AppendUint32(nil, p.Inception)
	buf = binary.BigEndian.AppendUint32(buf, p.Expiration)
	buf = set.AppendRecords(append(buf, k.Public[:]...))
	id := ID(sha256.Sum256(buf))
	if sig, ok := s.Cached(id, s.cfg.Now()); ok && sig.Period == p {
		return sig.Value, nil
	}
	sig, err := s.sign(ctx, id, set, k, apex, p)
	return sig.Value, err
}

// Identify returns the ID of a set's signature by a key. buf is a buffer to work in;
// it may be replaced by a larger one, which is returned.
func Identify(set *dnssec.Set, k *dnssec.Key, buf []byte) (ID, []byte) {
	buf = append(buf[:0], k.Public[:]...)
	buf = set.AppendRecords(buf)
	return sha256.Sum256(buf), buf
}

// Cached returns a signature from the cache, if its period is long enough.
func (s *Signer) Cached(id ID, now time.Time) (Signature, bool) {
	sig, ok := s.cache.shard(id).Get(id)
	if !ok || !fresh(sig.Period, now) {
		return Signature{}, false
	}
	s.metrics.hits.Add(1)
	return sig, true
}

// fresh reports whether a signature need not be replaced yet.
func fresh(p dnssec.Period, now time.Time) bool {
	left := int32(p.Expiration - uint32(now.Unix())) // RFC 1982
	begun := int32(uint32(now.Unix()) - p.Inception)
	return begun >= 0 && left >= int32(minRemaining/time.Second)
}

// Sign returns the signature of a set. It waits for a free processor until ctx ends.
// The signer's name is the apex of the zone.
func (s *Signer) Sign(ctx context.Context, id ID, set *dnssec.Set, k *dnssec.Key, apex string) (Signature, error) {
	return s.sign(ctx, id, set, k, apex, periodOf(id, s.cfg.Now()))
}

func (s *Signer) sign(ctx context.Context, id ID, set *dnssec.Set, k *dnssec.Key, apex string, p dnssec.Period) (Signature, error) {
	for {
		c, leads := s.join(id)
		if leads {
			c.sig, c.err = s.make(ctx, id, set, k, apex, p)
			s.finish(id, c)
			return c.sig, c.err
		}
		select {
		case <-c.done:
		case <-ctx.Done():
			return Signature{}, ctx.Err()
		}
		// The context of the caller that led may have ended; ours has not.
		if c.err == nil || !errors.Is(c.err, context.Canceled) && !errors.Is(c.err, context.DeadlineExceeded) {
			return c.sig, c.err
		}
	}
}

// join returns the call of a signature. If leads is true, the caller has to make the
// signature.
func (s *Signer) join(id ID) (c *call, leads bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.calls[id]; ok {
		return c, false
	}
	c = &call{done: make(chan struct{})}
	s.calls[id] = c
	return c, true
}

func (s *Signer) finish(id ID, c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.calls, id)
	close(c.done)
}

func (s *Signer) make(ctx context.Context, id ID, set *dnssec.Set, k *dnssec.Key, apex string, p dnssec.Period) (Signature, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		s.metrics.refused.Add(1)
		return Signature{}, ctx.Err()
	}
	if sig, ok := s.Cached(id, s.cfg.Now()); ok {
		return sig, nil // made while the caller waited
	}
	private, err := s.privateOf(k)
	if err != nil {
		s.metrics.failed.Add(1)
		return Signature{}, err
	}
	sig := Signature{Period: p}
	message := set.AppendSignature(nil, sig.Period, k, apex)
	digest := sha256.Sum256(set.AppendRecords(message))
	r, t, err := ecdsa.Sign(rand.Reader, private, digest[:])
	if err != nil {
		s.metrics.failed.Add(1)
		return Signature{}, fmt.Errorf("sign: %w", err)
	}
	r.FillBytes(sig.Value[:dnssec.SignatureBytes/2])
	t.FillBytes(sig.Value[dnssec.SignatureBytes/2:])
	s.cache.shard(id).Put(id, sig)
	s.metrics.made.Add(1)
	return sig, nil
}

// periodOf derives the jitter from the ID, which is uniformly distributed.
func periodOf(id ID, now time.Time) dnssec.Period {
	early := jitter * time.Duration(uint16(id[0])<<8|uint16(id[1])) / (1 << 16)
	return dnssec.Period{
		Inception:  uint32(now.Add(-backdated).Unix()),
		Expiration: uint32(now.Add(validity - early).Unix()),
	}
}

// maxOpened is how many opened private keys are held in memory.
const maxOpened = 4096

// privateOf returns the private key, which it opens once. If that fails, resolvers
// that validate cannot resolve the names of the zone, so it is logged.
func (s *Signer) privateOf(k *dnssec.Key) (*ecdsa.PrivateKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	private, known := s.private[k.Public]
	if !known {
		var err error
		if private, err = s.cfg.Open(k); err != nil {
			s.cfg.Logger.Error("a DNSSEC key cannot be opened: its zone gets no signatures", "key_tag", k.Tag(), "err", err)
		}
		if len(s.private) >= maxOpened {
			clear(s.private)
		}
		s.private[k.Public] = private
	}
	if private == nil {
		return nil, errKey
	}
	return private, nil
}
