// Package oidc verifies the tokens of OpenID Connect issuers: the JSON Web
// Tokens that Kubernetes gives to service accounts, and CI systems to jobs.
//
// Only RS256 and ES256 (RFC 7518 sections 3.3 and 3.4) are taken, and only keys
// of the issuer's own set; a token's header cannot choose anything else.
//
//	keys := oidc.NewKeys(oidc.Location{File: "jwks.json"})
//	v := oidc.Verifier{Issuer: "https://issuer", Audiences: []string{"sts.amazonaws.com"}, Keys: keys}
//	claims, err := v.Verify(ctx, token, time.Now())
package oidc

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

// MaxToken is the longest token that is looked at, as in STS.
const MaxToken = 20000

// leeway allows for clocks that are not quite right.
const leeway = time.Minute

// ErrExpired means that a token is genuine but its time is over.
var ErrExpired = errors.New("oidc: the token has expired")

// Claims are what a token says.
type Claims struct {
	Issuer   string
	Subject  string
	Audience []string
	Expires  time.Time
}

// Verifier takes the tokens of one issuer.
type Verifier struct {
	// Issuer is the URL that the claim iss must be.
	Issuer string
	// Audiences are those of which the claim aud must name one.
	Audiences []string
	Keys      *Keys
}

type header struct {
	Algorithm string   `json:"alg"`
	KeyID     string   `json:"kid"`
	Critical  []string `json:"crit"`
}

type payload struct {
	Issuer    string          `json:"iss"`
	Subject   string          `json:"sub"`
	Audience  json.RawMessage `json:"aud"`
	Expires   *float64        `json:"exp"`
	NotBefore *float64        `json:"nbf"`
}

// Issuer reads the issuer that a token claims, without verifying anything, to
// find who can verify it.
func Issuer(token string) string {
	var p payload
	parts := strings.Split(token, ".")
	if len(token) > MaxToken || len(parts) != 3 || decode(parts[1], &p) != nil {
		return ""
	}
	return p.Issuer
}

// Verify returns the claims of a token that is genuine and good now.
func (v *Verifier) Verify(ctx context.Context, token string, now time.Time) (*Claims, error) {
	if len(token) > MaxToken {
		return nil, fmt.Errorf("oidc: the token is longer than %d bytes", MaxToken)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("oidc: not a JSON Web Token")
	}
	var h header
	if err := decode(parts[0], &h); err != nil {
		return nil, err
	}
	if len(h.Critical) > 0 {
		return nil, errors.New("oidc: the token has critical extensions, of which none is known")
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil {
		return nil, errors.New("oidc: the signature is not base 64")
	}
	key, err := v.Keys.find(ctx, h.KeyID, h.Algorithm, now)
	if err != nil {
		return nil, err
	}
	if !verifySignature(key, parts[0]+"."+parts[1], signature) {
		return nil, errors.New("oidc: the signature is wrong")
	}
	return v.claims(parts[1], now)
}

// claims reads what is said by a token whose signature is right.
func (v *Verifier) claims(part string, now time.Time) (*Claims, error) {
	var p payload
	if err := decode(part, &p); err != nil {
		return nil, err
	}
	var c Claims
	var one string
	if json.Unmarshal(p.Audience, &one) == nil {
		c.Audience = []string{one}
	} else if json.Unmarshal(p.Audience, &c.Audience) != nil {
		return nil, errors.New("oidc: the claim aud is neither a text nor a list of texts")
	}
	c.Issuer, c.Subject = p.Issuer, p.Subject
	switch {
	case p.Issuer != v.Issuer:
		return nil, errors.New("oidc: the token is of another issuer")
	case p.Subject == "":
		return nil, errors.New("oidc: the token has no subject")
	case !slices.ContainsFunc(c.Audience, func(a string) bool { return slices.Contains(v.Audiences, a) }):
		return nil, errors.New("oidc: the token is for another audience")
	case p.Expires == nil:
		return nil, errors.New("oidc: the token never expires")
	}
	c.Expires = seconds(*p.Expires)
	if !now.Before(c.Expires.Add(leeway)) {
		return nil, ErrExpired
	}
	if p.NotBefore != nil && now.Add(leeway).Before(seconds(*p.NotBefore)) {
		return nil, errors.New("oidc: the token is not good yet")
	}
	return &c, nil
}

func seconds(s float64) time.Time {
	const farAway = 1 << 40
	return time.Unix(int64(max(-farAway, min(s, farAway))), 0)
}

func decode(part string, v any) error {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return errors.New("oidc: a part of the token is not base 64")
	}
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(v); err != nil {
		return errors.New("oidc: a part of the token is not JSON of the right form")
	}
	return nil
}

// verifySignature is by RFC 7518: PKCS #1 v1.5 for RSA, and the two numbers of
// ECDSA side by side.
func verifySignature(key crypto.PublicKey, signed string, signature []byte) bool {
	sum := sha256.Sum256([]byte(signed))
	switch k := key.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], signature) == nil
	case *ecdsa.PublicKey:
		return len(signature) == 64 &&
			ecdsa.Verify(k, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	}
	return false
}
