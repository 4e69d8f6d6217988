package deploy_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

// All namespaces, services and instances of one endpoint are in the other after a
// copy, and a second copy changes nothing.
func TestCopyCloudMap(t *testing.T) {
	python := testtool.Need(t, "python3", "python3")
	if exec.Command(python, "-c", "import boto3").Run() != nil {
		testtool.Missing(t, "boto3", "python3-boto3")
	}
	source, target := nodetest.Start(t, nodetest.WithMemoryStore()), nodetest.Start(t, nodetest.WithMemoryStore())
	fill(t, source)
	run := func(args ...string) string {
		args = append([]string{"../../deploy/migration/copy_cloud_map.py", "--region", "us-east-1", "--source", source.URL, "--target", target.URL}, args...)
		cmd := exec.Command(python, args...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
		out, err := cmd.CombinedOutput()
		if err != nil {
			return string(out) + err.Error()
		}
		return string(out)
	}
	if out := run(); !strings.Contains(out, "is private: give its VPC with --vpc") {
		t.Errorf("without a VPC: %s", out)
	}
	if out := run("--vpc", "vpc-1"); !strings.Contains(out, "corp.test/web: 2 instances copied") {
		t.Errorf("copy: %s", out)
	}
	want, got := contents(t, source), contents(t, target)
	if diff := cmp.Diff(want, got); diff != "" || len(want) != 11 {
		t.Errorf("%d lines: %s", len(want), diff)
	}
	if out := run("--vpc", "vpc-1"); !strings.Contains(out, "corp.test/web: 0 instances copied") {
		t.Errorf("second copy: %s", out)
	}
	if diff := cmp.Diff(want, contents(t, target)); diff != "" {
		t.Errorf("after the second copy: %s", diff)
	}
}

// Without --source it reads from AWS, also in a shell in which other programs use a node.
func TestCopyReadsFromAWS(t *testing.T) {
	python := testtool.Need(t, "python3", "python3")
	if exec.Command(python, "-c", "import boto3").Run() != nil {
		testtool.Missing(t, "boto3", "python3-boto3")
	}
	cmd := exec.Command(python, "-c", "import copy_cloud_map as m; print(m.client(None, 'eu-west-1', None).meta.endpoint_url, m.client(None, 'x', 'https://h:1').meta.endpoint_url)")
	cmd.Dir = "../../deploy/migration"
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_ENDPOINT_URL_SERVICEDISCOVERY=http://127.0.0.1:1",
		"AWS_CA_BUNDLE=/dev/null", "PYTHONDONTWRITEBYTECODE=1", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	out, err := cmd.CombinedOutput()
	if want := "https://servicediscovery.eu-west-1.amazonaws.com https://h:1\n"; err != nil || string(out) != want {
		t.Errorf("%v, %s, want %s", err, out, want)
	}
}

func fill(t *testing.T, n *nodetest.Node) {
	t.Helper()
	api(t, n, "CreateHttpNamespace", `{"Name":"shop","Description":"d","Tags":[{"Key":"team","Value":"a"}]}`)
	api(t, n, "CreatePublicDnsNamespace", `{"Name":"example.test","Properties":{"DnsProperties":{"SOA":{"TTL":77}}}}`)
	api(t, n, "CreatePrivateDnsNamespace", `{"Name":"corp.test","Vpc":"vpc-1"}`)
	ids := map[string]string{}
	for _, ns := range list(t, n, "Namespace", `{}`) {
		ids[ns["Name"].(string)] = ns["Id"].(string)
	}
	api(t, n, "CreateService", `{"Name":"plain","NamespaceId":"`+ids["shop"]+`"}`)
	api(t, n, "CreateService", `{"Name":"api","NamespaceId":"`+ids["example.test"]+`","Type":"HTTP","HealthCheckCustomConfig":{"FailureThreshold":1}}`)
	web := api(t, n, "CreateService", `{"Name":"web","NamespaceId":"`+ids["corp.test"]+`","Tags":[{"Key":"k","Value":"v"}],`+
		`"DnsConfig":{"RoutingPolicy":"WEIGHTED","DnsRecords":[{"Type":"A","TTL":9}]}}`)["Service"].(map[string]any)["Id"].(string)
	api(t, n, "UpdateServiceAttributes", `{"ServiceId":"`+web+`","Attributes":{"owner":"me"}}`)
	for _, id := range []string{"one", "two"} {
		api(t, n, "RegisterInstance", `{"ServiceId":"`+web+`","InstanceId":"`+id+`","Attributes":{"AWS_INSTANCE_IPV4":"192.0.2.1","zone":"`+id+`"}}`)
	}
}

// contents describes everything but ids and times, one thing a line.
func contents(t *testing.T, n *nodetest.Node) []string {
	t.Helper()
	var lines []string
	add := func(kind string, thing map[string]any) {
		id, _ := thing["Id"].(string)
		arn, _ := thing["Arn"].(string)
		if arn != "" {
			thing["Tags"] = api(t, n, "ListTagsForResource", `{"ResourceARN":"`+arn+`"}`)["Tags"]
			delete(thing, "Id")
		}
		for _, name := range []string{"Arn", "CreateDate", "CreatorRequestId", "NamespaceId"} {
			delete(thing, name)
		}
		text, err := json.Marshal(thing)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, kind+" "+string(text))
		if kind == "Service" {
			attributes := api(t, n, "GetServiceAttributes", `{"ServiceId":"`+id+`"}`)["ServiceAttributes"].(map[string]any)["Attributes"]
			text, _ := json.Marshal(attributes)
			lines = append(lines, "Attributes of "+thing["Name"].(string)+" "+string(text))
		}
	}
	for _, ns := range list(t, n, "Namespace", `{}`) {
		delete(ns, "Properties") // the zone's id; its TTL is in what GetNamespace answers
		full := api(t, n, "GetNamespace", `{"Id":"`+ns["Id"].(string)+`"}`)["Namespace"].(map[string]any)
		if dns, ok := full["Properties"].(map[string]any)["DnsProperties"].(map[string]any); ok {
			ns["SOA"] = dns["SOA"]
		}
		add("Namespace", ns)
	}
	for _, s := range list(t, n, "Service", `{}`) {
		id := s["Id"].(string)
		if dns, ok := s["DnsConfig"].(map[string]any); ok {
			delete(dns, "NamespaceId")
		}
		add("Service", s)
		for _, i := range list(t, n, "Instance", `{"ServiceId":"`+id+`"}`) {
			add("Instance", i)
		}
	}
	slices.Sort(lines)
	return lines
}

func list(t *testing.T, n *nodetest.Node, kind, body string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for _, thing := range api(t, n, "List"+kind+"s", body)[kind+"s"].([]any) {
		all = append(all, thing.(map[string]any))
	}
	return all
}

// api calls an operation that must succeed.
func api(t *testing.T, n *nodetest.Node, operation, body string) map[string]any {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, n.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "Route53AutoNaming_v20170314."+operation)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", operation, resp.StatusCode, text, err)
	}
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}
