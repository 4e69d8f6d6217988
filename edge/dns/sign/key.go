package sign

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/internal/seal"
)

// errNoSealKey means that the node has no key to seal private keys with.
var errNoSealKey = errors.New("this node has no seal key to protect private keys: set auth.seal_key_file or CAIRN_SEAL_KEY, and restart it")

// NewKey returns a new key. The caller sets Created.
func NewKey(s *seal.Key) (*dnssec.Key, error) {
	if s == nil {
		return nil, errNoSealKey
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("create a DNSSEC key: %w", err)
	}
	k := new(dnssec.Key)
	if k.Public, err = publicOf(private); err != nil {
		return nil, err
	}
	secret, err := private.Bytes()
	if err != nil {
		return nil, fmt.Errorf("create a DNSSEC key: %w", err)
	}
	k.Sealed = string(s.Seal(nil, secret, sealContext(k)))
	return k, nil
}

// Open returns the private half of a key.
func Open(s *seal.Key, k *dnssec.Key) (*ecdsa.PrivateKey, error) {
	if s == nil {
		return nil, errNoSealKey
	}
	secret, err := s.Open([]byte(k.Sealed), sealContext(k))
	if err != nil {
		return nil, err
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), secret)
	if err != nil {
		return nil, errors.New("the sealed data is not a private key")
	}
	if public, err := publicOf(private); err != nil || public != k.Public {
		return nil, errors.New("the sealed data is the private key of another public key")
	}
	return private, nil
}

// sealContext binds a sealed private key to its public half.
func sealContext(k *dnssec.Key) string {
	return "dnssec key " + base64.StdEncoding.EncodeToString(k.Public[:])
}

// publicOf returns the point of the key without its first octet, which is the marker
// of the uncompressed form.
func publicOf(private *ecdsa.PrivateKey) (public [dnssec.PublicBytes]byte, err error) {
	point, err := private.PublicKey.Bytes()
	if err != nil {
		return public, fmt.Errorf("encode a DNSSEC key: %w", err)
	}
	copy(public[:], point[1:])
	return public, nil
}
