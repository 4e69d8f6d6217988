package sts

import (
	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/internal/audit"
)

// recordAssumeRole returns what an audit record shows of AssumeRole.
func recordAssumeRole(in, out any) (request, response any) {
	if in, ok := in.(*assumeRoleInput); ok {
		params := in.record()
		set(params, "externalId", in.externalID)
		set(params, "sourceIdentity", in.sourceIdentity)
		if len(in.tagList) > 0 {
			tags := map[string]string{}
			for _, t := range in.tagList {
				tags[t.key] = t.value
			}
			params["principalTags"] = tags
		}
		request = params
	}
	if out, ok := out.(*assumedRole); ok {
		response = recordSession(out)
	}
	return request, response
}

// recordWebIdentity returns what an audit record shows of
// AssumeRoleWithWebIdentity. The token stays out.
func recordWebIdentity(in, out any) (request, response any) {
	if in, ok := in.(*webIdentityInput); ok {
		params := in.record()
		if in.token != nil {
			params["webIdentityToken"] = audit.Hidden
		}
		request = params
	}
	if out, ok := out.(*webIdentityRole); ok {
		response = recordSession(&out.assumedRole)
	}
	return request, response
}

// record shows parameters as they were given.
func (in *sessionInput) record() map[string]any {
	params := map[string]any{}
	set(params, "roleArn", in.roleARN)
	set(params, "roleSessionName", in.sessionName)
	set(params, "durationSeconds", in.durationSeconds)
	set(params, "policy", in.policy)
	if len(in.policyARNs) > 0 {
		params["policyArns"] = in.policyARNs
	}
	return params
}

func set(params map[string]any, name string, value *string) {
	if value != nil {
		params[name] = audit.Truncate(*value)
	}
}

// recordSession shows a session without its secrets.
func recordSession(s *assumedRole) any {
	return map[string]any{
		"credentials": map[string]string{
			"accessKeyId": s.Credentials.AccessKeyId, "expiration": s.Credentials.Expiration, "sessionToken": audit.Hidden,
		},
		"assumedRoleUser": map[string]string{"assumedRoleId": s.AssumedRoleUser.AssumedRoleId, "arn": s.AssumedRoleUser.Arn},
	}
}

// auditResources is the role that a call is about.
func auditResources(_ *service.Call, in, _ any) []audit.Resource {
	role := ""
	switch in := in.(type) {
	case *assumeRoleInput:
		role = service.Value(in.roleARN)
	case *webIdentityInput:
		role = service.Value(in.roleARN)
	}
	if role == "" {
		return nil
	}
	a, _ := arn.Parse(role) // the text was not checked
	return []audit.Resource{{ARN: audit.Truncate(role), Account: audit.Truncate(string(a.Account)), Type: "AWS::IAM::Role"}}
}
