package sts

import (
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/internal/oidc"
)

// assumeRoleContext has the condition keys of AssumeRole beside those of every
// request; see "Actions, resources, and condition keys for AWS Security Token
// Service" in the Service Authorization Reference.
type assumeRoleContext struct {
	access.Context
	in      *assumeRoleInput
	session *identity.Session
}

func (c *assumeRoleContext) Values(key string) []string {
	switch key {
	case "sts:externalid":
		return nonEmpty(service.Value(c.in.externalID))
	case "sts:rolesessionname":
		return nonEmpty(c.in.name)
	case "sts:sourceidentity":
		return nonEmpty(c.session.SourceIdentity)
	case "aws:tagkeys":
		var keys []string
		for k := range c.session.Tags {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		return keys
	}
	if tag, ok := strings.CutPrefix(key, "aws:requesttag/"); ok {
		for k, v := range c.session.Tags {
			if strings.EqualFold(k, tag) {
				return []string{v}
			}
		}
		return nil
	}
	return c.Context.Values(key)
}

// nonEmpty returns a list of s, or nil if it is empty.
func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// tokenContext has the condition keys of AssumeRoleWithWebIdentity: those whose
// prefix is the issuer, with the token's claims.
type tokenContext struct {
	access.Context
	in       *webIdentityInput
	claims   *oidc.Claims
	provider string
}

func (c *tokenContext) Values(key string) []string {
	issuer := strings.ToLower(strings.TrimPrefix(c.claims.Issuer, "https://"))
	if claim, ok := strings.CutPrefix(key, issuer+":"); ok {
		switch claim {
		case "sub":
			return []string{c.claims.Subject}
		case "aud":
			return c.claims.Audience
		}
		return nil
	}
	switch key {
	case "sts:rolesessionname":
		return nonEmpty(c.in.name)
	case "aws:federatedprovider":
		return []string{c.provider}
	}
	return c.Context.Values(key)
}
