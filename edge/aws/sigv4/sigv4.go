// Package sigv4 verifies AWS Signature Version 4, in the Authorization header
// and in a presigned query.
//
// It is pure: it has no clock, no network and no list of keys. The caller parses what a
// request claims, checks the claim before it reads the body, looks up the secret, and
// verifies the signature last:
//
//	claim, err := sigv4.Parse(&req)
//	err = claim.Check(region, service, now)
//	secret := … // of claim.AccessKeyID
//	err = verifier.Verify(&req, &claim, secret)
//
// The rules are those of "Create a signed AWS API request" in the IAM User
// Guide, for services other than S3: the path is encoded twice and normalised,
// and the body is always a part of what is signed. Every error is an *Error.
//
// The signature is over the canonical request, so requests with the same canonical form
// have the same signature: they may differ in runs of spaces in a header's value, the
// order of query parameters and dot segments in a path. The protocol has no nonce: who
// has seen a signed request can send it again until its time is outside the window. TLS
// prevents that.
package sigv4

import (
	"crypto/subtle"
	"encoding/hex"
	"sync"
	"time"

	"github.com/cairn-discovery/cairn/internal/gencache"
)

// window is the maximum difference between the time of a request and now.
const window = 5 * time.Minute

// maxExpires is the maximum validity of a presigned request.
const maxExpires = 7 * 24 * time.Hour

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	isoBasic   = "20060102T150405Z"
)

// Request is a request as it was received.
type Request struct {
	Method string
	// Path is still percent-encoded; empty means "/".
	Path     string
	RawQuery string
	// Host is the Host header or :authority, as received.
	Host string
	// Header has its keys in the canonical form of net/http, and no Host.
	Header map[string][]string
	Body   []byte
	// Stream means that the body is not signed, because it is a stream. Then its hash is
	// that of no body, or UNSIGNED-PAYLOAD.
	Stream bool
}

// Verifier verifies signatures. It caches a bounded number of signing keys and is safe
// for concurrent use.
type Verifier struct{ keys *keyCache }

// NewVerifier returns a Verifier.
func NewVerifier() *Verifier {
	return &Verifier{gencache.New[keyID, *signingKey](maxKeys / 2)}
}

// Verify compares the claim's signature with that of the request under the
// secret. It takes the same time no matter where the two differ.
func (v *Verifier) Verify(r *Request, c *Claim, secret string) error {
	if err := c.checkPayload(r); err != nil {
		return err
	}
	s := scratchPool.Get().(*scratch)
	defer scratchPool.Put(s)
	if err := s.canonical(r, c); err != nil {
		return err
	}
	key := v.key(c, secret)
	s.stringToSign(c)
	mac := key.mac()
	mac.Write(s.text)
	sum := mac.Sum(s.sum[:0])
	key.release(mac)
	s.text = hex.AppendEncode(s.text[:0], sum)
	if subtle.ConstantTimeCompare(s.text, s.of(c.signature)) != 1 {
		return errMismatch()
	}
	return nil
}

// scratch is what one verification needs; it is reused.
type scratch struct {
	text  []byte
	other []byte
	sum   [32]byte
	pairs []pair
}

var scratchPool = sync.Pool{New: func() any { return &scratch{text: make([]byte, 0, 1024), other: make([]byte, 0, 64)} }}

func (s *scratch) of(text string) []byte {
	s.other = append(s.other[:0], text...)
	return s.other
}
