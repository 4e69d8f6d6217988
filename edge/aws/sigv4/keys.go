package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"hash"
	"strings"
	"sync"
)

// maxKeys bounds each of the cache's two generations.
const maxKeys = 4096

// keyCache keeps signing keys: deriving one costs four HMACs, using it one.
//
// It holds two generations. When the newer one is full, the older is dropped:
// what is still in use moves over, what is not goes. Only those who have an
// access key and a valid scope get an entry, so strangers cannot fill it.
type keyCache struct {
	mu         sync.RWMutex
	young, old map[keyID]*signingKey
}

// keyID is what a signing key is derived from, besides the secret.
type keyID struct{ accessKey, date, region, service string }

func (id keyID) clone() keyID {
	return keyID{strings.Clone(id.accessKey), strings.Clone(id.date), strings.Clone(id.region), strings.Clone(id.service)}
}

// signingKey is ready to be used by many goroutines at a time.
type signingKey struct {
	secret string // to notice that an access key has a new secret
	macs   sync.Pool
}

// find returns the signing key for a claim.
func (k *keyCache) find(c *Claim, secret string) *signingKey {
	id := keyID{c.AccessKeyID, c.date, c.Region, c.Service}
	k.mu.RLock()
	key, ok := k.young[id]
	k.mu.RUnlock()
	if ok && key.hasSecret(secret) {
		return key
	}
	return k.add(id, secret)
}

// add looks in the older generation, or else derives a key, and keeps it.
func (k *keyCache) add(id keyID, secret string) *signingKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := k.old[id]
	if key == nil || !key.hasSecret(secret) {
		key = newSigningKey(id, secret)
	}
	if len(k.young) >= maxKeys || k.young == nil {
		k.old, k.young = k.young, map[keyID]*signingKey{}
	}
	// The strings of a claim are parts of a request, which must not be kept
	// alive by them.
	k.young[id.clone()] = key
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
