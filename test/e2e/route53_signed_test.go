package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testtool"
)

// signedZone has one of each case that a validator tells apart.
const signedZone = `$TTL 60
www      A 192.0.2.1
*.w      TXT "wild"
*.w      A 192.0.2.2
c        CNAME www
cw       CNAME x.w
deep.ent A 192.0.2.3
plain    NS ns.example.net.
signed   NS ns.example.net.
signed   DS 12345 13 2 123456789ABCDEF67890123456789ABCDEF67890123456789ABCDEF67890ABCD
mx       MX 10 www
a\.b     TXT "escaped"
`

// signedBatch has what no zone file has.
const signedBatch = `{"Changes": [
{"Action": "CREATE", "ResourceRecordSet": {"Name": "alias.signed.test", "Type": "A", "AliasTarget": {"HostedZoneId": "ZONE", "DNSName": "www.signed.test", "EvaluateTargetHealth": true}}},
{"Action": "CREATE", "ResourceRecordSet": {"Name": "signed.test", "Type": "A", "AliasTarget": {"HostedZoneId": "ZONE", "DNSName": "www.signed.test", "EvaluateTargetHealth": false}}},
{"Action": "CREATE", "ResourceRecordSet": {"Name": "*.al.signed.test", "Type": "A", "AliasTarget": {"HostedZoneId": "ZONE", "DNSName": "www.signed.test", "EvaluateTargetHealth": false}}},
{"Action": "CREATE", "ResourceRecordSet": {"Name": "multi.signed.test", "Type": "A", "TTL": 60, "SetIdentifier": "1", "MultiValueAnswer": true, "ResourceRecords": [{"Value": "192.0.2.7"}]}},
{"Action": "CREATE", "ResourceRecordSet": {"Name": "multi.signed.test", "Type": "A", "TTL": 60, "SetIdentifier": "2", "MultiValueAnswer": true, "ResourceRecords": [{"Value": "192.0.2.8"}]}},
{"Action": "CREATE", "ResourceRecordSet": {"Name": "weighted.signed.test", "Type": "A", "TTL": 60, "SetIdentifier": "1", "Weight": 1, "ResourceRecords": [{"Value": "192.0.2.7"}]}},
{"Action": "CREATE", "ResourceRecordSet": {"Name": "weighted.signed.test", "Type": "A", "TTL": 60, "SetIdentifier": "2", "Weight": 1, "ResourceRecords": [{"Value": "192.0.2.7"}]}}]}`

// signedAnswers are what delv must find below signed.test, all of it validated. Empty: the
// proof that there is nothing.
var signedAnswers = []struct{ question, want string }{
	{"www A", "192.0.2.1"}, {"www TXT", ""}, {"nothing A", ""}, {"x.w TXT", "wild"}, {"x.y.w A", "192.0.2.2"}, {"x.w MX", ""}, {"*.w TXT", "wild"}, {"w A", ""},
	{"c A", "192.0.2.1"}, {"cw A", "192.0.2.2"}, {"ent A", ""}, {"deep.ent A", "192.0.2.3"}, {"below.www A", ""}, {"plain DS", ""}, {"signed DS", "12345 13 2"},
	{"alias A", "192.0.2.1"}, {"alias AAAA", ""}, {"x.al A", "192.0.2.1"}, {"x.al TXT", ""}, {"multi A", "192.0.2.8"}, {"weighted A", "192.0.2.7"},
	{" A", "192.0.2.1"}, {" SOA", "hostmaster"}, {" NS", "ns."}, {" DNSKEY", "257 3 13"}, {" MX", ""}, {"mx MX", "10 www.signed.test."}, {`a\.b TXT`, "escaped"},
}

// A hosted zone that is signed by the API validates, live and as a transfer.
func TestHostedZoneSigned(t *testing.T) {
	t.Parallel()
	delv := testtool.Need(t, "delv", "bind9-dnsutils")
	dig := testtool.Need(t, "dig", "bind9-dnsutils")
	aws := testtool.Need(t, "aws", "awscli")
	p, env := route53Process(t, "signed.test")
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	r53 := func(args ...string) string {
		return strings.TrimSpace(run(t, dir, env, aws, append([]string{"route53", "--output", "text"}, args...)...))
	}
	run(t, dir, env, build(t), "zone", "import", write("zone", signedZone), "--zone", "signed.test", "--yes")
	zone := r53("list-hosted-zones-by-name", "--dns-name", "signed.test", "--query", "HostedZones[0].Id")
	r53("change-resource-record-sets", "--hosted-zone-id", zone, "--change-batch", "file://"+write("batch", strings.ReplaceAll(signedBatch, "ZONE", zone)))
	key := r53("create-key-signing-key", "--hosted-zone-id", zone, "--caller-reference", "k", "--name", "key_1", "--status", "ACTIVE",
		"--key-management-service-arn", "arn:aws:kms:us-east-1:000000000000:key/1", "--query", "KeySigningKey.DNSKEYRecord")
	r53("enable-hosted-zone-dnssec", "--hosted-zone-id", zone)
	f := strings.Fields(key)
	anchor := write("anchor", fmt.Sprintf("trust-anchors { signed.test static-key %s %s %s %q; };\n", f[0], f[1], f[2], f[3]))
	host, port, _ := net.SplitHostPort(p.dns)
	for _, test := range signedAnswers {
		name, qtype, _ := strings.Cut(test.question, " ")
		out, _ := exec.CommandContext(t.Context(), delv, "@"+host, "-p", port, "-a", anchor, "+root=signed.test",
			strings.TrimPrefix(name+".signed.test.", "."), qtype).CombinedOutput() // it fails where there is nothing
		want := "; fully validated"
		if test.want == "" {
			want = "; negative response, fully validated"
		}
		if !strings.Contains(string(out), want) || !strings.Contains(string(out), test.want) {
			t.Errorf("%s: want %q:\n%s", test.question, test.want, out)
		}
	}
	verify := testtool.Need(t, "ldns-verify-zone", "ldnsutils")
	copied := run(t, dir, nil, dig, "@"+host, "-p", port, "-y", "hmac-sha256:updates.test:"+tsigSecret, "+onesoa", "+nocomments", "+nostats", "signed.test", "AXFR")
	var lines []string
	for line := range strings.Lines(copied) {
		if !strings.Contains(line, "TSIG") {
			lines = append(lines, line)
		}
	}
	out, err := exec.CommandContext(t.Context(), verify, write("copy", strings.Join(lines, ""))).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Zone is verified and complete") {
		t.Errorf("%v\n%s\n%s", err, out, copied)
	}
	r53("disable-hosted-zone-dnssec", "--hosted-zone-id", zone)
	r53("deactivate-key-signing-key", "--hosted-zone-id", zone, "--name", "key_1")
	r53("delete-key-signing-key", "--hosted-zone-id", zone, "--name", "key_1")
}
