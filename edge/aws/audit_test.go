package aws_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	sdksts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/cairn-discovery/cairn/internal/audit"
	"github.com/cairn-discovery/cairn/internal/authlimit"
)

// audited is a guarded server with an audit log.
type audited struct {
	*guarded
	file string
	end  func()
}

func startAudited(t *testing.T, change ...func(*options)) *audited {
	t.Helper()
	a := &audited{file: filepath.Join(t.TempDir(), "audit.log")}
	log, err := audit.New(audit.Config{File: a.file, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- log.Run(ctx) }()
	stopped := false
	a.end = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("audit: %v", err)
		}
	}
	t.Cleanup(a.end)
	a.guarded = startGuarded(t, append(change, func(o *options) { o.server.Audit = log })...)
	return a
}

// records ends the log and returns what is in it.
func (a *audited) records() []map[string]any {
	a.Helper()
	if err := a.stop(); err != nil {
		a.Error(err)
	}
	a.end()
	text, err := os.ReadFile(a.file)
	if err != nil {
		a.Fatal(err)
	}
	var all []map[string]any
	for line := range bytes.Lines(text) {
		r := map[string]any{}
		if err := json.Unmarshal(line, &r); err != nil {
			a.Fatalf("%v in %s", err, line)
		}
		all = append(all, r)
	}
	return all
}

// TestAudit: what is recorded of a change, and that it is there before the
// answer.
func TestAudit(t *testing.T) {
	a := startAudited(t)
	w := &fixture{guarded: a.guarded}
	w.must("admin", "CreateHttpNamespace", `{"Name":"shop","CreatorRequestId":"r","Tags":[{"Key":"K","Value":"V"}]}`)
	text, err := os.ReadFile(a.file)
	if err != nil || !bytes.Contains(text, []byte(`"CreateHttpNamespace"`)) {
		t.Errorf("not there at the answer: %s %v", text, err)
	}
	list := w.must("admin", "ListNamespaces", `{}`)
	ns, arn := dig(list, "Namespaces", "Id"), dig(list, "Namespaces", "Arn")
	svc := dig(w.must("admin", "CreateService", `{"Name":"web","NamespaceId":"`+ns+`"}`), "Service", "Arn")
	w.must("admin", "RegisterInstance", `{"ServiceId":"`+svc+`","InstanceId":"i","Attributes":{"Color":"red"}}`)
	w.must("admin", "DiscoverInstances", `{"NamespaceName":"shop","ServiceName":"web"}`)
	w.fails("admin", "DeleteNamespace", `{"Id":"`+ns+`"}`, "ResourceInUse")
	w.fails("nobody", "ListNamespaces", `{}`, "AccessDeniedException")
	got := a.records()
	var names []string
	for _, r := range got {
		names = append(names, r["eventName"].(string))
	}
	if diff := cmp.Diff([]string{"CreateHttpNamespace", "CreateService", "RegisterInstance", "DeleteNamespace", "ListNamespaces"}, names); diff != "" {
		t.Fatal(diff)
	}
	first := got[0]
	operation, _ := first["responseElements"].(map[string]any)["operationId"].(string)
	if at, err := time.Parse(time.RFC3339, first["eventTime"].(string)); err != nil || time.Since(at) > time.Hour || operation == "" {
		t.Errorf("%v", first)
	}
	for _, key := range []string{"eventTime", "requestID", "eventID", "responseElements", "userAgent"} {
		delete(first, key)
	}
	want := map[string]any{
		"eventVersion": "1.11", "eventSource": "servicediscovery.amazonaws.com", "eventName": "CreateHttpNamespace", "awsRegion": "eu-west-1",
		"sourceIPAddress": "127.0.0.1", "readOnly": false, "eventType": "AwsApiCall", "managementEvent": true, "eventCategory": "Management",
		"recipientAccountId": owner,
		"requestParameters":  map[string]any{"name": "shop", "creatorRequestId": "r", "tags": []any{map[string]any{"key": "K", "value": "V"}}},
		"userIdentity": map[string]any{"type": "IAMUser", "principalId": first["userIdentity"].(map[string]any)["principalId"],
			"arn": "arn:aws:iam::111111111111:user/admin", "accountId": owner, "accessKeyId": "KEYadmin", "userName": "admin"},
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
	wantResources := []any{
		map[string]any{"ARN": arn, "accountId": owner, "type": "AWS::ServiceDiscovery::Namespace"},
		map[string]any{"ARN": svc, "accountId": owner, "type": "AWS::ServiceDiscovery::Service"},
	}
	if diff := cmp.Diff(wantResources, got[1]["resources"]); diff != "" {
		t.Error(diff)
	}
	if attrs := got[2]["requestParameters"].(map[string]any)["attributes"]; !cmp.Equal(attrs, map[string]any{"Color": "red"}) {
		t.Errorf("attributes %v", attrs)
	}
	if r := got[3]; r["errorCode"] != "ResourceInUse" || r["responseElements"] != nil {
		t.Errorf("%v", r)
	}
	if r := got[4]; r["errorCode"] != "AccessDeniedException" || r["readOnly"] != true {
		t.Errorf("%v", r)
	}
}

// TestAuditOfReads: on demand, and discovery is a data event then.
func TestAuditOfReads(t *testing.T) {
	a := startAudited(t, func(o *options) { o.server.AuditReads = true })
	w := &fixture{guarded: a.guarded}
	w.must("admin", "ListNamespaces", `{}`)
	w.fails("admin", "DiscoverInstances", `{"NamespaceName":"shop","ServiceName":"web"}`, "NamespaceNotFound")
	got := a.records()
	if len(got) != 2 || got[0]["readOnly"] != true || got[0]["eventCategory"] != "Management" || got[1]["eventCategory"] != "Data" || got[1]["managementEvent"] != false {
		t.Errorf("%v", got)
	}
}

// TestAuditOfStrangers: who failed to prove who they are is recorded with what
// they said, but not with what they sent; and a flood of them leaves no more.
func TestAuditOfStrangers(t *testing.T) {
	a := startAudited(t, func(o *options) {
		o.server.Failures = authlimit.New(authlimit.Config{PerSecond: 1e-6, Burst: 2})
	})
	for range 10 {
		a.signed("ghost", "CreateHttpNamespace", `{"Name":"planted"}`, time.Now())
	}
	got := a.records()
	if len(got) != 2 {
		t.Fatalf("%d records", len(got))
	}
	for _, r := range got {
		if r["errorCode"] != "UnrecognizedClientException" || r["requestParameters"] != nil || r["recipientAccountId"] != nil ||
			!cmp.Equal(r["userIdentity"], map[string]any{"type": "Unknown", "accessKeyId": "KEYghost"}) {
			t.Errorf("%v", r)
		}
	}
}

// TestAuditOfSessions: who assumed which role, and what they did then; no secret
// and no token.
func TestAuditOfSessions(t *testing.T) {
	a := startAudited(t)
	out, err := a.tokens(keysOf("admin")).AssumeRole(t.Context(), &sdksts.AssumeRoleInput{
		RoleArn: sdk.String("arn:aws:iam::111111111111:role/deployer"), RoleSessionName: sdk.String("me"), SourceIdentity: nil,
	})
	if err != nil {
		t.Fatal(err)
	}
	c := out.Credentials
	session := a.client(credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken))
	if _, err := session.CreateHttpNamespace(t.Context(), &servicediscovery.CreateHttpNamespaceInput{Name: sdk.String("n")}); err != nil {
		t.Fatal(err)
	}
	_, err = a.tokens(keysOf("admin")).AssumeRoleWithWebIdentity(t.Context(), &sdksts.AssumeRoleWithWebIdentityInput{
		RoleArn: sdk.String("arn:aws:iam::111111111111:role/deployer"), RoleSessionName: sdk.String("ci"), WebIdentityToken: sdk.String("t0ken"),
	})
	wants(t, "a token", err, "InvalidIdentityToken", "")
	got := a.records()
	if len(got) != 3 {
		t.Fatalf("%v", got)
	}
	if r := got[0]; r["eventSource"] != "sts.amazonaws.com" || r["eventName"] != "AssumeRole" ||
		!cmp.Equal(r["requestParameters"], map[string]any{"roleArn": "arn:aws:iam::111111111111:role/deployer", "roleSessionName": "me"}) ||
		r["responseElements"].(map[string]any)["credentials"].(map[string]any)["accessKeyId"] != *c.AccessKeyId {
		t.Errorf("%v", r)
	}
	who := got[1]["userIdentity"].(map[string]any)
	issuer := who["sessionContext"].(map[string]any)["sessionIssuer"].(map[string]any)
	if who["type"] != "AssumedRole" || who["accessKeyId"] != *c.AccessKeyId || who["arn"] != "arn:aws:sts::111111111111:assumed-role/deployer/me" ||
		issuer["arn"] != "arn:aws:iam::111111111111:role/deployer" || issuer["userName"] != "deployer" {
		t.Errorf("%v", who)
	}
	if r := got[2]; r["errorCode"] != "InvalidIdentityToken" || r["userIdentity"].(map[string]any)["type"] != "Unknown" {
		t.Errorf("%v", r)
	}
	text, err := os.ReadFile(a.file)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{*c.SecretAccessKey, *c.SessionToken, "admin-secret", "t0ken"} {
		if strings.Contains(string(text), secret) || strings.Contains(a.log.text(), secret) {
			t.Errorf("%q is recorded", secret)
		}
	}
}
