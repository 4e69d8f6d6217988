package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// recordsPolicy is the policy of a program that may make two TXT records, and no others.
const recordsPolicy = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":"route53:GetChange","Resource":"arn:aws:route53:::change/*"},
	{"Effect":"Allow","Action":"route53:ChangeResourceRecordSets","Resource":"arn:aws:route53:::hostedzone/ZONE","Condition":{"ForAllValues:StringEquals":{
		"route53:ChangeResourceRecordSetsNormalizedRecordNames":["_acme-challenge.example.com","\\052.example.com"],
		"route53:ChangeResourceRecordSetsRecordTypes":"TXT",
		"route53:ChangeResourceRecordSetsActions":["CREATE","UPSERT"]}}}]}`

// A policy can limit batches by the names, types and actions of all their changes.
func TestRoute53Policies(t *testing.T) {
	t.Parallel()
	n := startGuarded(t)
	n.cairn("user", "create", "owner", "--attach", "AmazonRoute53FullAccess")
	owner := n.createKey("owner")
	zone := func(name string) string {
		out, err := n.aws(owner, "route53", "create-hosted-zone", "--name", name, "--caller-reference", name, "--query", "HostedZone.Id")
		if err != nil {
			t.Fatal(out)
		}
		return strings.TrimPrefix(strings.TrimSpace(out), "/hostedzone/")
	}
	first, second := zone("example.com"), zone("example.net")
	n.cairn("user", "create", "acme")
	n.cairn("user", "put-policy", "acme", "records", "--document", strings.ReplaceAll(recordsPolicy, "ZONE", first))
	acme := n.createKey("acme")
	change := func(action, name, rtype, value string) string {
		return fmt.Sprintf(`{"Action":%q,"ResourceRecordSet":{"Name":%q,"Type":%q,"TTL":10,"ResourceRecords":[{"Value":%q}]}}`, action, name, rtype, value)
	}
	good := change("UPSERT", "_ACME-Challenge.Example.com.", "TXT", `"x"`)
	const denied, done = "AccessDenied", "INSYNC"
	for _, test := range []struct {
		zone    string
		changes []string
		want    string
	}{
		{first, []string{good}, done},
		{"/hostedzone/" + first, []string{good, change("CREATE", "*.example.com", "TXT", `"x"`)}, done},
		{first, []string{good, change("UPSERT", `\052.example.com`, "TXT", `"y"`)}, done},
		{first, []string{change("DELETE", "_acme-challenge.example.com", "TXT", `"x"`)}, denied},
		{first, []string{change("UPSERT", "_acme-challenge.example.com", "A", "192.0.2.1")}, denied},
		{first, []string{change("UPSERT", "www.example.com", "TXT", `"x"`)}, denied},
		{first, []string{good, change("UPSERT", "www.example.com", "TXT", `"x"`)}, denied},
		{first, []string{change("UPSERT", `_acme-challenge\056example.com`, "TXT", `"x"`)}, denied},
		{second, []string{good}, denied},
	} {
		n.awsWants(acme, test.want, "route53", "change-resource-record-sets", "--hosted-zone-id", test.zone, "--query", "ChangeInfo.Status",
			"--change-batch", `{"Changes":[`+strings.Join(test.changes, ",")+`]}`)
	}
	n.awsWants(acme, denied, "route53", "list-resource-record-sets", "--hosted-zone-id", first)
}
