package aws

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
)

// Permit asks the caller's policies. The text of a refusal is AWS's, and goes
// on to name the statement that denies.
func (x *exchange) Permit(r *access.Request) error {
	d := x.principal.Evaluate(r)
	if d.Allowed {
		return nil
	}
	return &awsjson.Error{Code: "AccessDeniedException", Status: http.StatusBadRequest,
		Message: fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s %s",
			x.principal.ARN, r.Action, d.Resource, d.Reason(r.Action))}
}

// Values gives the condition keys that every request has; see "AWS global
// condition context keys" in the IAM User Guide.
func (x *exchange) Values(key string) []string {
	switch key {
	case "aws:currenttime":
		return []string{x.start.UTC().Format(time.RFC3339)}
	case "aws:epochtime":
		return []string{strconv.FormatInt(x.start.Unix(), 10)}
	case "aws:sourceip":
		return given(x.source())
	case "aws:securetransport":
		return []string{strconv.FormatBool(x.request.TLS != nil)}
	case "aws:useragent":
		return given(x.request.UserAgent())
	case "aws:referer":
		return given(x.request.Referer())
	case "aws:requestedregion":
		return []string{x.region}
	case "aws:viaawsservice", "aws:principalisawsservice":
		return []string{"false"}
	}
	if x.principal == nil {
		return nil
	}
	return principalValues(x.principal, key)
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
		return given(p.Session.SourceIdentity)
	case "aws:federatedprovider":
		return given(p.Session.Provider)
	}
	return nil
}

func given(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// source is the address that a request came from, without the port.
func (x *exchange) source() string {
	if addr := x.sourceAddr(); addr.IsValid() {
		return addr.String()
	}
	return ""
}

// sourceAddr is the zero Addr where there is none.
func (x *exchange) sourceAddr() netip.Addr {
	addr, err := netip.ParseAddrPort(x.request.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Addr().Unmap().WithZone("")
}
