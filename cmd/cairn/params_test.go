package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
		shown, err := json.Marshal(wire(got))
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

func TestParseMap(t *testing.T) {
	tests := map[string]map[string]string{
		`{"a":"b","port":8080,"big":12345678901234567890}`: {"a": "b", "port": "8080", "big": "12345678901234567890"},
		`a=b,c=d=e`:        {"a": "b", "c": "d=e"},
		`a=one\,two,b=\\,`: nil,
		`a=one\,two,b=\\`:  {"a": "one,two", "b": `\`},
		`empty=`:           {"empty": ""},
		`{}`:               {},
		`=x`:               nil,
		`a=1,a=2`:          nil,
		`{"a":null}`:       nil,
		`{"a":"b"`:         nil,
	}
	for text, want := range tests {
		got, err := parseMap("--attributes", text)
		if (err != nil) != (want == nil) {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func FuzzShorthand(f *testing.F) {
	f.Add(`DnsRecords=[{Type=A,TTL=60}],RoutingPolicy=MULTIVALUE`)
	f.Add(`a=[[{b=`)
	f.Add(`TTL=-`)
	f.Fuzz(func(t *testing.T, text string) {
		long, err := expandShorthand(text)
		if err == nil && !json.Valid([]byte(long)) {
			t.Errorf("%q becomes %q, which is not JSON", text, long)
		}
	})
}

func TestPrintable(t *testing.T) {
	if got := printable("a\x1b[31mb\u009bc\nd"); got != "a?[31mb?c?d" {
		t.Errorf("got %q", got)
	}
}
