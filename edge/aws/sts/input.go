package sts

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/edge/aws/query"
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
	maxExternalID    = 1224
	maxTagKey        = 128
	maxTagValue      = 256
	maxSessionName   = 64
	maxSessionARNLen = 2048
)

// sessionInput has the parameters that both ways to assume a role share.
type sessionInput struct {
	form query.Form // for the audit record

	role     string
	name     string
	duration int64    // in seconds
	policies []string // in JSON
	managed  []string // ARNs
}

// assumeRoleInput is the input of AssumeRole.
type assumeRoleInput struct {
	sessionInput
	tags           map[string]string
	sourceIdentity string
	externalID     string
}

// webIdentityInput is the input of AssumeRoleWithWebIdentity.
type webIdentityInput struct {
	sessionInput
	token string
}

func decodeAssumeRole(r *wire.Request) (any, error) {
	in := new(assumeRoleInput)
	if err := in.read(query.Form(r.Form)); err != nil {
		return in, err
	}
	if err := notSupported(in.form, "SerialNumber", "TokenCode", "TransitiveTagKeys", "ProvidedContexts"); err != nil {
		return in, err
	}
	var err error
	if in.tags, err = readTags(in.form); err != nil {
		return in, err
	}
	in.sourceIdentity, in.externalID = in.form.Text("SourceIdentity"), in.form.Text("ExternalId")
	if s := in.sourceIdentity; s != "" && (len(s) < 2 || identity.ValidateName(s, maxSessionName) != nil) {
		return in, invalid("SourceIdentity must be 2 to %d letters, digits and _+=,.@-", maxSessionName)
	}
	if len(in.externalID) > maxExternalID {
		return in, invalid("ExternalId has more than %d characters", maxExternalID)
	}
	return in, nil
}

func decodeWebIdentity(r *wire.Request) (any, error) {
	in := new(webIdentityInput)
	if err := in.read(query.Form(r.Form)); err != nil {
		return in, err
	}
	in.token = in.form.Text("WebIdentityToken")
	return in, notSupported(in.form, "ProviderId") // for tokens of OAuth 2.0
}

// read reads the parameters that are shared.
func (p *sessionInput) read(f query.Form) error {
	*p = sessionInput{form: f, role: f.Text("RoleArn"), name: f.Text("RoleSessionName"), duration: defaultDuration}
	if len(p.role) < 20 || len(p.role) > maxSessionARNLen || !strings.HasPrefix(p.role, "arn:aws:iam::") {
		return invalid("%s is invalid: RoleArn must be the ARN of a role", truncate(p.role))
	}
	if len(p.name) < 2 || identity.ValidateName(p.name, maxSessionName) != nil {
		return invalid("1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]{2,64}", truncate(p.name))
	}
	if text := f.Text("DurationSeconds"); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 32)
		if err != nil || seconds < minDuration || seconds > identity.MaxSession {
			return invalid("1 validation error detected: Value '%s' at 'durationSeconds' failed to satisfy constraint: Member must have value between %d and %d", truncate(text), minDuration, identity.MaxSession)
		}
		p.duration = seconds
	}
	return p.readPolicies(f)
}

func (p *sessionInput) readPolicies(f query.Form) error {
	if text := f.Text("Policy"); text != "" {
		if len(text) > maxPolicyText {
			return fault("PackedPolicyTooLarge", http.StatusBadRequest, "The session policy has more than %d characters", maxPolicyText)
		}
		p.policies = []string{text}
	}
	p.managed = f.List("PolicyArns", ".arn")
	if len(p.managed) > maxPolicyARNs {
		return invalid("PolicyArns has more than %d members", maxPolicyARNs)
	}
	return nil
}

// checkPolicies checks that the policies of the session can be used.
func (p *sessionInput) checkPolicies(catalog *access.Catalog) error {
	for _, text := range p.policies {
		if _, err := catalog.Parse("session policy", access.IdentityPolicy, text); err != nil {
			return fault("MalformedPolicyDocument", http.StatusBadRequest, "%s", err)
		}
	}
	for _, arn := range p.managed {
		if _, ok := catalog.Managed(arn); !ok {
			return invalid("PolicyArns: %s is not an AWS managed policy that is known here", truncate(arn))
		}
	}
	return nil
}

// notSupported returns an error for parameters that are part of the API and not
// supported: to ignore one could give more than was asked for.
func notSupported(f query.Form, names ...string) error {
	for _, name := range names {
		if f.Has(name) || f.Has(name+".member.1") || f.Has(name+".member.1.ProviderArn") {
			return invalid("%s is not supported", name)
		}
	}
	return nil
}

func readTags(f query.Form) (map[string]string, error) {
	keys, values := f.List("Tags", ".Key"), f.List("Tags", ".Value")
	if len(keys) != len(values) || len(keys) > maxSessionTags {
		return nil, invalid("Tags must be at most %d pairs of Key and Value", maxSessionTags)
	}
	tags := map[string]string{}
	for i, key := range keys {
		if key == "" || len(key) > maxTagKey || len(values[i]) > maxTagValue || strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, invalid("Tag key '%s' or its value is not allowed", truncate(key))
		}
		for other := range tags {
			if strings.EqualFold(other, key) {
				return nil, invalid("Tag key '%s' is given twice", truncate(key))
			}
		}
		tags[key] = values[i]
	}
	return tags, nil
}
