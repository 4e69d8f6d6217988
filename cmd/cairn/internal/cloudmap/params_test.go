package cloudmap

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

func TestParseDNSConfig(t *testing.T) {
	tests := map[string]string{
		`{"DnsRecords":[{"Type":"A","TTL":60}],"RoutingPolicy":"WEIGHTED"}`: `{"DnsRecords":[{"TTL":60,"Type":"A"}],"RoutingPolicy":"WEIGHTED"}`,
		`{"DnsRecords":[{"Type":"A"},{"Type":"AAAA","TTL":0}]}`:             `{"DnsRecords":[{"TTL":60,"Type":"A"},{"TTL":0,"Type":"AAAA"}],"RoutingPolicy":"MULTIVALUE"}`,
		`{"DnsRecords":[{"Type":"CNAME"}]}`:                                 `{"DnsRecords":[{"TTL":60,"Type":"CNAME"}],"RoutingPolicy":"WEIGHTED"}`,
		`{"DnsRecords":[{"Type":"A"}],"RoutingPolicy":"LATENCY"}`:           `{"DnsRecords":[{"TTL":60,"Type":"A"}],"RoutingPolicy":"LATENCY"}`,
		`DnsRecords=[{Type=A,TTL=300},{Type=SRV}],RoutingPolicy=WEIGHTED`:   `{"DnsRecords":[{"TTL":300,"Type":"A"},{"TTL":60,"Type":"SRV"}],"RoutingPolicy":"WEIGHTED"}`,
		` DnsRecords = [ {Type = A , TTL = 5} ] , NamespaceId = ns-1 `:      `{"DnsRecords":[{"TTL":5,"Type":"A"}],"NamespaceId":"ns-1","RoutingPolicy":"MULTIVALUE"}`,
	}
	for text, want := range tests {
		got, err := parseDNSConfig(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		shown, err := json.Marshal(cli.ToJSONValue(got))
		if err != nil || string(shown) != want {
			t.Errorf("%s:\ngot  %s %v\nwant %s", text, shown, err, want)
		}
	}
	if got, err := parseDNSConfig(""); got != nil || err != nil {
		t.Errorf("not given: %v, %v", got, err)
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
