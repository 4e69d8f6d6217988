// Package oidc verifies the tokens of OpenID Connect issuers: the JSON Web
// Tokens that Kubernetes gives to service accounts, and CI systems to jobs.
//
// Tokens and keys are parsed, and signatures verified, by coreos/go-oidc and go-jose. This
// package limits them to RS256 and ES256 (RFC 7518 sections 3.3 and 3.4). It reads claims
// by their exact names, and decides when the keys of an issuer are read.
//
//	keys := oidc.NewKeys(oidc.Location{File: "jwks.json"})
//	v := oidc.Verifier{Issuer: "https://issuer", Audiences: []string{"sts.amazonaws.com"}, Keys: keys}
//	claims, err := v.Verify(ctx, token, time.Now())
package oidc

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// maxToken is the longest token that is accepted, as in STS.
const maxToken = 20000

// leeway allows for clocks that differ a little.
const leeway = time.Minute

// ErrExpired means that a token is genuine but expired.
var ErrExpired = errors.New("oidc: the token has expired")

// Verifier accepts the tokens of one issuer. It is safe for concurrent use.
type Verifier struct {
	// Issuer is the URL that the claim iss must be.
	Issuer string
	// Audiences are those of which the claim aud must name one.
	Audiences []string
	Keys      *Keys
}

// Issuer returns the issuer that a token claims, without verifying anything, so
// that the caller can find the Verifier. It is an error if there is none. Its errors are
// safe to show to the caller.
func Issuer(token string) (string, error) {
	payload, err := compactPayload(token)
	if err != nil {
		return "", err
	}
	c, err := readClaims(payload)
	if err != nil {
		return "", err
	}
	if c.Issuer == "" {
		return "", errors.New("oidc: the token has no issuer")
	}
	return c.Issuer, nil
}

// Verify returns the claims of a token that is genuine and valid at the time now.
// Its errors are safe to show to the caller: they name no file or address.
func (v *Verifier) Verify(ctx context.Context, token string, now time.Time) (*Claims, error) {
	payload, err := compactPayload(token)
	if err != nil {
		return nil, err
	}
	c, err := readClaims(payload)
	if err != nil {
		return nil, err
	}
	// The library checks the signature and the issuer. It matches the names of
	// claims without case, so the claims are those read above; the payload is the
	// same, since the token has one payload.
	keys := &keysAt{keys: v.Keys, now: now}
	_, err = oidc.NewVerifier(v.Issuer, keys, &oidc.Config{
		SupportedSigningAlgs: []string{oidc.RS256, oidc.ES256},
		SkipClientIDCheck:    true, // there may be several audiences
		SkipExpiryCheck:      true, // its leeway is another
	}).Verify(ctx, token)
	switch {
	case keys.err != nil:
		return nil, keys.err
	case c.Issuer != v.Issuer:
		return nil, errors.New("oidc: the token is of another issuer")
	case err != nil:
		return nil, errors.New("oidc: the token is malformed or not signed with RS256 or ES256")
	}
	if err := v.check(c, now); err != nil {
		return nil, err
	}
	return c, nil
}

// check checks the claims of a token whose signature is right.
func (v *Verifier) check(c *Claims, now time.Time) error {
	switch {
	case c.Subject == "":
		return errors.New("oidc: the token has no subject")
	case !slices.ContainsFunc(c.Audience, func(a string) bool { return slices.Contains(v.Audiences, a) }):
		return errors.New("oidc: the token is for another audience")
	case c.expires.IsZero():
		return errors.New("oidc: the token never expires")
	case !now.Before(c.expires.Add(leeway)):
		return ErrExpired
	case now.Add(leeway).Before(c.notBefore):
		return errors.New("oidc: the token is not valid yet")
	}
	return nil
}

// compactPayload returns the payload of a token in compact form (RFC 7515 section
// 7.1). The JSON form, which can have several signatures, is not base64.
func compactPayload(token string) ([]byte, error) {
	if len(token) > maxToken {
		return nil, fmt.Errorf("oidc: the token is longer than %d bytes", maxToken)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("oidc: not a JSON Web Token")
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		// Strict, as the library is not: a token has one spelling.
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return nil, errors.New("oidc: a part of the token is not base64")
		}
	}
	return decoded[1], nil
}
