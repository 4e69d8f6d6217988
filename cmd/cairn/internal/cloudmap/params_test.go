package cloudmap

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseDNSConfig(t *testing.T) {
	record := func(kind types.RecordType, ttl int64) types.DnsRecord { return types.DnsRecord{Type: kind, TTL: &ttl} }
	tests := map[string]*types.DnsConfig{
		`{"DnsRecords":[{"Type":"A","TTL":60}],"RoutingPolicy":"WEIGHTED"}`: {DnsRecords: []types.DnsRecord{record("A", 60)}, RoutingPolicy: "WEIGHTED"},
		`{"DnsRecords":[{"Type":"A"},{"Type":"AAAA","TTL":0}]}`:             {DnsRecords: []types.DnsRecord{record("A", 60), record("AAAA", 0)}, RoutingPolicy: "MULTIVALUE"},
		`{"DnsRecords":[{"Type":"CNAME"}]}`:                                 {DnsRecords: []types.DnsRecord{record("CNAME", 60)}, RoutingPolicy: "WEIGHTED"},
		`{"DnsRecords":[{"Type":"A"}],"RoutingPolicy":"LATENCY"}`:           {DnsRecords: []types.DnsRecord{record("A", 60)}, RoutingPolicy: "LATENCY"},
		`DnsRecords=[{Type=A,TTL=300},{Type=SRV}],RoutingPolicy=WEIGHTED`:   {DnsRecords: []types.DnsRecord{record("A", 300), record("SRV", 60)}, RoutingPolicy: "WEIGHTED"},
		` DnsRecords = [ {Type = A , TTL = 5} ] , NamespaceId = 12 `: {
			DnsRecords: []types.DnsRecord{record("A", 5)}, RoutingPolicy: "MULTIVALUE", NamespaceId: new("12"),
		},
		"": nil,
	}
	for text, want := range tests {
		got, err := parseDNSConfig(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(types.DnsConfig{}, types.DnsRecord{})); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestParseDNSConfigRefuses(t *testing.T) {
	tests := map[string]string{
		`{"DnsRecords":[{"Type":"A","Ttl2":1}]}`: `unknown field "Ttl2"`,
		`{"DnsRecords":{}}`:                      "DnsRecords cannot be a JSON object",
		`{"DnsRecords":[]} x`:                    "something follows",
		`DnsRecords`:                             `"DnsRecords" must be KEY=VALUE, or all of it JSON`,
		`DnsRecords=[{Type=A}`:                   `"": a comma or ] must come first`,
		`DnsRecords=[{Type=A]`:                   `"]": a comma or } must come first`,
		`DnsRecords=[{Type=A}],`:                 `"" must be KEY=VALUE`,
		`Records=[{Type=A}]`:                     `unknown field "Records"`,
		`a=` + strings.Repeat("{b=", 100):        "nested too deeply",
	}
	for text, want := range tests {
		if _, err := parseDNSConfig(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.50s:\ngot  %v\nwant %s", text, err, want)
		}
	}
}
