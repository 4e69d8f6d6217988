package aws_test

import (
	"strings"
	"testing"
)

// TestLog: one line for each write, reads at debug, and no line for more than
// one request.
func TestLog(t *testing.T) {
	s := start(t, func(o *options) {
		o.server.Accounts = func(key string) (string, bool) { return "123456789012", key == "AKIDLISTED" }
	})
	create := s.request("CreateHttpNamespace", strings.NewReader(`{"Name":"h"}`))
	create.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDLISTED/20260101/eu-west-1/servicediscovery/aws4_request, SignedHeaders=host, Signature=0123456789abcdef")
	for _, test := range []struct {
		answer                                     *answer
		level, account, operation, target, outcome string
	}{
		{s.send(create), "INFO", "123456789012", "CreateHttpNamespace", "h", "ok"},
		{s.call("DeleteService", `{"Id":"srv-0"}`), "INFO", "000000000000", "DeleteService", "srv-0", "ServiceNotFound"},
		{s.call("RegisterInstance", `{"ServiceId":"srv-0","InstanceId":"i","Attributes":{"password":"hunter2"}}`), "INFO", "000000000000", "RegisterInstance", "srv-0/i", "ServiceNotFound"},
		{s.call("CreateHttpNamespace", `{`), "INFO", "000000000000", "CreateHttpNamespace", "", "SerializationException"},
		{s.call("ListNamespaces", `{}`), "DEBUG", "000000000000", "ListNamespaces", "", "ok"},
		{s.call("DiscoverInstances", `{"NamespaceName":"h","ServiceName":"s"}`), "DEBUG", "000000000000", "DiscoverInstances", "", "NamespaceNotFound"},
		{s.call("Nonsense", `{}`), "DEBUG", "", "unknown", "", "UnknownOperationException"},
	} {
		recs := s.log.of(t, test.answer.header.Get("x-amzn-RequestId"))
		if len(recs) != 1 {
			t.Errorf("%s: %d lines", test.operation, len(recs))
			continue
		}
		rec := recs[0]
		if from, want := rec["from"], "127.0.0.1"; from != want {
			t.Errorf("%s: from %v", test.operation, from)
		}
		for key, want := range map[string]string{"level": test.level, "account": test.account, "operation": test.operation, "target": test.target, "outcome": test.outcome} {
			if rec[key] != want {
				t.Errorf("%s: %s is %v, want %q", test.operation, key, rec[key], want)
			}
		}
		if d, ok := rec["duration"].(float64); !ok || d <= 0 {
			t.Errorf("%s: duration %v", test.operation, rec["duration"])
		}
	}
	for _, secret := range []string{"hunter2", "0123456789abcdef", "Signature"} {
		if strings.Contains(s.log.text(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

// A heartbeat is told at debug level, and what it changes at info level.
func TestLogOfHeartbeats(t *testing.T) {
	s := start(t)
	s.namespace("h")
	svc := s.must("CreateService", `{"Name":"s","NamespaceId":"`+s.namespace("n")+`","HealthCheckCustomConfig":{}}`).json["Service"].(map[string]any)["Id"].(string)
	register := `{"ServiceId":"` + svc + `","InstanceId":"i","Attributes":{"AWS_INSTANCE_IPV4":"192.0.2.1","cairn.ttl":"60"}}`
	set := func(status string) string {
		return `{"ServiceId":"` + svc + `","InstanceId":"i","Status":"` + status + `"}`
	}
	for _, test := range []struct{ operation, body, level string }{
		{"RegisterInstance", register, "INFO"},
		{"RegisterInstance", register, "DEBUG"},
		{"UpdateInstanceCustomHealthStatus", set("UNHEALTHY"), "INFO"},
		{"UpdateInstanceCustomHealthStatus", set("UNHEALTHY"), "DEBUG"},
		{"UpdateInstanceCustomHealthStatus", set("HEALTHY"), "INFO"},
		{"UpdateInstanceCustomHealthStatus", set("HEALTHY"), "DEBUG"},
		{"DeregisterInstance", `{"ServiceId":"` + svc + `","InstanceId":"i"}`, "INFO"},
		{"UpdateInstanceCustomHealthStatus", set("HEALTHY"), "INFO"}, // fails
	} {
		a := s.call(test.operation, test.body)
		for _, rec := range s.log.of(t, a.header.Get("x-amzn-RequestId")) {
			if rec["level"] != test.level || rec["service"] != "servicediscovery" {
				t.Errorf("%s: %v", test.operation, rec)
			}
		}
	}
}

// TestAccounts: in open mode the key of a request picks the account.
func TestAccounts(t *testing.T) {
	s := start(t, func(o *options) {
		o.server.Accounts = func(key string) (string, bool) { return "123456789012", key == "AKIDLISTED" }
	})
	for auth, want := range map[string]string{
		"": "000000000000", "nonsense": "000000000000", "AWS4-HMAC-SHA256 Credential=OTHER/x": "000000000000",
		"AWS4-HMAC-SHA256 Credential=AKIDLISTED/x": "123456789012",
	} {
		req := s.request("CreateHttpNamespace", strings.NewReader(`{"Name":"n`+want+auth[max(0, len(auth)-4):]+`"}`))
		req.Header.Set("Authorization", auth)
		id := s.send(req).text("OperationId")
		get := s.request("GetOperation", strings.NewReader(`{"OperationId":"`+id+`"}`))
		get.Header.Set("Authorization", auth)
		if a := s.send(get); !strings.Contains(a.body, `"OwnerAccount":"`+want+`"`) {
			t.Errorf("%q: got %s", auth, a.body)
		}
	}
}

func TestMetrics(t *testing.T) {
	s := start(t)
	s.namespace("h")
	s.call("GetNamespace", `{"Id":"ns-0"}`)
	s.call("GetNamespace", `{"Id":"ns-0"}`)
	s.call("Nonsense", `{}`)
	families, err := s.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			key := f.GetName()
			for _, l := range m.GetLabel() {
				key += " " + l.GetValue()
			}
			got[key] = m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	for key, want := range map[string]float64{ // labels in the order of their names
		"cairn_api_requests_total CreateHttpNamespace ok servicediscovery":         1,
		"cairn_api_requests_total GetNamespace NamespaceNotFound servicediscovery": 2,
		"cairn_api_requests_total unknown UnknownOperationException unknown":       1,
		"cairn_api_request_seconds GetNamespace servicediscovery":                  2,
		"cairn_api_requests_total ListTagsForResource ok appmesh":                  0,
		"cairn_api_requests_total ListTagsForResource ok servicediscovery":         0,
	} {
		if _, ok := got[key]; !ok {
			t.Errorf("there is no %s", key)
		}
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
}
