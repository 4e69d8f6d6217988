package sts

import (
	"strings"

	"github.com/cairn-discovery/cairn/edge/aws/query"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/internal/audit"
)

// recordAssumeRole returns what an audit record shows of AssumeRole.
func recordAssumeRole(in, out any) (request, response any) {
	if in, ok := in.(*assumeRoleInput); ok {
		request = recordForm(in.form)
	}
	if out, ok := out.(*assumedRole); ok {
		response = recordSession(out)
	}
	return request, response
}

// recordWebIdentity returns what an audit record shows of
// AssumeRoleWithWebIdentity.
func recordWebIdentity(in, out any) (request, response any) {
	if in, ok := in.(*webIdentityInput); ok {
		request = recordForm(in.form)
	}
	if out, ok := out.(*webIdentityRole); ok {
		response = recordSession(&out.assumedRole)
	}
	return request, response
}

// recordForm shows parameters as they were given. Tokens stay out. It returns nil
// where there is nothing to show.
func recordForm(f query.Form) any {
	params := map[string]any{}
	for _, name := range []string{"RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId", "Policy", "SourceIdentity"} {
		if f.Has(name) {
			params[strings.ToLower(name[:1])+name[1:]] = audit.Truncate(f.Text(name))
		}
	}
	if f.Has("WebIdentityToken") {
		params["webIdentityToken"] = audit.Hidden
	}
	if arns := f.List("PolicyArns", ".arn"); len(arns) > 0 {
		params["policyArns"] = arns
	}
	if keys, values := f.List("Tags", ".Key"), f.List("Tags", ".Value"); len(keys) == len(values) && len(keys) > 0 {
		tags := map[string]string{}
		for i, key := range keys {
			tags[key] = values[i]
		}
		params["principalTags"] = tags
	}
	if len(params) == 0 {
		return nil
	}
	return params
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
	var f query.Form
	switch in := in.(type) {
	case *assumeRoleInput:
		f = in.form
	case *webIdentityInput:
		f = in.form
	}
	role := f.Text("RoleArn")
	if role == "" {
		return nil
	}
	account, _, _ := strings.Cut(strings.TrimPrefix(role, "arn:aws:iam::"), ":")
	return []audit.Resource{{ARN: audit.Truncate(role), Account: audit.Truncate(account), Type: "AWS::IAM::Role"}}
}
