// Package sign makes the signatures of DNSSEC when answers need them, and
// remembers them for the next.
//
// A signature is found by all that it covers, so nothing has to be forgotten
// when the registry changes: another RRset is another signature. What is
// remembered is bounded in octets, what is made at a time by the processors, and
// what several ask for at once is made once.
package sign

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
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
	// CacheBytes bounds the memory for signatures. Zero means 32 MiB.
	CacheBytes int
	// AtOnce bounds the signatures in the making. Zero means half of the
	// processors, and one at the least: the rest is for answers without.
	AtOnce int
	Logger *slog.Logger // required
	// Registerer takes the metrics. Nil: none are kept.
	Registerer prometheus.Registerer
}

// A signature begins an hour before it is made, for clocks that are late. It is
// replaced when two days are left, the TTL of the NS records: resolvers keep no
// record longer than its signature holds. Ends differ by up to twelve hours, so
// that not all signatures of a zone have to be made again at once.
const (
	backdated = time.Hour
	validity  = 4 * 24 * time.Hour
	jitter    = 12 * time.Hour
	least     = 2 * 24 * time.Hour
)

const defaultCacheBytes = 32 << 20

// Signature is the variable part of an RRSIG record.
type Signature struct {
	dnssec.Period
	Value [dnssec.SignatureBytes]byte
}

// ID stands for everything that a signature covers but its period.
type ID [sha256.Size]byte

// Signer makes signatures. It is safe for concurrent use.
type Signer struct {
	cfg     Config
	cache   cache
	slots   chan struct{} // holds a value for each signature in the making
	metrics *metrics

	mu      sync.Mutex // guards what follows; held for moments
	flights map[ID]*flight
	private map[publicKey]*ecdsa.PrivateKey // nil: it cannot be opened
}

type publicKey = [dnssec.PublicBytes]byte

// errKey says no more to those who come later; the log has the reason.
var errKey = errors.New("sign: the key of the zone cannot be used")

// flight is a signature in the making.
type flight struct {
	done chan struct{} // closed when the rest is set
	sig  Signature
	err  error
}

// New checks the configuration.
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
		flights: map[ID]*flight{},
		private: map[publicKey]*ecdsa.PrivateKey{},
	}
	s.cache.limit = cfg.CacheBytes
	s.metrics = newMetrics(s, cfg.Registerer)
	return s, nil
}

// Now is the time by the signer's clock.
func (s *Signer) Now() time.Time { return s.cfg.Now() }

// Identify returns the ID of a set's signature by a key; buf is memory to work
// in, and is returned.
func Identify(set *dnssec.Set, k *dnssec.Key, buf []byte) (ID, []byte) {
	buf = append(buf[:0], k.Public[:]...)
	buf = set.AppendRecords(buf)
	return sha256.Sum256(buf), buf
}

// Cached returns a signature that is remembered and holds for long enough.
func (s *Signer) Cached(id ID, now time.Time) (Signature, bool) {
	sig, ok := s.cache.get(id)
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
	return begun >= 0 && left >= int32(least/time.Second)
}

// Sign returns the signature of a set, waiting for its turn as long as ctx lets
// it. The signer's name is the apex of the zone.
func (s *Signer) Sign(ctx context.Context, id ID, set *dnssec.Set, k *dnssec.Key, apex string) (Signature, error) {
	for {
		f, mine := s.join(id)
		if mine {
			f.sig, f.err = s.make(ctx, id, set, k, apex)
			s.land(id, f)
			return f.sig, f.err
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return Signature{}, ctx.Err()
		}
		// Another one's time may have run out, which is not ours.
		if f.err == nil || !errors.Is(f.err, context.Canceled) && !errors.Is(f.err, context.DeadlineExceeded) {
			return f.sig, f.err
		}
	}
}

// join returns the flight of a signature, and whether it is the caller's to make.
func (s *Signer) join(id ID) (*flight, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.flights[id]; ok {
		return f, false
	}
	f := &flight{done: make(chan struct{})}
	s.flights[id] = f
	return f, true
}

func (s *Signer) land(id ID, f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.flights, id)
	close(f.done)
}

func (s *Signer) make(ctx context.Context, id ID, set *dnssec.Set, k *dnssec.Key, apex string) (Signature, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		s.metrics.refused.Add(1)
		return Signature{}, ctx.Err()
	}
	now := s.cfg.Now()
	if sig, ok := s.Cached(id, now); ok {
		return sig, nil // made between the caller's look and its turn
	}
	private, err := s.privateOf(k)
	if err != nil {
		s.metrics.failed.Add(1)
		return Signature{}, err
	}
	sig := Signature{Period: periodOf(id, now)}
	message := set.AppendSignature(nil, sig.Period, k, apex)
	digest := sha256.Sum256(set.AppendRecords(message))
	r, t, err := ecdsa.Sign(rand.Reader, private, digest[:])
	if err != nil {
		s.metrics.failed.Add(1)
		return Signature{}, fmt.Errorf("sign: %w", err)
	}
	r.FillBytes(sig.Value[:dnssec.SignatureBytes/2])
	t.FillBytes(sig.Value[dnssec.SignatureBytes/2:])
	s.cache.put(id, sig)
	s.metrics.made.Add(1)
	return sig, nil
}

// periodOf spreads the ends by the ID, which is as good as random.
func periodOf(id ID, now time.Time) dnssec.Period {
	early := jitter * time.Duration(uint16(id[0])<<8|uint16(id[1])) / (1 << 16)
	return dnssec.Period{
		Inception:  uint32(now.Add(-backdated).Unix()),
		Expiration: uint32(now.Add(validity - early).Unix()),
	}
}

// maxOpened bounds the private keys that are held in clear.
const maxOpened = 4096

// privateOf opens a key once. Nobody who validates can resolve names of a zone
// whose key cannot be opened, so that is a matter for the log.
func (s *Signer) privateOf(k *dnssec.Key) (*ecdsa.PrivateKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	private, known := s.private[k.Public]
	if !known {
		var err error
		if private, err = s.cfg.Open(k); err != nil {
			s.cfg.Logger.Error("a DNSSEC key cannot be used: its zone gets no signatures", "key_tag", k.Tag(), "err", err)
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
