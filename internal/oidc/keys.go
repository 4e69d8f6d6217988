package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Limits of a key set and of reading it.
const (
	maxKeySet = 256 << 10
	maxKeys   = 100
	// maxAge is how old a set may be before it is read again.
	maxAge = time.Hour
	// minAge is the least time between two reads, so that tokens that name random
	// keys cannot cause a read each.
	minAge       = 30 * time.Second
	fetchTimeout = 5 * time.Second
)

// Location says where the keys of an issuer are: in a file or at a URL.
type Location struct {
	File, URL string
	// Logger is told of reads that fail. Nil: nobody is.
	Logger *slog.Logger
}

// Keys is the key set of an issuer. It is safe for concurrent use.
//
// The set is read when it is first needed, when it is older than an hour, and
// when no key of it has signed a token, at most every 30 seconds. A read has a
// goroutine of its own, which ends within 5 seconds. Only tokens that no key of
// the last good set has signed wait for it; so an issuer that does not answer
// delays nobody else, and its last good set stays in use.
type Keys struct {
	at     Location
	client *http.Client

	mu      sync.Mutex
	set     []jose.JSONWebKey // the last good one; nil: none yet
	readAt  time.Time         // start of the last read
	reading chan struct{}     // closed at the end of the read that runs; nil: none runs
}

// NewKeys returns the keys at a location. It reads nothing yet.
func NewKeys(at Location) *Keys {
	if at.Logger == nil {
		at.Logger = slog.New(slog.DiscardHandler)
	}
	return &Keys{at: at, client: &http.Client{
		Timeout:       fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// keysAt is the oidc.KeySet of one verification. The library wraps errors as
// text, so the error is kept here.
type keysAt struct {
	keys *Keys
	now  time.Time
	err  error
}

// VerifySignature returns the payload of a token whose signature is right. The
// library has checked that its algorithm is RS256 or ES256.
func (k *keysAt) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil {
		return nil, err
	}
	header := jws.Signatures[0].Protected
	if _, ok := header.ExtraHeaders["crit"]; ok {
		k.err = errors.New("oidc: the token has critical extensions, and none is supported")
		return nil, k.err
	}
	payload, err := k.keys.verify(ctx, jws, k.now)
	k.err = err
	return payload, err
}

// verify returns the payload if a key of the set has signed it. If none has, it
// waits for a newer set where that may be read now.
func (k *Keys) verify(ctx context.Context, jws *jose.JSONWebSignature, now time.Time) ([]byte, error) {
	payload, err := verifyWith(k.current(), jws)
	reading := k.refresh(now, err != nil)
	if err == nil || reading == nil {
		return payload, err
	}
	select {
	case <-reading:
		return verifyWith(k.current(), jws)
	case <-ctx.Done():
		return nil, errors.New("oidc: the call ended before the issuer's keys were read")
	}
}

func verifyWith(set []jose.JSONWebKey, jws *jose.JSONWebSignature) ([]byte, error) {
	if set == nil {
		return nil, errors.New("oidc: the issuer's keys cannot be read")
	}
	header := jws.Signatures[0].Protected
	err := errors.New("oidc: the issuer has no such key")
	for _, key := range set {
		if key.KeyID != header.KeyID || key.Algorithm != header.Algorithm {
			continue
		}
		if payload, failed := jws.Verify(key); failed == nil {
			return payload, nil
		}
		err = errors.New("oidc: the signature is wrong")
	}
	return nil, err
}

func (k *Keys) current() []jose.JSONWebKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.set
}

// refresh starts a read if the set is old or did not suffice, unless one runs or
// was made a moment ago. It returns the end of the read that runs, or nil.
func (k *Keys) refresh(now time.Time, insufficient bool) <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	age := now.Sub(k.readAt)
	due := age >= maxAge || age < 0 || insufficient && age >= minAge
	if due && k.reading == nil {
		k.readAt, k.reading = now, make(chan struct{})
		go k.read(k.reading)
	}
	return k.reading
}

// read reads the set. If that fails, the last good one stays.
func (k *Keys) read(done chan struct{}) {
	text, err := k.fetch()
	var set []jose.JSONWebKey
	if err == nil {
		set, err = parseSet(text)
	}
	if err != nil {
		k.at.Logger.Warn("the keys of an OpenID Connect issuer cannot be read; the last good ones stay in use",
			"file", k.at.File, "url", k.at.URL, "err", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		k.set = set
	}
	k.reading = nil
	close(done)
}

func (k *Keys) fetch() ([]byte, error) {
	if k.at.File != "" {
		f, err := os.Open(k.at.File)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return readAll(f)
	}
	response, err := k.client.Get(k.at.URL)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers with status %d", k.at.URL, response.StatusCode)
	}
	return readAll(response.Body)
}

func readAll(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxKeySet+1))
	if err == nil && len(text) > maxKeySet {
		err = fmt.Errorf("the key set has more than %d bytes", maxKeySet)
	}
	return text, err
}

// parseSet reads a JWK set (RFC 7517 section 5). Keys that are not for RS256 or
// ES256 signatures are left out. The Algorithm of all others is set.
func parseSet(text []byte) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, errors.New("the key set is not JSON of the right form")
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("the key set has more than %d keys", maxKeys)
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) != nil || key.Use != "" && key.Use != "sig" {
			continue
		}
		algorithm := algorithmOf(key.Key)
		if algorithm == "" || key.Algorithm != "" && key.Algorithm != algorithm {
			continue
		}
		key.Algorithm = algorithm
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("the key set has no key for RS256 or ES256")
	}
	return keys, nil
}

// algorithmOf returns the algorithm that a public key is used with, or "".
func algorithmOf(key any) string {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); 2048 <= bits && bits <= 8192 && k.E >= 3 {
			return string(jose.RS256)
		}
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return string(jose.ES256)
		}
	}
	return ""
}
