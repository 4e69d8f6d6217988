// Package seal keeps small secrets in places that others can read: it encrypts
// and authenticates them with AES-256-GCM under one key.
//
// A sealed text is bound to a context, such as the owner of the secret, so it
// cannot be moved to another place. Each is under a random nonce; NIST SP 800-38D
// allows 2^32 of them per key, far more than are made.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
)

// keyBytes is the length of a key.
const keyBytes = 32

const version = 1

// errNotSealed means that a text was not sealed under this key and context, or
// was changed since. It does not say which.
var errNotSealed = errors.New("seal: not sealed under this key")

// Key seals and opens. It is safe for concurrent use.
type Key struct {
	aead cipher.AEAD
}

// ParseKey reads a key in base 64, as NewKey writes it, with white space around.
func ParseKey(text string) (*Key, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) != keyBytes {
		return nil, errors.New("seal: a key is 32 random bytes in base 64")
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &Key{aead}, nil
}

// NewKey returns the text of a new random key.
func NewKey() string {
	var raw [keyBytes]byte
	rand.Read(raw[:]) // never fails
	return base64.StdEncoding.EncodeToString(raw[:])
}

// Seal encrypts plain for a context and appends the result to b.
func (k *Key) Seal(b, plain []byte, context string) []byte {
	b = append(b, version)
	var nonce [12]byte
	rand.Read(nonce[:]) // never fails
	b = append(b, nonce[:]...)
	return k.aead.Seal(b, nonce[:], plain, []byte(context))
}

// Open returns what was sealed for the context, or ErrNotSealed.
func (k *Key) Open(sealed []byte, context string) ([]byte, error) {
	if len(sealed) < 1+12 || sealed[0] != version {
		return nil, errNotSealed
	}
	plain, err := k.aead.Open(nil, sealed[1:13], sealed[13:], []byte(context))
	if err != nil {
		return nil, errNotSealed
	}
	return plain, nil
}
