package sign

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/internal/seal"
)

const apex = "\x07example\x00"

// bench is a signer with a key and a test clock.
type bench struct {
	*Signer
	key    *dnssec.Key
	now    atomic.Int64
	opened atomic.Int32
	log    bytes.Buffer
}

func newBench(t testing.TB, change ...func(*Config)) *bench {
	t.Helper()
	under, err := seal.ParseKey(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	b := new(bench)
	if b.key, err = NewKey(under); err != nil {
		t.Fatal(err)
	}
	b.now.Store(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Unix())
	cfg := Config{
		Open: func(k *dnssec.Key) (*ecdsa.PrivateKey, error) {
			b.opened.Add(1)
			return Open(under, k)
		},
		Now:    func() time.Time { return time.Unix(b.now.Load(), 0) },
		Logger: slog.New(slog.NewTextHandler(&b.log, nil)),
	}
	for _, c := range change {
		c(&cfg)
	}
	if b.Signer, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	return b
}

func addressOf(n int) *dnssec.Set {
	s := &dnssec.Set{Owner: []byte("\x03www" + apex), Type: 1, TTL: 60}
	s.Add([]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
	return s
}

// sign signs a set and checks the signature by the public key.
func (b *bench) sign(t testing.TB, set *dnssec.Set) Signature {
	t.Helper()
	id, _ := Identify(set, b.key, nil)
	sig, err := b.Sign(t.Context(), id, set, b.key, apex)
	if err != nil {
		t.Fatal(err)
	}
	b.check(t, set, sig)
	return sig
}

func (b *bench) check(t testing.TB, set *dnssec.Set, sig Signature) {
	t.Helper()
	private, err := b.privateOf(b.key)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(set.AppendRecords(set.AppendSignature(nil, sig.Period, b.key, apex)))
	r, s := new(big.Int).SetBytes(sig.Value[:32]), new(big.Int).SetBytes(sig.Value[32:])
	if !ecdsa.Verify(&private.PublicKey, digest[:], r, s) {
		t.Fatal("the signature does not verify")
	}
}

func TestKeys(t *testing.T) {
	under, other := mustSeal(t), mustSeal(t)
	k, err := NewKey(under)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(under, k); err != nil {
		t.Errorf("open: %v", err)
	}
	for name, f := range map[string]func() error{
		"another seal key": func() error { _, err := Open(other, k); return err },
		"no seal key":      func() error { _, err := Open(nil, k); return err },
		"another public key": func() error {
			moved := *k
			moved.Public[0]++
			_, err := Open(under, &moved)
			return err
		},
		"no seal key to make one": func() error { _, err := NewKey(nil); return err },
	} {
		if f() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func mustSeal(t *testing.T) *seal.Key {
	t.Helper()
	k, err := seal.ParseKey(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A signature is made once, begins an hour ago, and is replaced when two days
// are left.
func TestSignaturesAreRemembered(t *testing.T) {
	b := newBench(t)
	set := addressOf(1)
	id, _ := Identify(set, b.key, nil)
	if _, ok := b.Cached(id, b.Now()); ok {
		t.Fatal("remembered before it was made")
	}
	first := b.sign(t, set)
	now := uint32(b.Now().Unix())
	if first.Inception != now-3600 || first.Expiration > now+4*86400 || first.Expiration < now+3*86400+43200 {
		t.Errorf("period %+v at %d", first.Period, now)
	}
	if again := b.sign(t, set); again != first {
		t.Error("made twice")
	}
	b.now.Store(int64(first.Expiration) - 2*86400)
	if sig, ok := b.Cached(id, b.Now()); !ok || sig != first {
		t.Error("forgotten too early")
	}
	b.now.Add(1)
	if _, ok := b.Cached(id, b.Now()); ok {
		t.Error("kept too long")
	}
	if next := b.sign(t, set); next.Expiration <= first.Expiration {
		t.Errorf("the next ends at %d, after %d", next.Expiration, first.Expiration)
	}
	b.now.Add(-10 * 86400) // the clock is set back
	if _, ok := b.Cached(id, b.Now()); ok {
		t.Error("kept although it begins in the future")
	}
}

// The ID covers everything that is signed.
func TestIdentify(t *testing.T) {
	b, other := newBench(t), newBench(t)
	base := func() *dnssec.Set { return addressOf(1) }
	seen := map[ID]string{}
	add := func(what string, s *dnssec.Set, k *dnssec.Key) {
		id, _ := Identify(s, k, nil)
		if before, ok := seen[id]; ok {
			t.Errorf("%s and %s have one ID", what, before)
		}
		seen[id] = what
	}
	add("base", base(), b.key)
	add("key", base(), other.key)
	for what, change := range map[string]func(*dnssec.Set){
		"owner": func(s *dnssec.Set) { s.Owner = []byte("\x03wwx" + apex) },
		"type":  func(s *dnssec.Set) { s.Type = 2 },
		"TTL":   func(s *dnssec.Set) { s.TTL++ },
		"data":  func(s *dnssec.Set) { s.Data[0][0]++ },
		"more":  func(s *dnssec.Set) { s.Add([]byte{1, 2, 3, 4}) },
	} {
		s := base()
		change(s)
		add(what, s, b.key)
	}
}

// A signature that many callers need at the same time is made once.
func TestSignOnce(t *testing.T) {
	b := newBench(t, func(c *Config) { c.AtOnce = 1 })
	b.slots <- struct{}{} // nobody's turn yet
	set := addressOf(1)
	id, _ := Identify(set, b.key, nil)
	var all sync.WaitGroup
	sigs := make([]Signature, 50)
	for i := range sigs {
		all.Go(func() {
			var err error
			if sigs[i], err = b.Sign(context.Background(), id, addressOf(1), b.key, apex); err != nil {
				t.Error(err)
			}
		})
	}
	<-b.slots
	all.Wait()
	for i := range sigs {
		if sigs[i] != sigs[0] {
			t.Errorf("signature %d is another", i)
		}
	}
	if n := b.metrics.made.Load(); n != 1 || b.opened.Load() != 1 {
		t.Errorf("made %d, key opened %d times", n, b.opened.Load())
	}
}

// A caller that gives up does not affect the others.
func TestSignGivesUp(t *testing.T) {
	b := newBench(t, func(c *Config) { c.AtOnce = 1 })
	b.slots <- struct{}{}
	set := addressOf(1)
	id, _ := Identify(set, b.key, nil)
	ctx, cancel := context.WithCancel(context.Background())
	first := make(chan error, 1)
	go func() {
		_, err := b.Sign(ctx, id, set, b.key, apex)
		first <- err
	}()
	second := make(chan error, 1)
	go func() {
		_, err := b.Sign(context.Background(), id, addressOf(1), b.key, apex)
		second <- err
	}()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the first got %v", err)
	}
	<-b.slots
	if err := <-second; err != nil {
		t.Errorf("the second got %v", err)
	}
}

func TestKeyThatCannotBeOpened(t *testing.T) {
	b := newBench(t, func(c *Config) {
		c.Open = func(*dnssec.Key) (*ecdsa.PrivateKey, error) { return nil, errors.New("no such luck") }
	})
	for i := range 3 {
		id, _ := Identify(addressOf(i), b.key, nil)
		if _, err := b.Sign(t.Context(), id, addressOf(i), b.key, apex); err == nil {
			t.Error("signed")
		}
	}
	if n := strings.Count(b.log.String(), "no such luck"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, &b.log)
	}
}

// The cache is bounded, and keeps what is in use.
func TestCacheIsBounded(t *testing.T) {
	const bound = 1000
	c := newCache(bound * entryBytes)
	put := func(id ID) { c.shard(id).Put(id, Signature{}) }
	kept := idOf(-1)
	put(kept)
	for i := range 20 * bound {
		put(idOf(i))
		if _, ok := c.shard(kept).Get(kept); !ok {
			t.Fatalf("removed after %d others although it is in use", i)
		}
		if n := c.len(); i%100 == 0 && n > bound {
			t.Fatalf("%d signatures, the limit is %d", n, bound)
		}
	}
	if _, ok := c.shard(idOf(0)).Get(idOf(0)); ok {
		t.Error("nothing is removed")
	}
}

func idOf(n int) ID { return sha256.Sum256(fmt.Append(nil, n)) }

func TestConcurrently(t *testing.T) {
	b := newBench(t, func(c *Config) { c.CacheBytes = 64 * entryBytes })
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 60 {
				set := addressOf((g + i) % 20)
				id, _ := Identify(set, b.key, nil)
				sig, ok := b.Cached(id, b.Now())
				if !ok {
					var err error
					if sig, err = b.Sign(context.Background(), id, set, b.key, apex); err != nil {
						t.Error(err)
						return
					}
				}
				b.check(t, set, sig)
			}
		})
	}
	all.Wait()
}

func BenchmarkSign(b *testing.B) {
	bench := newBench(b)
	for i := 0; b.Loop(); i++ {
		set := addressOf(i)
		id, _ := Identify(set, bench.key, nil)
		if _, err := bench.Sign(context.Background(), id, set, bench.key, apex); err != nil {
			b.Fatal(err)
		}
	}
}
