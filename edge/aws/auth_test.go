package aws_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	sdtypes "github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	sdksts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/identity"
	"github.com/cairn-discovery/cairn/edge/aws"
	"github.com/cairn-discovery/cairn/edge/aws/sts"
	"github.com/cairn-discovery/cairn/internal/seal"
)

const (
	owner    = "111111111111"
	stranger = "222222222222"
)

const (
	everything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	reading    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["servicediscovery:Get*","servicediscovery:List*","servicediscovery:Discover*"],"Resource":"*"},
		{"Sid":"NotThis","Effect":"Deny","Action":"servicediscovery:ListOperations","Resource":"*"}]}`
	trustOwner = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":["sts:AssumeRole","sts:TagSession"]}}`
)

// testCatalog has the actions of the APIs.
var testCatalog = func() *access.Catalog {
	c, err := aws.Catalog()
	if err != nil {
		panic(err)
	}
	return c
}()

// people are who there is in these tests: each user's key is KEY and its name,
// and the secret is the name with "-secret" behind.
func people() *identity.Source {
	inline := func(text string) identity.PolicyAttachments {
		return identity.PolicyAttachments{Inline: []identity.Inline{{Name: "inline", Text: text}}}
	}
	s := &identity.Source{
		Users: []identity.User{
			{Account: owner, Name: "admin", PolicyAttachments: inline(everything)},
			{Account: owner, Name: "reader", PolicyAttachments: inline(reading), Tags: map[string]string{"team": "red"}},
			{Account: owner, Name: "nobody"},
			{Account: owner, Name: "fired", PolicyAttachments: inline(everything)},
			{Account: stranger, Name: "stranger", PolicyAttachments: inline(everything)},
		},
		Roles: []identity.Role{
			{Account: owner, Name: "deployer", Trust: trustOwner, PolicyAttachments: inline(everything)},
			{Account: stranger, Name: "closed", Trust: `{"Statement":{"Effect":"Allow","Principal":{"AWS":"333333333333"},"Action":"sts:AssumeRole"}}`},
		},
	}
	for _, u := range s.Users {
		s.Keys = append(s.Keys, identity.AccessKey{ID: "KEY" + u.Name, Account: u.Account, User: u.Name, Secret: u.Name + "-secret", Inactive: u.Name == "fired"})
	}
	return s
}

// guarded is a server that asks who its callers are.
type guarded struct {
	*server
	directory atomic.Pointer[identity.Directory]
}

func startGuarded(t *testing.T, change ...func(*options)) *guarded {
	t.Helper()
	g := new(guarded)
	d, problems := identity.Compile(testCatalog, nil, people())
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	g.directory.Store(d)
	key, err := seal.ParseKey(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	g.server = start(t, func(o *options) {
		o.server.Auth = &aws.Auth{Directory: g.directory.Load, Sessions: sts.NewSessions(key)}
		for _, c := range change {
			c(o)
		}
	})
	return g
}

func keysOf(name string) sdk.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider("KEY"+name, name+"-secret", "")
}

func (g *guarded) client(creds sdk.CredentialsProvider) *servicediscovery.Client {
	return servicediscovery.New(servicediscovery.Options{
		Region: "eu-west-1", Credentials: creds, BaseEndpoint: sdk.String("http://" + g.addr), RetryMaxAttempts: 1,
		APIOptions: []func(*middleware.Stack) error{func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("NoPrefix",
				func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
					return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
				}), middleware.Before)
		}},
	})
}

func (g *guarded) tokens(creds sdk.CredentialsProvider) *sdksts.Client {
	return sdksts.New(sdksts.Options{Region: "eu-west-1", Credentials: creds, BaseEndpoint: sdk.String("http://" + g.addr), RetryMaxAttempts: 1})
}

// wants checks the code of an error and a part of its text.
func wants(t *testing.T, what string, err error, code, text string) {
	t.Helper()
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), text) {
		t.Errorf("%s: got %v, want %s: %s", what, err, code, text)
	}
}

func TestSignedCalls(t *testing.T) {
	g, ctx := startGuarded(t), t.Context()
	admin := g.client(keysOf("admin"))
	if _, err := admin.CreateHttpNamespace(ctx, &servicediscovery.CreateHttpNamespaceInput{Name: sdk.String("shop"), Tags: []sdtypes.Tag{{Key: sdk.String("a"), Value: sdk.String("b")}}}); err != nil {
		t.Fatal(err)
	}
	reader := g.client(keysOf("reader"))
	list, err := reader.ListNamespaces(ctx, &servicediscovery.ListNamespacesInput{})
	if err != nil || len(list.Namespaces) != 1 || !strings.Contains(*list.Namespaces[0].Arn, ":111111111111:") {
		t.Fatalf("%v %v", list, err)
	}
	_, err = reader.CreateHttpNamespace(ctx, &servicediscovery.CreateHttpNamespaceInput{Name: sdk.String("x")})
	wants(t, "not allowed", err, "AccessDeniedException", "User: arn:aws:iam::111111111111:user/reader is not authorized to perform: servicediscovery:CreateHttpNamespace"+
		" on resource: * because no identity-based policy allows the servicediscovery:CreateHttpNamespace action")
	_, err = reader.ListOperations(ctx, &servicediscovery.ListOperationsInput{})
	wants(t, "denied", err, "AccessDeniedException", "with an explicit deny in an identity-based policy (policy inline, statement NotThis)")
	_, err = g.client(keysOf("nobody")).ListNamespaces(ctx, &servicediscovery.ListNamespacesInput{})
	wants(t, "no policy", err, "AccessDeniedException", "because no identity-based policy")
	_, err = g.client(keysOf("fired")).ListNamespaces(ctx, &servicediscovery.ListNamespacesInput{})
	wants(t, "inactive key", err, "UnrecognizedClientException", "The security token included in the request is invalid.")
	_, err = g.client(keysOf("ghost")).ListNamespaces(ctx, &servicediscovery.ListNamespacesInput{})
	wants(t, "unknown key", err, "UnrecognizedClientException", "The security token included in the request is invalid.")
	wrong := credentials.NewStaticCredentialsProvider("KEYadmin", "guessed", "")
	_, err = g.client(wrong).ListNamespaces(ctx, &servicediscovery.ListNamespacesInput{})
	wants(t, "wrong secret", err, "InvalidSignatureException", "The request signature we calculated does not match")
	forged := credentials.NewStaticCredentialsProvider("KEYadmin", "admin-secret", "Zm9yZ2Vk")
	_, err = g.client(forged).ListNamespaces(ctx, &servicediscovery.ListNamespacesInput{})
	wants(t, "forged token", err, "UnrecognizedClientException", "The security token included in the request is invalid.")
}

// operationBodies has an input for each operation of Cloud Map.
var operationBodies = map[string]string{
	"CreateHttpNamespace": `{"Name":"n"}`, "CreatePrivateDnsNamespace": `{"Name":"n","Vpc":"v"}`, "CreatePublicDnsNamespace": `{"Name":"n.example"}`,
	"CreateService": `{"Name":"s","NamespaceId":"ns-1"}`, "DeleteNamespace": `{"Id":"ns-1"}`, "DeleteService": `{"Id":"srv-1"}`,
	"DeleteServiceAttributes": `{"ServiceId":"srv-1","Attributes":["a"]}`, "DeregisterInstance": `{"ServiceId":"srv-1","InstanceId":"i"}`,
	"DiscoverInstances": `{"NamespaceName":"n","ServiceName":"s"}`, "DiscoverInstancesRevision": `{"NamespaceName":"n","ServiceName":"s"}`,
	"GetInstance": `{"ServiceId":"srv-1","InstanceId":"i"}`, "GetInstancesHealthStatus": `{"ServiceId":"srv-1"}`, "GetNamespace": `{"Id":"ns-1"}`,
	"GetOperation": `{"OperationId":"o"}`, "GetService": `{"Id":"srv-1"}`, "GetServiceAttributes": `{"ServiceId":"srv-1"}`,
	"ListInstances": `{"ServiceId":"srv-1"}`, "ListNamespaces": `{}`, "ListOperations": `{}`, "ListServices": `{}`,
	"ListTagsForResource": `{"ResourceARN":"arn:aws:servicediscovery:eu-west-1:111111111111:namespace/ns-1"}`,
	"RegisterInstance":    `{"ServiceId":"srv-1","InstanceId":"i","Attributes":{}}`,
	"TagResource":         `{"ResourceARN":"arn:aws:servicediscovery:eu-west-1:111111111111:namespace/ns-1","Tags":[{"Key":"a","Value":"b"}]}`,
	"UntagResource":       `{"ResourceARN":"arn:aws:servicediscovery:eu-west-1:111111111111:namespace/ns-1","TagKeys":["a"]}`,
	"UpdateHttpNamespace": `{"Id":"ns-1","Namespace":{"Description":"d"}}`, "UpdateInstanceCustomHealthStatus": `{"ServiceId":"srv-1","InstanceId":"i","Status":"HEALTHY"}`,
	"UpdatePrivateDnsNamespace": `{"Id":"ns-1","Namespace":{"Description":"d"}}`, "UpdatePublicDnsNamespace": `{"Id":"ns-1","Namespace":{"Description":"d"}}`,
	"UpdateService": `{"Id":"srv-1","Service":{"Description":"d"}}`, "UpdateServiceAttributes": `{"ServiceId":"srv-1","Attributes":{"a":"b"}}`,
}

// TestEveryOperationIsAuthorized: a caller without a policy is denied, with any
// operation, whatever is in the request.
func TestEveryOperationIsAuthorized(t *testing.T) {
	g := startGuarded(t)
	if len(operationBodies) != 30 {
		t.Fatalf("%d operations", len(operationBodies))
	}
	for operation, body := range operationBodies {
		status, answer := g.signed("nobody", operation, body, time.Now())
		if status != http.StatusBadRequest || !strings.Contains(answer, `"AccessDeniedException"`) ||
			!strings.Contains(answer, "servicediscovery:"+operation+" on resource: ") {
			t.Errorf("%s: %d %s", operation, status, answer)
		}
		if _, answer := g.signed("admin", operation, body, time.Now()); strings.Contains(answer, "AccessDenied") || strings.Contains(answer, "InternalFailure") {
			t.Errorf("%s as admin: %s", operation, answer)
		}
	}
}

// signed sends a request signed for a time.
func (g *guarded) signed(user, operation, body string, at time.Time) (status int, answer string) {
	g.Helper()
	return g.do(g.signedRequest("http", user, operation, body, at))
}

// signedRequest returns a request signed for a time.
func (g *guarded) signedRequest(scheme, user, operation, body string, at time.Time) *http.Request {
	g.Helper()
	r, err := http.NewRequest(http.MethodPost, scheme+"://"+g.addr+"/", strings.NewReader(body))
	if err != nil {
		g.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", targetPrefix+operation)
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(body)))
	creds := sdk.Credentials{AccessKeyID: "KEY" + user, SecretAccessKey: user + "-secret"}
	if err := v4.NewSigner().SignHTTP(g.Context(), creds, r, sum, "servicediscovery", "eu-west-1", at); err != nil {
		g.Fatal(err)
	}
	return r
}

func (g *guarded) do(r *http.Request) (status int, answer string) {
	g.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		g.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		g.Fatal(err)
	}
	if resp.Header.Get("Date") == "" {
		g.Error("no Date header, by which clients correct their clocks")
	}
	return resp.StatusCode, string(b)
}

func TestClockSkew(t *testing.T) {
	g := startGuarded(t)
	for _, c := range []struct {
		skew time.Duration
		want string
	}{
		{-4 * time.Minute, `{"Namespaces":[]}`},
		{4 * time.Minute, `{"Namespaces":[]}`},
		{-6 * time.Minute, "Signature expired: "},
		{6 * time.Minute, "Signature not yet current: "},
	} {
		_, answer := g.signed("admin", "ListNamespaces", "{}", time.Now().Add(c.skew))
		if !strings.Contains(answer, c.want) || strings.Contains(c.want, "Signature") && !strings.Contains(answer, `"InvalidSignatureException"`) {
			t.Errorf("%v: %s", c.skew, answer)
		}
	}
}

func TestUnsignedCalls(t *testing.T) {
	g := startGuarded(t)
	r, _ := http.NewRequest(http.MethodPost, "http://"+g.addr+"/", strings.NewReader("{}"))
	r.Header.Set("X-Amz-Target", targetPrefix+"ListNamespaces")
	if status, answer := g.do(r); status != 400 || !strings.Contains(answer, "MissingAuthenticationTokenException") {
		t.Errorf("JSON: %d %s", status, answer)
	}
	form := func(body string) (int, string) {
		r, _ := http.NewRequest(http.MethodPost, "http://"+g.addr+"/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		return g.do(r)
	}
	if status, answer := form("Action=GetCallerIdentity&Version=2011-06-15"); status != 403 || !strings.Contains(answer, "<Code>MissingAuthenticationToken</Code>") {
		t.Errorf("Query: %d %s", status, answer)
	}
	if status, answer := form("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=ab&RoleArn=arn:aws:iam::111111111111:role/deployer&WebIdentityToken=a.b.c"); status != 400 || !strings.Contains(answer, "<Code>InvalidIdentityToken</Code>") {
		t.Errorf("web identity: %d %s", status, answer)
	}
}

func TestCallerIdentity(t *testing.T) {
	g, ctx := startGuarded(t), t.Context()
	who, err := g.tokens(keysOf("nobody")).GetCallerIdentity(ctx, &sdksts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != "arn:aws:iam::111111111111:user/nobody" || *who.Account != owner || !strings.HasPrefix(*who.UserId, "AIDA") {
		t.Fatalf("%+v %v", who, err)
	}
	_, err = g.tokens(keysOf("ghost")).GetCallerIdentity(ctx, &sdksts.GetCallerIdentityInput{})
	wants(t, "unknown key", err, "InvalidClientTokenId", "The security token included in the request is invalid.")

	for _, method := range []string{http.MethodGet, http.MethodPost} { // Kubernetes tokens are such requests
		g.presigned(method, keysOf("nobody"), http.StatusOK, "<Arn>arn:aws:iam::111111111111:user/nobody</Arn>")
		g.presigned(method, keysOf("ghost"), http.StatusForbidden, "<Code>InvalidClientTokenId</Code>")
	}

	open := &guarded{server: start(t)}
	who, err = open.tokens(keysOf("anything")).GetCallerIdentity(ctx, &sdksts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != "arn:aws:iam::000000000000:root" {
		t.Fatalf("open mode: %+v %v", who, err)
	}
}

// presigned asks who the caller is by a URL that holds the signature.
func (g *guarded) presigned(method string, keys sdk.CredentialsProvider, status int, want string) {
	g.Helper()
	credentials, err := keys.Retrieve(g.Context())
	if err != nil {
		g.Fatal(err)
	}
	address := "http://" + g.addr + "/?Action=GetCallerIdentity&Version=2011-06-15"
	r, err := http.NewRequestWithContext(g.Context(), method, address, nil)
	if err != nil {
		g.Fatal(err)
	}
	const hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // of no body
	signed, _, err := v4.NewSigner().PresignHTTP(g.Context(), credentials, r, hash, "sts", "eu-west-1", time.Now())
	if err != nil {
		g.Fatal(err)
	}
	if r.URL, err = r.URL.Parse(signed); err != nil {
		g.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		g.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status || !strings.Contains(string(body), want) {
		g.Errorf("%s: %d %s %v", method, resp.StatusCode, body, err)
	}
}

func TestSessions(t *testing.T) {
	g, ctx := startGuarded(t), t.Context()
	role := sdk.String("arn:aws:iam::111111111111:role/deployer")
	name := sdk.String("ci-1")
	assume := func(user string, in sdksts.AssumeRoleInput) (sdk.CredentialsProvider, error) {
		in.RoleSessionName = name
		if in.RoleArn == nil {
			in.RoleArn = role
		}
		out, err := g.tokens(keysOf(user)).AssumeRole(ctx, &in)
		if err != nil {
			return nil, err
		}
		if *out.AssumedRoleUser.Arn != "arn:aws:sts::111111111111:assumed-role/deployer/ci-1" || time.Until(*out.Credentials.Expiration) > time.Hour {
			t.Errorf("%+v", out)
		}
		return credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken), nil
	}
	session, err := assume("admin", sdksts.AssumeRoleInput{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.client(session).CreateHttpNamespace(ctx, &servicediscovery.CreateHttpNamespaceInput{Name: sdk.String("by-role")}); err != nil {
		t.Error(err)
	}
	limited, err := assume("admin", sdksts.AssumeRoleInput{Policy: sdk.String(reading), Tags: nil})
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.client(limited).CreateHttpNamespace(ctx, &servicediscovery.CreateHttpNamespaceInput{Name: sdk.String("x")})
	wants(t, "session policy", err, "AccessDeniedException", "User: arn:aws:sts::111111111111:assumed-role/deployer/ci-1 is not authorized to perform: "+
		"servicediscovery:CreateHttpNamespace on resource: * because no session policy allows")
	for what, try := range map[string]func() error{
		"no identity policy": func() error { _, err := assume("nobody", sdksts.AssumeRoleInput{}); return err },
		"not trusted":        func() error { _, err := assume("stranger", sdksts.AssumeRoleInput{}); return err },
		"no such role": func() error {
			_, err := assume("admin", sdksts.AssumeRoleInput{RoleArn: sdk.String("arn:aws:iam::111111111111:role/missing")})
			return err
		},
		"another's role": func() error {
			_, err := assume("admin", sdksts.AssumeRoleInput{RoleArn: sdk.String("arn:aws:iam::222222222222:role/closed")})
			return err
		},
	} {
		wants(t, what, try(), "AccessDenied", "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::")
	}
	_, err = assume("admin", sdksts.AssumeRoleInput{DurationSeconds: sdk.Int32(7200)})
	wants(t, "too long", err, "ValidationError", "exceeds the 3600 seconds set for this role")
	_, err = assume("admin", sdksts.AssumeRoleInput{Policy: sdk.String("{}")})
	wants(t, "malformed policy", err, "MalformedPolicyDocument", "Statement")
	_, err = assume("admin", sdksts.AssumeRoleInput{SerialNumber: sdk.String("arn:aws:iam::111111111111:mfa/x")})
	wants(t, "MFA", err, "ValidationError", "SerialNumber is not supported")

	g.withoutRole(session)
}

// withoutRole takes the role away, and its sessions with it.
func (g *guarded) withoutRole(session sdk.CredentialsProvider) {
	source := people()
	source.Roles = nil
	d, _ := identity.Compile(testCatalog, nil, source)
	g.directory.Store(d)
	_, err := g.client(session).ListNamespaces(g.Context(), &servicediscovery.ListNamespacesInput{})
	wants(g.T, "role is gone", err, "UnrecognizedClientException", "invalid")
}
