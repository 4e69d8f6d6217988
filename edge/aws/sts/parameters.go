package sts

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/identity"
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

// parameters are those that both ways to assume a role share.
type parameters struct {
	role     string
	name     string
	duration int64
	policies []string
	managed  []string
}

func readParameters(r *Request) (*parameters, error) {
	p := &parameters{role: r.Form.Text("RoleArn"), name: r.Form.Text("RoleSessionName"), duration: defaultDuration}
	r.Target = p.role
	if len(p.role) < 20 || len(p.role) > maxSessionARNLen || !strings.HasPrefix(p.role, "arn:aws:iam::") {
		return nil, invalid("%s is invalid: RoleArn must be the ARN of a role", shown(p.role))
	}
	if len(p.name) < 2 || identity.NameProblem(p.name, maxSessionName) != "" {
		return nil, invalid("1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]{2,64}", shown(p.name))
	}
	if text := r.Form.Text("DurationSeconds"); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 32)
		if err != nil || seconds < minDuration || seconds > identity.MaxSession {
			return nil, invalid("1 validation error detected: Value '%s' at 'durationSeconds' failed to satisfy constraint: Member must have value between %d and %d", shown(text), minDuration, identity.MaxSession)
		}
		p.duration = seconds
	}
	return p, p.readPolicies(r)
}

func (p *parameters) readPolicies(r *Request) error {
	if text := r.Form.Text("Policy"); text != "" {
		if len(text) > maxPolicyText {
			return fault("PackedPolicyTooLarge", http.StatusBadRequest, "The session policy has more than %d characters", maxPolicyText)
		}
		if _, err := access.Parse("session policy", access.IdentityPolicy, text); err != nil {
			return fault("MalformedPolicyDocument", http.StatusBadRequest, "%s", err)
		}
		p.policies = []string{text}
	}
	p.managed = r.Form.List("PolicyArns", ".arn")
	if len(p.managed) > maxPolicyARNs {
		return invalid("PolicyArns has more than %d members", maxPolicyARNs)
	}
	for _, arn := range p.managed {
		if _, ok := access.Managed(arn); !ok {
			return invalid("PolicyArns: %s is not an AWS managed policy that is known here", shown(arn))
		}
	}
	return nil
}

// refuse names parameters that are part of the API and not supported: to
// ignore one could give more than was asked for.
func refuse(r *Request, names ...string) error {
	for _, name := range names {
		if r.Form.Has(name) || r.Form.Has(name+".member.1") || r.Form.Has(name+".member.1.ProviderArn") {
			return invalid("%s is not supported", name)
		}
	}
	return nil
}

func readTags(r *Request) (map[string]string, error) {
	keys, values := r.Form.List("Tags", ".Key"), r.Form.List("Tags", ".Value")
	if len(keys) != len(values) || len(keys) > maxSessionTags {
		return nil, invalid("Tags must be at most %d pairs of Key and Value", maxSessionTags)
	}
	tags := map[string]string{}
	for i, key := range keys {
		if key == "" || len(key) > maxTagKey || len(values[i]) > maxTagValue || strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, invalid("Tag key '%s' or its value is not allowed", shown(key))
		}
		for other := range tags {
			if strings.EqualFold(other, key) {
				return nil, invalid("Tag key '%s' is given twice", shown(key))
			}
		}
		tags[key] = values[i]
	}
	return tags, nil
}
