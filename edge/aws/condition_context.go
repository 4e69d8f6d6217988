package aws

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// Permit asks the caller's policies. The text of a denial is AWS's, followed by the
// statement that denies.
func (x *request) Permit(r *access.Request) error {
	d := x.call.Caller.Evaluate(r)
	if d.Allowed {
		return nil
	}
	return x.api.Fault(x.op, wire.AccessDenied,
		fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s %s",
			x.call.Caller.ARN, r.Action, d.Resource, d.Reason(r.Action)))
}

// Values gives the condition keys that every request has; see "AWS global
// condition context keys" in the IAM User Guide.
func (x *request) Values(key string) []string {
	switch key {
	case "aws:currenttime":
		return []string{x.start.UTC().Format(time.RFC3339)}
	case "aws:epochtime":
		return []string{strconv.FormatInt(x.start.Unix(), 10)}
	case "aws:sourceip":
		return nonEmpty(x.conn.source)
	case "aws:securetransport":
		return []string{strconv.FormatBool(x.http.TLS != nil)}
	case "aws:useragent":
		return nonEmpty(x.http.UserAgent())
	case "aws:referer":
		return nonEmpty(x.http.Referer())
	case "aws:requestedregion":
		return []string{x.region}
	case "aws:viaawsservice", "aws:principalisawsservice":
		return []string{"false"}
	}
	if x.call.Caller == nil {
		return nil
	}
	return principalValues(x.call.Caller, key)
}

func principalValues(p *identity.Principal, key string) []string {
	switch key {
	case "aws:principalarn":
		if p.Role != nil {
			return []string{p.Role.ARN} // of a session, the role's
		}
		return []string{p.ARN}
	case "aws:principalaccount":
		return []string{p.Account}
	case "aws:principaltype":
		return []string{p.Kind.String()}
	case "aws:userid":
		return []string{p.ID}
	case "aws:username":
		if p.Kind == identity.UserKind {
			return []string{p.Name}
		}
		return nil
	}
	if tag, ok := strings.CutPrefix(key, "aws:principaltag/"); ok {
		return p.TagValues(tag)
	}
	if p.Session == nil {
		return nil
	}
	switch key {
	case "aws:tokenissuetime":
		return []string{time.Unix(p.Session.Issued, 0).UTC().Format(time.RFC3339)}
	case "aws:sourceidentity":
		return nonEmpty(p.Session.SourceIdentity)
	case "aws:federatedprovider":
		return nonEmpty(p.Session.Provider)
	}
	return nil
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
