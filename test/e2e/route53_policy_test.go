package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// recordsPolicy is the policy of a program that may make two TXT records, and no others.
const recordsPolicy = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":"route53:GetChange","Resource":"arn:aws:route53:::change/*"},
	{"Effect":"Allow","Action":"route53:ChangeResourceRecordSets","Resource":"arn:aws:route53:::hostedzone/ZONE","Condition":{"ForAllValues:StringEquals":{
		"route53:ChangeResourceRecordSetsNormalizedRecordNames":["_acme-challenge.example.com","\\052.example.com"],
		"route53:ChangeResourceRecordSetsRecordTypes":"TXT",
		"route53:ChangeResourceRecordSetsActions":["CREATE","UPSERT"]}}}]}`

// route53 sends a request to the API of Route 53, signed with a key, and returns the body of
// the answer.
func (n *guardedNode) route53(k createdKey, method, path, body string) string {
	n.Helper()
	r, err := http.NewRequestWithContext(n.Context(), method, n.url+"/2013-04-01"+path, strings.NewReader(body))
	if err != nil {
		n.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	key := aws.Credentials{AccessKeyID: k.AccessKeyId, SecretAccessKey: k.SecretAccessKey}
	if err := v4.NewSigner().SignHTTP(n.Context(), key, r, hex.EncodeToString(sum[:]), "route53", "us-east-1", time.Now()); err != nil {
		n.Fatal(err)
	}
	return answerTo(n.T, r)
}

// A policy can limit batches by the names, types and actions of all their changes.
func TestRoute53Policies(t *testing.T) {
	t.Parallel()
	n := startGuarded(t)
	n.cairn("user", "create", "owner", "--attach", "AmazonRoute53FullAccess")
	owner := n.createKey("owner")
	send := func(path, body string) string { return n.route53(owner, http.MethodPost, path, body) }
	first, second := createZone(t, send, "example.com", ""), createZone(t, send, "example.net", "")
	n.cairn("user", "create", "acme")
	n.cairn("user", "put-policy", "acme", "records", "--document", strings.ReplaceAll(recordsPolicy, "ZONE", first))
	acme := n.createKey("acme")
	change := func(action, name, rtype, value string) string {
		return fmt.Sprintf(`<Change><Action>%s</Action><ResourceRecordSet><Name>%s</Name><Type>%s</Type><TTL>10</TTL>
			<ResourceRecords><ResourceRecord><Value>%s</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change>`, action, name, rtype, value)
	}
	good := change("UPSERT", "_ACME-Challenge.Example.com.", "TXT", `"x"`)
	const denied, done = "<Code>AccessDenied</Code>", "<Status>INSYNC</Status>"
	for _, test := range []struct {
		zone    string
		changes []string
		want    string
	}{
		{first, []string{good}, done},
		{first, []string{good, change("CREATE", "*.example.com", "TXT", `"x"`)}, done},
		{first, []string{good, change("UPSERT", `\052.example.com`, "TXT", `"y"`)}, done},
		{first, []string{change("DELETE", "_acme-challenge.example.com", "TXT", `"x"`)}, denied},
		{first, []string{change("UPSERT", "_acme-challenge.example.com", "A", "192.0.2.1")}, denied},
		{first, []string{change("UPSERT", "www.example.com", "TXT", `"x"`)}, denied},
		{first, []string{good, change("UPSERT", "www.example.com", "TXT", `"x"`)}, denied},
		{first, []string{change("UPSERT", `_acme-challenge\056example.com`, "TXT", `"x"`)}, denied},
		{second, []string{good}, denied},
	} {
		answer := n.route53(acme, http.MethodPost, "/hostedzone/"+test.zone+"/rrset", `<ChangeResourceRecordSetsRequest xmlns="`+route53Namespace+`">
			<ChangeBatch><Changes>`+strings.Join(test.changes, "")+`</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>`)
		if !strings.Contains(answer, test.want) {
			t.Errorf("%s: %s, want %s", test.changes, answer, test.want)
		}
	}
	if answer := n.route53(acme, http.MethodGet, "/hostedzone/"+first+"/rrset", ""); !strings.Contains(answer, denied) {
		t.Errorf("ListResourceRecordSets: %s", answer)
	}
	// With the AWS CLI, which takes the prefix off the id.
	batch := `{"Changes":[{"Action":"UPSERT","ResourceRecordSet":{"Name":"NAME","Type":"TXT","TTL":10,"ResourceRecords":[{"Value":"\"x\""}]}}]}`
	for name, want := range map[string]string{"_acme-challenge.example.com": "INSYNC", "www.example.com": "(AccessDenied)"} {
		n.awsWants(acme, want, "route53", "change-resource-record-sets", "--hosted-zone-id", "/hostedzone/"+first,
			"--query", "ChangeInfo.Status", "--change-batch", strings.ReplaceAll(batch, "NAME", name))
	}
}
