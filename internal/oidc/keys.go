package oidc

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"sync"
	"time"
)

// Bounds of a key set and of fetching it.
const (
	maxKeySet = 256 << 10
	maxKeys   = 100
	// maxAge is how long a set is used without looking again.
	maxAge = time.Hour
	// minAge is how soon one is fetched anew because of an unknown key, so that
	// tokens that name keys at random cannot make us fetch all the time.
	minAge       = 30 * time.Second
	fetchTimeout = 5 * time.Second
)

// Location says where the keys of an issuer are: in a file or at a URL.
type Location struct {
	File, URL string
	// Client fetches the URL. Nil means one that follows no redirects.
	Client *http.Client
}

// Keys is the key set of an issuer. It is read when it is first needed, again
// when it is old, and when a token names a key that it does not have. It is safe
// for concurrent use.
type Keys struct {
	at Location

	mu      sync.Mutex // held while the set is read: others wait for the result
	byID    map[string]publicKey
	read    time.Time // when the set was read, or tried to
	lastErr error
}

type publicKey struct {
	algorithm string
	key       crypto.PublicKey
}

// NewKeys returns the keys at a location. It reads nothing yet.
func NewKeys(at Location) *Keys {
	if at.Client == nil {
		at.Client = &http.Client{
			Timeout:       fetchTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return &Keys{at: at}
}

// find returns the key of that id and algorithm. A set with one key needs no id.
func (k *Keys) find(ctx context.Context, id, algorithm string, now time.Time) (crypto.PublicKey, error) {
	if algorithm != "RS256" && algorithm != "ES256" {
		return nil, errors.New("oidc: only the algorithms RS256 and ES256 are taken")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	age := now.Sub(k.read)
	if _, ok := k.byID[id]; k.byID == nil && age >= minAge || age >= maxAge || !ok && age >= minAge || age < 0 {
		k.refresh(ctx, now)
	}
	if k.byID == nil {
		return nil, fmt.Errorf("oidc: the issuer's keys cannot be read: %w", k.lastErr)
	}
	found, ok := k.byID[id]
	if !ok || found.algorithm != algorithm {
		return nil, errors.New("oidc: the issuer has no such key")
	}
	return found.key, nil
}

// refresh reads the set. If that fails, what was there before stays.
func (k *Keys) refresh(ctx context.Context, now time.Time) {
	k.read = now
	text, err := k.at.fetch(ctx)
	if err == nil {
		var set map[string]publicKey
		if set, err = parseSet(text); err == nil {
			k.byID = set
		}
	}
	k.lastErr = err
}

func (l *Location) fetch(ctx context.Context) ([]byte, error) {
	if l.File != "" {
		f, err := os.Open(l.File)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return readAll(f)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.URL, nil)
	if err != nil {
		return nil, err
	}
	answer, err := l.Client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers with status %d", l.URL, answer.StatusCode)
	}
	return readAll(answer.Body)
}

func readAll(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxKeySet+1))
	if err == nil && len(text) > maxKeySet {
		err = fmt.Errorf("the key set has more than %d bytes", maxKeySet)
	}
	return text, err
}

// jwk is a JSON Web Key (RFC 7517).
type jwk struct {
	Type      string `json:"kty"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	N         string `json:"n"`
	E         string `json:"e"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y"`
}

// parseSet reads a JWK set. Keys of kinds that are not used here are left out.
func parseSet(text []byte) (map[string]publicKey, error) {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, errors.New("the key set is not JSON of the right form")
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("the key set has more than %d keys", maxKeys)
	}
	keys := map[string]publicKey{}
	for _, j := range set.Keys {
		if j.Use != "" && j.Use != "sig" {
			continue
		}
		if key, ok := j.public(); ok && (j.Algorithm == "" || j.Algorithm == key.algorithm) {
			keys[j.ID] = key
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the key set has no key for RS256 or ES256")
	}
	return keys, nil
}

func (j *jwk) public() (publicKey, bool) {
	switch {
	case j.Type == "RSA":
		n, e := number(j.N), number(j.E)
		if n == nil || e == nil || n.BitLen() < 2048 || n.BitLen() > 8192 || !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 {
			return publicKey{}, false
		}
		return publicKey{"RS256", &rsa.PublicKey{N: n, E: int(e.Int64())}}, true
	case j.Type == "EC" && j.Curve == "P-256":
		x, y := fixed(j.X), fixed(j.Y)
		if x == nil || y == nil {
			return publicKey{}, false
		}
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
		return publicKey{"ES256", key}, err == nil
	}
	return publicKey{}, false
}

func number(s string) *big.Int {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(raw) == 0 {
		return nil
	}
	return new(big.Int).SetBytes(raw)
}

// fixed reads a coordinate of P-256.
func fixed(s string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(raw) != 32 {
		return nil
	}
	return raw
}
