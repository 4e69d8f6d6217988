package aws_test

import (
	"flag"
	"os"
	"regexp"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	sdksts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// varying are the parts of audit records that are different each time.
var varying = []struct {
	expression *regexp.Regexp
	to         string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`), "TIME"},
	{regexp.MustCompile(`\b(ns|srv)-[a-z0-9]{16}\b`), "$1-ID"},
	{regexp.MustCompile(`"operationId":"[a-z0-9-]+"`), `"operationId":"ID"`},
	{regexp.MustCompile(`"accessKeyId":"ASIA[A-Z0-9]+"`), `"accessKeyId":"ASIA"`},
	{regexp.MustCompile(`"userAgent":"aws-sdk[^"]*"`), `"userAgent":"SDK"`},
	{regexp.MustCompile(`"(createDate|expiration)":("[^"]*"|[0-9.]+)`), `"$1":DATE`},
	{regexp.MustCompile(`\b(AIDA|AROA)[A-Z0-9]{12,}`), "$1"},
}

// TestAuditForm holds the form of audit records, byte by byte: programs of others read
// them. If a change is wanted, run the test with -update.
func TestAuditForm(t *testing.T) {
	a := startAudited(t)
	w := &fixture{guarded: a.guarded}
	w.must("admin", "CreateHttpNamespace", `{"Name":"shop","CreatorRequestId":"r","Description":"<\"é\u2028>","Tags":[{"Key":"K","Value":"V"}]}`)
	ns := dig(w.must("admin", "ListNamespaces", `{}`), "Namespaces", "Id")
	svc := dig(w.must("admin", "CreateService", `{"Name":"web","NamespaceId":"`+ns+`"}`), "Service", "Id")
	w.must("admin", "RegisterInstance", `{"ServiceId":"`+svc+`","InstanceId":"i","Attributes":{"Color":"red"}}`)
	w.fails("admin", "DeleteNamespace", `{"Id":"`+ns+`"}`, "ResourceInUse")
	w.fails("nobody", "ListNamespaces", `{}`, "AccessDeniedException")
	a.signed("ghost", "DeleteNamespace", `{"Id":"`+ns+`"}`, time.Now())
	out, err := a.tokens(keysOf("admin")).AssumeRole(t.Context(), &sdksts.AssumeRoleInput{
		RoleArn: sdk.String("arn:aws:iam::111111111111:role/deployer"), RoleSessionName: sdk.String("me"),
	})
	if err != nil {
		t.Fatal(err)
	}
	session := credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	if _, err := a.client(session).DeregisterInstance(t.Context(), &servicediscovery.DeregisterInstanceInput{ServiceId: &svc, InstanceId: sdk.String("i")}); err != nil {
		t.Fatal(err)
	}
	a.records()
	got, err := os.ReadFile(a.file)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range varying {
		got = v.expression.ReplaceAll(got, []byte(v.to))
	}
	const golden = "testdata/audit.jsonl"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
}
