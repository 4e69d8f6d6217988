package aws

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/xml"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/edge/aws/sts"
	"github.com/cairn-discovery/cairn/internal/audit"
)

// audit records a call, unless it is one that is left out. A change is recorded
// before it is answered; docs/adr/0022-audit-before-the-answer.md says why.
func (s *Server) audit(ctx context.Context, x *exchange) {
	if s.cfg.Audit == nil || !x.known || x.flood || !s.cfg.AuditReads && !x.audited() {
		return
	}
	r := x.record()
	if x.err == nil && !x.reads() {
		s.cfg.Audit.Write(ctx, r)
		return
	}
	s.cfg.Audit.Offer(r)
}

// audited reports whether a call is recorded even where reads are not.
func (x *exchange) audited() bool {
	return !x.reads() || x.query || x.unproven || x.err != nil && strings.HasPrefix(x.err.Code, "AccessDenied")
}

func (x *exchange) record() *audit.Record {
	r := &audit.Record{
		Time: x.start, Source: x.service() + ".amazonaws.com", Name: x.name, Region: x.region,
		SourceIP: x.source(), UserAgent: shown(x.request.UserAgent()), Identity: x.identity(),
		RequestID: x.id, EventID: newRequestID(), ReadOnly: x.reads(), Account: string(x.account),
		Data: !x.query && x.action.Discovers(),
	}
	if x.err != nil {
		r.ErrorCode, r.ErrorText = x.err.Code, shown(x.err.Message)
	}
	if t := x.request.TLS; t != nil {
		r.TLSVersion = strings.Replace(tls.VersionName(t.Version), "TLS ", "TLSv", 1)
		r.CipherSuite, r.TLSHost = tls.CipherSuiteName(t.CipherSuite), shown(x.request.Host)
	}
	switch {
	case x.unproven: // what strangers send is not kept
	case x.query:
		x.recordToken(r)
	default:
		x.recordCall(r)
	}
	return r
}

// maxShown bounds what a caller can put into a record beside its parameters.
const maxShown = 1024

func shown(s string) string {
	if len(s) > maxShown {
		return s[:maxShown] + "..."
	}
	return s
}

// cloudmapForm is that of the records of Cloud Map's operations, which have no
// secrets.
var cloudmapForm = audit.Form{Maps: map[string]bool{"Attributes": true, "QueryParameters": true, "OptionalParameters": true, "Targets": true}}

func (x *exchange) recordCall(r *audit.Record) {
	r.Request = cloudmapForm.Members(x.buf.body)
	r.Resources = x.resources()
	if x.err == nil && !r.ReadOnly {
		r.Response = cloudmapForm.Members(x.out)
	}
}

// resources are those that the parameters of a call name, and the service that
// it has made.
func (x *exchange) resources() []audit.Resource {
	var all []audit.Resource
	for _, p := range []struct{ member, kind string }{
		{"ResourceARN", ""}, {"NamespaceId", "namespace"}, {"ServiceId", "service"}, {"Id", x.kindOfID()},
	} {
		var ref string
		if json.Unmarshal(memberOf(x.buf.body, p.member), &ref) == nil && ref != "" {
			all = append(all, x.resource(p.kind, ref))
		}
	}
	if x.name == "CreateService" && x.err == nil {
		var arn string
		if json.Unmarshal(memberOf(memberOf(x.out, "Service"), "Arn"), &arn) == nil && arn != "" {
			all = append(all, x.resource("service", arn))
		}
	}
	return all
}

// memberOf finds a member of a JSON object by its exact name.
func memberOf(object []byte, name string) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return nil
	}
	return members[name]
}

func (x *exchange) kindOfID() string {
	if strings.HasSuffix(x.name, "Namespace") {
		return "namespace"
	}
	return "service"
}

// resource makes an id of the caller's an ARN.
func (x *exchange) resource(kind, ref string) audit.Resource {
	r := audit.Resource{ARN: shown(ref), Account: string(x.account)}
	if !strings.HasPrefix(ref, "arn:") {
		r.ARN = "arn:aws:servicediscovery:" + x.region + ":" + string(x.account) + ":" + kind + "/" + r.ARN
	} else if parts := strings.SplitN(r.ARN, ":", 6); len(parts) == 6 {
		r.Account = parts[4]
		kind, _, _ = strings.Cut(parts[5], "/")
	}
	switch kind {
	case "namespace":
		r.Type = "AWS::ServiceDiscovery::Namespace"
	case "service":
		r.Type = "AWS::ServiceDiscovery::Service"
	}
	return r
}

// recordToken records a call of STS. Its tokens and secrets stay out.
func (x *exchange) recordToken(r *audit.Record) {
	params := map[string]any{}
	for _, name := range []string{"RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId", "Policy", "SourceIdentity"} {
		if x.form.Has(name) {
			params[lowerFirst(name)] = shown(x.form.Text(name))
		}
	}
	if x.form.Has("WebIdentityToken") {
		params["webIdentityToken"] = audit.Hidden
	}
	if arns := x.form.List("PolicyArns", ".arn"); len(arns) > 0 {
		params["policyArns"] = arns
	}
	if keys, values := x.form.List("Tags", ".Key"), x.form.List("Tags", ".Value"); len(keys) == len(values) && len(keys) > 0 {
		tags := map[string]string{}
		for i, key := range keys {
			tags[key] = values[i]
		}
		params["principalTags"] = tags
	}
	if len(params) > 0 {
		r.Request = asJSON(params)
	}
	if role := x.form.Text("RoleArn"); role != "" {
		account, _, _ := strings.Cut(strings.TrimPrefix(role, "arn:aws:iam::"), ":")
		r.Resources = []audit.Resource{{ARN: shown(role), Account: shown(account), Type: "AWS::IAM::Role"}}
	}
	if x.err == nil && !r.ReadOnly {
		x.recordSession(r)
	}
}

// assumed is what is told of a session that was begun.
type assumed struct {
	Result struct {
		AccessKeyID string `xml:"Credentials>AccessKeyId"`
		Expiration  string `xml:"Credentials>Expiration"`
		RoleID      string `xml:"AssumedRoleUser>AssumedRoleId"`
		ARN         string `xml:"AssumedRoleUser>Arn"`
		Subject     string `xml:"SubjectFromWebIdentityToken"`
		Audience    string
		Provider    string
	} `xml:",any"`
}

func (x *exchange) recordSession(r *audit.Record) {
	var a assumed
	if xml.Unmarshal(x.out, &a) != nil {
		return
	}
	s := &a.Result
	r.Response = asJSON(map[string]any{
		"credentials":     map[string]string{"accessKeyId": s.AccessKeyID, "expiration": s.Expiration, "sessionToken": audit.Hidden},
		"assumedRoleUser": map[string]string{"assumedRoleId": s.RoleID, "arn": s.ARN},
	})
	if sts.Unsigned(x.name) {
		r.Identity = audit.Identity{
			Type: "WebIdentityUser", PrincipalID: s.Provider + ":" + s.Audience + ":" + s.Subject, UserName: s.Subject, Provider: s.Provider,
		}
		if parts := strings.SplitN(s.ARN, ":", 6); len(parts) == 6 {
			r.Account = parts[4]
		}
	}
}

func asJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return nil // maps of strings always can be
	}
	return b
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// identity is who made the call; of those who did not prove it, what they said.
func (x *exchange) identity() audit.Identity {
	p := x.principal
	switch {
	case x.unproven:
		return audit.Identity{Type: "Unknown", AccessKeyID: shown(x.proof.claim.AccessKeyID)}
	case p == nil && x.account == "":
		return audit.Identity{Type: "WebIdentityUser"}
	case p == nil: // open mode
		return audit.Identity{Type: "AWSAccount", PrincipalID: string(x.account), Account: string(x.account)}
	}
	id := audit.Identity{Type: "IAMUser", PrincipalID: p.ID, ARN: p.ARN, Account: p.Account, AccessKeyID: x.proof.claim.AccessKeyID, UserName: p.Name}
	if p.Kind == identity.SessionKind {
		id.Type, id.UserName = "AssumedRole", ""
		id.Session = &audit.Session{
			RoleID: p.Role.ID, RoleARN: p.Role.ARN, RoleAccount: p.Role.Account, RoleName: p.Role.Name,
			Created: time.Unix(p.Session.Issued, 0), SourceIdentity: p.Session.SourceIdentity,
		}
	}
	return id
}
