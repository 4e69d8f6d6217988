package sts

import (
	"context"
	"encoding/xml"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
	"github.com/cairn-discovery/cairn/internal/audit"
	"github.com/cairn-discovery/cairn/internal/oidc"
	"github.com/cairn-discovery/cairn/internal/seal"
)

const (
	account  = "111111111111"
	roleARN  = "arn:aws:iam::111111111111:role/deployer"
	issuer   = "https://issuer.example"
	allowAll = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	trust    = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]},
		{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"banned"}}}]}`
)

// noAccess has no keys of the request, and permits everything.
type noAccess struct{}

func (noAccess) Values(string) []string       { return nil }
func (noAccess) Permit(*access.Request) error { return nil }

// harness calls the API without a front door.
type harness struct {
	*testing.T
	api       *service.API
	sessions  *Sessions
	catalog   *access.Catalog
	directory *identity.Directory
	providers []Provider
	now       time.Time
	caller    *identity.Principal // in place of a user
	call      *service.Call       // the latest
	answer    string              // to it
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	key, err := seal.ParseKey(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{T: t, sessions: NewSessions(key), now: time.Unix(1_800_000_000, 0)}
	secret := filepath.Join(t.TempDir(), "secret-place.json")
	provider := Provider{
		ARN: identity.ProviderARN(account, issuer),
		Verifier: &oidc.Verifier{
			Issuer: issuer, Audiences: []string{"a"}, Keys: oidc.NewKeys(oidc.Location{File: secret}),
		},
	}
	h.providers = []Provider{provider}
	if h.api, err = New(Config{Sessions: h.sessions, Providers: func() []Provider { return h.providers }}); err != nil {
		t.Fatal(err)
	}
	if h.catalog, err = access.NewCatalog(h.api.Access()); err != nil {
		t.Fatal(err)
	}
	h.trust(trust)
	return h
}

// trust gives the role a trust policy.
func (h *harness) trust(policy string) {
	h.Helper()
	inline := identity.PolicyAttachments{Inline: []identity.Inline{{Name: "all", Text: allowAll}}}
	d, problems := identity.Compile(h.catalog, nil, &identity.Source{
		Users: []identity.User{{Account: account, Name: "ann", PolicyAttachments: inline}, {Account: account, Name: "bob"}},
		Roles: []identity.Role{{Account: account, Name: "deployer", Trust: policy, PolicyAttachments: inline, MaxSession: 7200}},
	})
	if len(problems) > 0 {
		h.Fatal(problems[0])
	}
	h.directory = d
}

// latest returns the session of the latest answer.
func (h *harness) latest() *identity.Session {
	h.Helper()
	_, rest, _ := strings.Cut(h.answer, "<SessionToken>")
	token, _, _ := strings.Cut(rest, "</SessionToken>")
	s, err := h.sessions.Open(token)
	if err != nil {
		h.Fatalf("%v: %s", err, h.answer)
	}
	return s
}

// try calls an operation with the parameters of a form.
func (h *harness) try(operation, user, form string) (string, *wire.Error) {
	h.Helper()
	values, err := url.ParseQuery(form)
	if err != nil {
		h.Fatal(err)
	}
	h.call = &service.Call{
		Operation: h.api.Operation(operation), RequestID: "id", Account: command.AccountID(account), Now: h.now,
		Directory: h.directory, Access: noAccess{}, Caller: h.caller,
	}
	if user != "" {
		h.call.Caller, _ = h.directory.Principal(identity.UserARN(account, user))
	}
	w := wire.Response{RequestID: "id"}
	if err := h.call.Serve(context.Background(), &wire.Request{Form: values}, &w); err != nil {
		e, cause := h.call.Error(h.api, err)
		if cause != nil {
			h.Fatal(cause)
		}
		return "", e
	}
	h.answer = string(w.Body)
	return h.answer, nil
}

func (h *harness) fails(operation, user, form, code, text string) {
	h.Helper()
	answer, e := h.try(operation, user, form)
	if e == nil {
		h.Errorf("%s %s: %s", operation, form, answer)
	} else if e.Code != code || !strings.Contains(e.Message, text) {
		h.Errorf("%s %s:\n got %v\nwant %s: %s", operation, form, e, code, text)
	}
}

const base = "RoleArn=" + roleARN + "&RoleSessionName=me"

// TestAssumeRole: the token of the answer opens to the session that was asked for.
func TestAssumeRole(t *testing.T) {
	h := newHarness(t)
	answer, e := h.try("AssumeRole", "ann", base+"&DurationSeconds=900&SourceIdentity=ann&Tags.member.1.Key=team&Tags.member.1.Value=red"+
		"&Policy="+url.QueryEscape(allowAll)+"&PolicyArns.member.1.arn=arn:aws:iam::aws:policy/AWSCloudMapReadOnlyAccess&ExternalId=xy")
	if e != nil {
		t.Fatal(e)
	}
	var parsed struct {
		Result struct {
			Credentials      struct{ AccessKeyId, SecretAccessKey, SessionToken, Expiration string }
			AssumedRoleUser  struct{ AssumedRoleId, Arn string }
			SourceIdentity   string
			PackedPolicySize int
		} `xml:"AssumeRoleResult"`
		RequestID string `xml:"ResponseMetadata>RequestId"`
	}
	if err := xml.Unmarshal([]byte(answer), &parsed); err != nil {
		t.Fatal(err)
	}
	r := parsed.Result
	s, err := h.sessions.Open(r.Credentials.SessionToken)
	if err != nil {
		t.Fatal(err)
	}
	role, _ := h.directory.Principal(roleARN)
	if s.Role != roleARN || s.RoleID != role.ID || s.Name != "me" || s.AccessKeyID != r.Credentials.AccessKeyId || s.Secret != r.Credentials.SecretAccessKey ||
		s.Expires-s.Issued != 900 || s.Issued != h.now.Unix() || s.Tags["team"] != "red" || s.SourceIdentity != "ann" || len(s.Policies) != 1 || len(s.Managed) != 1 {
		t.Errorf("%+v", s)
	}
	if r.AssumedRoleUser.Arn != "arn:aws:sts::111111111111:assumed-role/deployer/me" || r.AssumedRoleUser.AssumedRoleId != role.ID+":me" ||
		r.SourceIdentity != "ann" || r.PackedPolicySize == 0 || parsed.RequestID != "id" || r.Credentials.Expiration != "2027-01-15T08:15:00Z" {
		t.Errorf("%s", answer)
	}
	var e2 audit.Encoder
	request, response := h.call.Operation.Record(h.call.Input, h.call.Output)
	record := string(e2.Encode(request)) + string(e2.Encode(response))
	for _, secret := range []string{r.Credentials.SecretAccessKey, r.Credentials.SessionToken} {
		if strings.Contains(record, secret) {
			t.Errorf("the record has a secret: %s", record)
		}
	}
	for _, want := range []string{`"principalTags":{"team":"red"}`, `"durationSeconds":"900"`, `"externalId":"xy"`, r.Credentials.AccessKeyId} {
		if !strings.Contains(record, want) {
			t.Errorf("the record has no %s: %s", want, record)
		}
	}
}

// TestRefusals: what could give more than was asked for is an error, and so is what
// is not allowed.
func TestRefusals(t *testing.T) {
	h := newHarness(t)
	for _, tt := range []struct{ form, code, text string }{
		{base + "&Policy=", "ValidationError", "at 'policy'"},
		{base + "&Policy={", "MalformedPolicyDocument", ""},
		{base + "&Policy=" + strings.Repeat("x", 2049), "PackedPolicyTooLarge", ""},
		{base + "&PolicyArns.member.2.arn=arn:aws:iam::aws:policy/AWSCloudMapReadOnlyAccess", "SerializationException", "PolicyArns.member.2"},
		{base + "&PolicyArns.member.0.arn=x", "SerializationException", "PolicyArns"},
		{base + "&PolicyArns.member.01.arn=x", "SerializationException", "PolicyArns"},
		{base + "&PolicyArns.member.x.arn=x", "SerializationException", "PolicyArns"},
		{base + "&PolicyArns.1.arn=x", "SerializationException", "PolicyArns"},
		{base + "&PolicyArns.member.1=x", "SerializationException", "PolicyArns"},
		{base + "&PolicyArns.member.1.Arn=x", "SerializationException", "PolicyArns"},
		{base + "&PolicyArns=x", "SerializationException", "PolicyArns"},
		{base + "&PolicyArns.member.1.arn=", "ValidationError", "PolicyArns"},
		{base + "&PolicyArns.member.1.arn=arn:aws:iam::aws:policy/Unknown", "ValidationError", "not an AWS managed policy"},
		{base + "&Tags.member.2.Key=a", "SerializationException", "Tags"},
		{base + "&Tags.member.1.Value=a", "ValidationError", "Tag key"},
		{base + "&Tags.member.1.Key=a&Tags.member.2.Key=A", "ValidationError", "given twice"},
		{base + "&Tags.member.1.Key=aws:x", "ValidationError", "Tag key"},
		{base + "&ExternalId=", "ValidationError", "ExternalId"},
		{base + "&SourceIdentity=", "ValidationError", "SourceIdentity"},
		{base + "&DurationSeconds=", "ValidationError", "durationSeconds"},
		{base + "&DurationSeconds=899", "ValidationError", "durationSeconds"},
		{base + "&DurationSeconds=10000", "ValidationError", "exceeds the 7200 seconds"},
		{base + "&TokenCode=", "ValidationError", "TokenCode is not supported"},
		{base + "&ProvidedContexts.member.7.ProviderArn=x", "ValidationError", "ProvidedContexts is not supported"},
		{base + "&TransitiveTagKeys.member.2=x", "ValidationError", "TransitiveTagKeys is not supported"},
		{"RoleSessionName=me", "ValidationError", "RoleArn"},
		{"RoleArn=" + roleARN, "ValidationError", "roleSessionName"},
		{base + "&ExternalId=banned", "AccessDenied", "sts:AssumeRole"},
		{"RoleArn=arn:aws:iam::111111111111:role/other&RoleSessionName=me", "AccessDenied", "sts:AssumeRole"},
		{"RoleArn=arn:aws:iam::111111111111:user/ann&RoleSessionName=me", "AccessDenied", "sts:AssumeRole"},
	} {
		h.fails("AssumeRole", "ann", tt.form, tt.code, tt.text)
	}
	h.fails("AssumeRole", "bob", base, "AccessDenied", "sts:AssumeRole")
	h.directory = nil
	h.fails("AssumeRole", "", base, "AccessDenied", "auth.mode sigv4 only")
	h.fails("AssumeRoleWithWebIdentity", "", base+"&WebIdentityToken=a.b.c", "AccessDenied", "auth.mode sigv4 only")
}

// TestErrorsNameNoFile: the keys of an issuer that cannot be read are no reason to
// tell a caller where they should be.
func TestErrorsNameNoFile(t *testing.T) {
	h := newHarness(t)
	const token = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoicyIsImF1ZCI6ImEiLCJleHAiOjE5MDAwMDAwMDB9.c2ln"
	_, e := h.try("AssumeRoleWithWebIdentity", "", base+"&WebIdentityToken="+token)
	if e == nil || e.Code != "InvalidIdentityToken" || !e.Unauthenticated {
		t.Fatalf("%v", e)
	}
	for _, secret := range []string{"secret-place", t.TempDir(), ".json", "no such file"} {
		if strings.Contains(e.Message, secret) {
			t.Errorf("the error has %q: %s", secret, e.Message)
		}
	}
}

// TestSessionsOpen: a token that was changed or made under another key is invalid.
func TestSessionsOpen(t *testing.T) {
	h := newHarness(t)
	token, err := h.sessions.issue(&identity.Session{Role: roleARN, Name: "me"})
	if err != nil {
		t.Fatal(err)
	}
	other := newHarness(t).sessions
	for name, bad := range map[string]string{
		"empty": "", "not base64": "?", "cut": token[:len(token)-8], "changed": "AAAA" + token[4:], "long": strings.Repeat("A", maxToken+4),
	} {
		if _, err := h.sessions.Open(bad); err != errInvalidToken {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := other.Open(token); err != errInvalidToken {
		t.Errorf("under another key: %v", err)
	}
}

// FuzzParameters: any form gives an answer or an error of the client, and no session
// has more than was asked for.
func FuzzParameters(f *testing.F) {
	f.Add(base+"&DurationSeconds=900", true)
	f.Add(base+"&Policy=&PolicyArns.member.2.arn=x", true)
	f.Add(base+"&Tags.member.1.Key=a&Tags.member.1.Value=b&PolicyArns.member.1.arn=arn:aws:iam::aws:policy/AWSCloudMapReadOnlyAccess", true)
	f.Add(base+"&WebIdentityToken=a.b.c", false)
	f.Fuzz(func(t *testing.T, form string, assume bool) {
		values, err := url.ParseQuery(form)
		if err != nil {
			return
		}
		h := newHarness(t)
		operation, user := "AssumeRole", "ann"
		if !assume {
			operation, user = "AssumeRoleWithWebIdentity", ""
		}
		_, e := h.try(operation, user, values.Encode())
		if e != nil {
			if e.Status < 400 || e.Status >= 500 || len(e.Message) > 4<<10 {
				t.Errorf("%d, %d bytes: %s", e.Status, len(e.Message), e.Code)
			}
			return
		}
		in := h.call.Input.(*assumeRoleInput)
		for name := range values {
			if strings.HasPrefix(name, "Policy") && len(in.policies)+len(in.managed) == 0 && values.Get(name) != "" && (name == "Policy" || strings.HasPrefix(name, "PolicyArns.")) {
				t.Errorf("%q is ignored", name)
			}
		}
	})
}

// TestPoliciesThatCannotBeUsed: a trust policy that names a user takes the place of what
// the user's policies allow, but not of policies that cannot be read: they might deny.
func TestPoliciesThatCannotBeUsed(t *testing.T) {
	h := newHarness(t)
	attached := map[string]identity.PolicyAttachments{
		"none":     {},
		"broken":   {Inline: []identity.Inline{{Name: "p", Text: `{"Version":"2012-10-17"}`}}},
		"missing":  {Managed: []string{"gone"}},
		"boundary": {Boundary: "gone"},
	}
	s := &identity.Source{}
	var arns []string
	for name, p := range attached {
		s.Users = append(s.Users, identity.User{Account: account, Name: name, PolicyAttachments: p})
		arns = append(arns, `"`+identity.UserARN(account, name)+`"`)
	}
	s.Roles = []identity.Role{{Account: account, Name: "deployer", MaxSession: 3600, Trust: `{"Version":"2012-10-17","Statement":
		{"Effect":"Allow","Principal":{"AWS":[` + strings.Join(arns, ",") + `]},"Action":"sts:AssumeRole"}}`}}
	var problems []*identity.Problem
	if h.directory, problems = identity.Compile(h.catalog, nil, s); len(problems) != 3 {
		t.Fatalf("%v", problems)
	}
	for name := range attached {
		if _, e := h.try("AssumeRole", name, base); (e == nil) != (name == "none") {
			t.Errorf("%s: %v", name, e)
		}
	}
}
