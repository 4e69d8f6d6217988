package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"hash"
	"strings"
	"sync"

	"github.com/cairn-discovery/cairn/internal/gencache"
)

// maxKeys bounds how many signing keys are kept, and half of them are.
const maxKeys = 8192

// keyCache keeps signing keys: deriving one costs four HMACs, using it one.
// Only those who have an access key and a valid scope get an entry, so
// strangers cannot fill it.
type keyCache = gencache.Cache[keyID, *signingKey]

// keyID is what a signing key is derived from, besides the secret.
type keyID struct{ accessKey, date, region, service string }

// clone detaches the key from the request that its strings are parts of.
func (id keyID) clone() keyID {
	return keyID{strings.Clone(id.accessKey), strings.Clone(id.date), strings.Clone(id.region), strings.Clone(id.service)}
}

// signingKey is ready to be used by many goroutines at a time.
type signingKey struct {
	secret string // to notice that an access key has a new secret
	macs   sync.Pool
}

// key returns the signing key for a claim.
func (v *Verifier) key(c *Claim, secret string) *signingKey {
	id := keyID{c.AccessKeyID, c.date, c.Region, c.Service}
	if key, ok := v.keys.Get(id); ok && key.hasSecret(secret) {
		return key
	}
	id = id.clone()
	key := newSigningKey(id, secret)
	v.keys.Put(id, key)
	return key
}

func (k *signingKey) hasSecret(secret string) bool {
	return subtle.ConstantTimeCompare([]byte(k.secret), []byte(secret)) == 1
}

// newSigningKey derives the key as "Derive a signing key" in the IAM User Guide
// says.
func newSigningKey(id keyID, secret string) *signingKey {
	key := []byte("AWS4" + secret)
	for _, part := range [4]string{id.date, id.region, id.service, terminator} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return &signingKey{secret: secret, macs: sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// mac returns a fresh HMAC under the key; give it back with release.
func (k *signingKey) mac() hash.Hash { return k.macs.Get().(hash.Hash) }

func (k *signingKey) release(mac hash.Hash) {
	mac.Reset()
	k.macs.Put(mac)
}
