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
	for key, want := range map[string]float64{
		"cairn_api_requests_total CreateHttpNamespace ok":            1,
		"cairn_api_requests_total GetNamespace NamespaceNotFound":    2,
		"cairn_api_requests_total unknown UnknownOperationException": 1,
		"cairn_api_request_seconds GetNamespace":                     2,
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
}
