package aws

import (
	"context"
	"crypto/tls"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/internal/audit"
	"github.com/cairn-discovery/cairn/internal/uuid"
)

// audit records a call, unless it is one that is left out. A change is recorded
// before it is answered; docs/adr/0022-audit-before-the-answer.md says why.
func (s *Server) audit(ctx context.Context, x *request) {
	if s.cfg.Audit == nil || x.op == nil || x.authLimited || !s.cfg.AuditReads && !x.shouldAudit() {
		return
	}
	r := x.record()
	if x.err == nil && !x.op.Reads() {
		s.cfg.Audit.Write(ctx, r)
		return
	}
	s.cfg.Audit.TryWrite(r)
}

// shouldAudit reports whether a call is recorded even where reads are not.
func (x *request) shouldAudit() bool {
	return !x.op.Reads() || x.api.AlwaysAudit || x.unauthenticated || x.err != nil && strings.HasPrefix(x.err.Code, "AccessDenied")
}

func (x *request) record() *audit.Record {
	r := &audit.Record{
		Time: x.start, Source: x.api.EventSource, Name: x.op.Name, Region: x.region,
		SourceIP: x.conn.source, UserAgent: audit.Truncate(x.http.UserAgent()), Identity: x.identity(),
		RequestID: x.id, EventID: uuid.New(), ReadOnly: x.op.Reads(), Account: string(x.call.Account),
		Data: x.op.DataPlane(),
	}
	if x.err != nil {
		r.ErrorCode, r.ErrorText = x.err.Code, audit.Truncate(x.err.Message)
	}
	if t := x.http.TLS; t != nil {
		r.TLSVersion = strings.Replace(tls.VersionName(t.Version), "TLS ", "TLSv", 1)
		r.CipherSuite, r.TLSHost = tls.CipherSuiteName(t.CipherSuite), audit.Truncate(x.http.Host)
	}
	if x.unauthenticated { // what an unknown sender sends is not kept
		return r
	}
	in, out := x.call.Input, x.call.Output
	if x.err != nil || r.ReadOnly {
		out = nil
	}
	if in != nil && x.api.Resources != nil {
		r.Resources = x.api.Resources(&x.call, in, out)
	}
	if x.op.Record != nil {
		in, out = x.op.Record(in, out)
	}
	e := audit.Encoder{Sensitive: x.api.Sensitive}
	r.Request, r.Response = e.Encode(in), e.Encode(out)
	if w := x.call.WebIdentity; w != nil && x.err == nil {
		r.Account = w.Account
	}
	return r
}

// identity is who made the call. Of a caller that did not prove it, it is the claim.
func (x *request) identity() audit.Identity {
	p, w := x.call.Caller, x.call.WebIdentity
	switch {
	case x.unauthenticated:
		return audit.Identity{Type: "Unknown", AccessKeyID: audit.Truncate(x.signature.claim.AccessKeyID)}
	case w != nil && x.err == nil:
		return audit.Identity{
			Type: "WebIdentityUser", PrincipalID: w.Provider + ":" + w.Audience + ":" + w.Subject, UserName: w.Subject, Provider: w.Provider,
		}
	case p == nil && x.call.Account == "":
		return audit.Identity{Type: "WebIdentityUser"}
	case p == nil: // open mode
		return audit.Identity{Type: "AWSAccount", PrincipalID: string(x.call.Account), Account: string(x.call.Account)}
	}
	id := audit.Identity{Type: "IAMUser", PrincipalID: p.ID, ARN: p.ARN, Account: p.Account, AccessKeyID: x.signature.claim.AccessKeyID, UserName: p.Name}
	if p.Kind == identity.SessionKind {
		id.Type, id.UserName = "AssumedRole", ""
		id.Session = &audit.Session{
			RoleID: p.Role.ID, RoleARN: p.Role.ARN, RoleAccount: p.Role.Account, RoleName: p.Role.Name,
			Created: time.Unix(p.Session.Issued, 0), SourceIdentity: p.Session.SourceIdentity,
		}
	}
	return id
}
