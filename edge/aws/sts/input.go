package sts

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/edge/aws/query"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// Limits of AssumeRole; see its page in the API reference.
const (
	minDuration      = 900
	defaultDuration  = 3600
	maxChained       = 3600 // for a session that assumes another role
	maxPolicyText    = 2048
	maxPolicyARNs    = 10
	maxSessionTags   = 50
	minExternalID    = 2
	maxExternalID    = 1224
	maxTagKey        = 128
	maxTagValue      = 256
	maxSessionName   = 64
	maxSessionARNLen = 2048
	minWebToken      = 4
	maxWebToken      = 20000
)

// sessionInput has the parameters that both ways to assume a role share, as they
// are given. Nil is left out.
type sessionInput struct {
	roleARN, sessionName, durationSeconds, policy *string
	policyARNs                                    []string

	// The following are set by check.
	role     string
	name     string
	duration int64    // in seconds
	policies []string // in JSON
	managed  []string // ARNs
}

// assumeRoleInput is the input of AssumeRole.
type assumeRoleInput struct {
	sessionInput
	tagList                    []sessionTag
	sourceIdentity, externalID *string

	tags map[string]string // set by check
}

type sessionTag struct{ key, value string }

// webIdentityInput is the input of AssumeRoleWithWebIdentity.
type webIdentityInput struct {
	sessionInput
	token *string
}

func decodeAssumeRole(r *wire.Request) (any, error) {
	in := new(assumeRoleInput)
	if err := query.Decode(r.Form, in, (*assumeRoleInput).decode); err != nil {
		return nil, err
	}
	if err := notSupported(r.Form, "SerialNumber", "TokenCode", "TransitiveTagKeys", "ProvidedContexts"); err != nil {
		return in, err
	}
	return in, in.check()
}

func decodeWebIdentity(r *wire.Request) (any, error) {
	in := new(webIdentityInput)
	if err := query.Decode(r.Form, in, (*webIdentityInput).decode); err != nil {
		return nil, err
	}
	if err := notSupported(r.Form, "ProviderId"); err != nil { // for tokens of OAuth 2.0
		return in, err
	}
	return in, in.check()
}

func (in *sessionInput) decode(f query.Fields) {
	in.roleARN = query.OptionalText[string](f.At("RoleArn"))
	in.sessionName = query.OptionalText[string](f.At("RoleSessionName"))
	in.durationSeconds = query.OptionalText[string](f.At("DurationSeconds"))
	in.policy = query.OptionalText[string](f.At("Policy"))
	in.policyARNs = query.List(f.At("PolicyArns"), "member", func(f query.Fields) string { return query.Element[string](f.At("arn")) })
}

func (in *assumeRoleInput) decode(f query.Fields) {
	in.sessionInput.decode(f)
	in.tagList = query.List(f.At("Tags"), "member", func(f query.Fields) sessionTag {
		return sessionTag{query.Element[string](f.At("Key")), query.Element[string](f.At("Value"))}
	})
	in.sourceIdentity = query.OptionalText[string](f.At("SourceIdentity"))
	in.externalID = query.OptionalText[string](f.At("ExternalId"))
}

func (in *webIdentityInput) decode(f query.Fields) {
	in.sessionInput.decode(f)
	in.token = query.OptionalText[string](f.At("WebIdentityToken"))
}

func (in *webIdentityInput) check() error {
	if err := in.sessionInput.check(); err != nil {
		return err
	}
	switch {
	case in.token == nil:
		return invalid("1 validation error detected: Value null at 'webIdentityToken' failed to satisfy constraint: Member must not be null")
	case len(*in.token) < minWebToken:
		return invalid("1 validation error detected: Value at 'webIdentityToken' failed to satisfy constraint: Member must have length greater than or equal to %d", minWebToken)
	case len(*in.token) > maxWebToken:
		return invalid("1 validation error detected: Value at 'webIdentityToken' failed to satisfy constraint: Member must have length less than or equal to %d", maxWebToken)
	}
	return nil
}

func (in *assumeRoleInput) check() error {
	if err := in.sessionInput.check(); err != nil {
		return err
	}
	if s := in.sourceIdentity; s != nil && (len(*s) < 2 || identity.ValidateName(*s, maxSessionName) != nil) {
		return invalid("SourceIdentity must be 2 to %d letters, digits and _+=,.@-", maxSessionName)
	}
	if s := in.externalID; s != nil && (len(*s) < minExternalID || len(*s) > maxExternalID) {
		return invalid("ExternalId must have %d to %d characters", minExternalID, maxExternalID)
	}
	return in.checkTags()
}

func (in *sessionInput) check() error {
	in.role, in.name, in.duration = service.Value(in.roleARN), service.Value(in.sessionName), defaultDuration
	if len(in.role) < 20 || len(in.role) > maxSessionARNLen || !strings.HasPrefix(in.role, "arn:aws:iam::") {
		return invalid("%s is invalid: RoleArn must be the ARN of a role", truncate(in.role))
	}
	if len(in.name) < 2 || identity.ValidateName(in.name, maxSessionName) != nil {
		return invalid("1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]{2,64}", truncate(in.name))
	}
	if text := in.durationSeconds; text != nil {
		seconds, err := strconv.ParseInt(*text, 10, 32)
		if err != nil || seconds < minDuration || seconds > identity.MaxSession {
			return invalid("1 validation error detected: Value '%s' at 'durationSeconds' failed to satisfy constraint: Member must have value between %d and %d", truncate(*text), minDuration, identity.MaxSession)
		}
		in.duration = seconds
	}
	if in.managed = in.policyARNs; len(in.managed) > maxPolicyARNs {
		return invalid("PolicyArns has more than %d members", maxPolicyARNs)
	}
	return in.checkPolicy()
}

// checkPolicy refuses an empty policy too: it would not limit the session.
func (in *sessionInput) checkPolicy() error {
	switch {
	case in.policy == nil:
		return nil
	case *in.policy == "":
		return invalid("1 validation error detected: Value '' at 'policy' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case len(*in.policy) > maxPolicyText:
		return fault("PackedPolicyTooLarge", http.StatusBadRequest, "The session policy has more than %d characters", maxPolicyText)
	}
	in.policies = []string{*in.policy}
	return nil
}

// checkPolicies checks that the policies of the session can be used.
func (in *sessionInput) checkPolicies(catalog *access.Catalog) error {
	for _, text := range in.policies {
		if _, err := catalog.Parse("session policy", access.IdentityPolicy, text); err != nil {
			return fault("MalformedPolicyDocument", http.StatusBadRequest, "%s", err)
		}
	}
	for _, arn := range in.managed {
		if _, ok := catalog.Managed(arn); !ok {
			return invalid("PolicyArns: %q is not an AWS managed policy that is known here", truncate(arn))
		}
	}
	return nil
}

// notSupported returns an error for parameters that are part of the API and not
// supported: to ignore one could give more than was asked for.
func notSupported(form url.Values, names ...string) error {
	for field := range form {
		name, _, _ := strings.Cut(field, ".")
		if slices.Contains(names, name) {
			return invalid("%s is not supported", name)
		}
	}
	return nil
}

func (in *assumeRoleInput) checkTags() error {
	if len(in.tagList) > maxSessionTags {
		return invalid("Tags has more than %d members", maxSessionTags)
	}
	in.tags = map[string]string{}
	for _, t := range in.tagList {
		if t.key == "" || len(t.key) > maxTagKey || len(t.value) > maxTagValue || strings.HasPrefix(strings.ToLower(t.key), "aws:") {
			return invalid("Tag key '%s' or its value is not allowed", truncate(t.key))
		}
		for other := range in.tags {
			if strings.EqualFold(other, t.key) {
				return invalid("Tag key '%s' is given twice", truncate(t.key))
			}
		}
		in.tags[t.key] = t.value
	}
	return nil
}
