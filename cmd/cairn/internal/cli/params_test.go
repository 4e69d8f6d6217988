package cli

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
	"github.com/google/go-cmp/cmp"
)

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
		got, err := ParseMap("--attributes", text)
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
		long, err := expandShorthand(text, reflect.TypeFor[types.DnsConfig]())
		if err == nil && !json.Valid([]byte(long)) {
			t.Errorf("%q becomes %q, which is not JSON", text, long)
		}
	})
}
