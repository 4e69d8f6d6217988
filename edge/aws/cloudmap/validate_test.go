package cloudmap

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
	"github.com/cairn-discovery/cairn/edge/aws/constraint"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

func TestValidationMessages(t *testing.T) {
	for _, test := range []struct {
		operation, body, want string
	}{
		{
			"GetNamespace", `{}`,
			"1 validation error detected: Value null at 'id' failed to satisfy constraint: Member must not be null",
		},
		{
			"GetInstance", `{"ServiceId":null}`,
			"2 validation errors detected: Value null at 'instanceId' failed to satisfy constraint: Member must not be null; " +
				"Value null at 'serviceId' failed to satisfy constraint: Member must not be null",
		},
		{
			"CreateHttpNamespace", `{"Name":"arn:x"}`,
			"1 validation error detected: Value 'arn:x' at 'name' failed to satisfy constraint: " +
				"Member must satisfy regular expression pattern: ^(?!arn:)[!-~]{1,1024}$",
		},
		{
			"ListNamespaces", `{"MaxResults":101}`,
			"1 validation error detected: Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100",
		},
		{
			"CreateService", `{"Name":"a","DnsConfig":{"DnsRecords":[{"Type":"A","TTL":1},{"Type":"MX","TTL":-1}]}}`,
			"2 validation errors detected: Value '-1' at 'dnsConfig.dnsRecords.2.member.tTL' failed to satisfy constraint: " +
				"Member must have value greater than or equal to 0; " +
				"Value 'MX' at 'dnsConfig.dnsRecords.2.member.type' failed to satisfy constraint: Member must satisfy enum value set: [SRV, A, AAAA, CNAME]",
		},
		{
			"UpdatePublicDnsNamespace", `{"Id":"ns-1","Namespace":{"Properties":{"DnsProperties":{"SOA":{}}}}}`,
			"1 validation error detected: Value null at 'namespace.properties.dnsProperties.sOA.tTL' failed to satisfy constraint: Member must not be null",
		},
		{
			"TagResource", `{"ResourceARN":"a","Tags":[{"Key":"","Value":"v"},null]}`,
			"2 validation errors detected: Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1; " +
				"Value null at 'tags.2.member' failed to satisfy constraint: Member must not be null",
		},
		{
			"UntagResource", `{"ResourceARN":"a","TagKeys":["a",""]}`,
			"1 validation error detected: Value '[a, ]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: " +
				"[Member must have length less than or equal to 128, Member must have length greater than or equal to 1]",
		},
		{
			"RegisterInstance", `{"ServiceId":"s","InstanceId":"i","Attributes":{"k":" v","a b":"c"}}`,
			"2 validation errors detected: Value '{a b=c, k= v}' at 'attributes' failed to satisfy constraint: Map keys must satisfy constraint: " +
				"[Member must have length less than or equal to 255, Member must satisfy regular expression pattern: ^[a-zA-Z0-9!-~]+$]; " +
				"Value '{a b=c, k= v}' at 'attributes' failed to satisfy constraint: Map value must satisfy constraint: " +
				`[Member must have length less than or equal to 1024, Member must satisfy regular expression pattern: ^([a-zA-Z0-9!-~][ \ta-zA-Z0-9!-~]*){0,1}[a-zA-Z0-9!-~]{0,1}$]`,
		},
		{
			"RegisterInstance", `{"ServiceId":"s","InstanceId":"i","Attributes":{"k":null}}`,
			"1 validation error detected: Value null at 'attributes.k.member' failed to satisfy constraint: Member must not be null",
		},
		{
			"DeleteServiceAttributes", `{"ServiceId":"s","Attributes":[]}`,
			"1 validation error detected: Value '[]' at 'attributes' failed to satisfy constraint: Member must have length greater than or equal to 1",
		},
		{
			"ListServices", `{"NextToken":"` + strings.Repeat("é", 4097) + `"}`,
			"1 validation error detected: Value '" + strings.Repeat("é", 4097) + "' at 'nextToken' failed to satisfy constraint: " +
				"Member must have length less than or equal to 4096",
		},
		{
			"ListServices", `{"NextToken":"` + strings.Repeat("é", 5000) + `"}`,
			"1 validation error detected: Value '" + strings.Repeat("é", constraint.MaxValueText) + "…' at 'nextToken' failed to satisfy constraint: " +
				"Member must have length less than or equal to 4096",
		},
	} {
		_, err := dispatch(&fakeHandlers{}, test.operation, false, []byte(test.body), nil)
		if invalid, ok := errors.AsType[*constraint.Error](err); !ok || invalid.Error() != test.want {
			t.Errorf("%s %s:\n got %v\nwant %s", test.operation, test.body, err, test.want)
		}
	}
}

// TestCompatibilityModes covers rows 4 and 6 of the decisions on divergences.
func TestCompatibilityModes(t *testing.T) {
	const tooFew = "1 validation error detected: Value null at 'dnsConfig.dnsRecords.1.member.tTL' failed to satisfy constraint: Member must not be null"
	const policy = "1 validation error detected: Value '%s' at 'dnsConfig.routingPolicy' failed to satisfy constraint: Member must satisfy enum value set: [%s]"
	for _, test := range []struct{ config, extended, strict string }{
		{`{"DnsRecords":[{"Type":"A"}]}`, "", tooFew},
		{`{"DnsRecords":[{"Type":"A","TTL":null}]}`, "", tooFew},
		{`{"DnsRecords":[],"RoutingPolicy":"LATENCY"}`, "", fmt.Sprintf(policy, "LATENCY", "MULTIVALUE, WEIGHTED")},
		{
			`{"DnsRecords":[],"RoutingPolicy":"latency"}`,
			fmt.Sprintf(policy, "latency", "MULTIVALUE, WEIGHTED, LATENCY"),
			fmt.Sprintf(policy, "latency", "MULTIVALUE, WEIGHTED"),
		},
	} {
		body := []byte(`{"Name":"a","DnsConfig":` + test.config + `}`)
		for strict, want := range map[bool]string{false: test.extended, true: test.strict} {
			_, err := dispatch(&fakeHandlers{}, "CreateService", strict, body, nil)
			if got := errorText(err); got != want {
				t.Errorf("%s, strict %v:\n got %s\nwant %s", test.config, strict, got, want)
			}
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestMessagesStayShort(t *testing.T) {
	tags := slices.Repeat([]string{`{"Key":""}`}, 5000)
	body := `{"ResourceARN":"` + strings.Repeat("x", 100_000) + `","Tags":[` + strings.Join(tags, ",") + `]}`
	_, err := dispatch(&fakeHandlers{}, "TagResource", false, []byte(body), nil)

	invalid, ok := errors.AsType[*constraint.Error](err)
	if !ok || invalid.Count != 10_002 || !strings.HasPrefix(invalid.Error(), "10002 validation errors detected: ") {
		t.Fatalf("got %.100s…", err)
	}
	if n := len(invalid.Error()); n > 2*constraint.MaxValueText {
		t.Errorf("the message has %d bytes", n)
	}
}

// TestInputsAgreeWithModel tries each member of each input with values of every
// type and around every limit.
func TestInputsAgreeWithModel(t *testing.T) {
	m := loadModel(t)
	for _, name := range slices.Sorted(maps.Keys(m.Operations)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shape := m.Operations[name].Input.Shape
			n := 0
			m.eachVariant(shape, m.validInput(shape), func(doc any) {
				if doc == any(absent{}) {
					return
				}
				n++
				checkInput(t, m, name, n%2 == 0, doc)
				checkInput(t, m, name, n%2 == 1, doc)
			})
			t.Logf("%d inputs", n)
		})
	}
}

// TestRandomInputsAgreeWithModel tries inputs with several faults at once.
func TestRandomInputsAgreeWithModel(t *testing.T) {
	m := loadModel(t)
	names := slices.Sorted(maps.Keys(m.Operations))
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "operation")
		doc := m.drawInput(t, m.Operations[name].Input.Shape)
		if doc != any(absent{}) {
			checkInput(t, m, name, rapid.Bool().Draw(t, "strict"), doc)
		}
	})
}

// failer is what checkInput needs of a test.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkInput compares what the generated code makes of doc with the interpreter's verdict
// and, when that accepts it, with doc itself.
func checkInput(t failer, m apiModel, operation string, strict bool, doc any) {
	t.Helper()
	body, err := json.Marshal(doc)
	if err != nil {
		t.Fatalf("marshal %v: %v", doc, err)
	}
	shape := m.Operations[operation].Input.Shape
	h := &fakeHandlers{}
	_, err = dispatch(h, operation, strict, body, nil)
	got := errorText(err)
	if _, ok := errors.AsType[*awsjson.SerializationError](err); ok {
		got = "mistyped"
	}
	if want := modelVerdict(m, shape, strict, doc); got != want {
		t.Fatalf("%s, strict %v, %s:\n got %s\nwant %s", operation, strict, body, got, want)
	}
	if err == nil {
		if diff := gocmp.Diff(m.known(shape, doc), project(reflect.ValueOf(h.got))); diff != "" {
			t.Fatalf("%s, strict %v, %s: decoded otherwise (-want +got)\n%s", operation, strict, body, diff)
		}
	}
}

// known reduces a valid input to what its decoder keeps: no members that are null
// or not in the model, and numbers in their plain form.
func (m apiModel) known(shape string, value any) any {
	switch s := m.Shapes[shape]; s.Type {
	case "structure":
		kept := map[string]any{}
		for name, member := range s.Members {
			if v := value.(map[string]any)[name]; v != nil {
				kept[name] = m.known(member.Shape, v)
			}
		}
		return kept
	case "list":
		kept := []any{}
		for _, v := range value.([]any) {
			kept = append(kept, m.known(s.Member.Shape, v))
		}
		return kept
	case "integer", "long":
		exact, _ := new(big.Rat).SetString(string(value.(json.Number)))
		return json.Number(exact.Num().String())
	}
	return value
}

// project turns a decoded input back into what encoding/json would decode.
func project(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		return project(v.Elem())
	case reflect.Struct:
		members := map[string]any{}
		for i := range v.NumField() {
			if !v.Field(i).IsNil() {
				members[v.Type().Field(i).Name] = project(v.Field(i))
			}
		}
		return members
	case reflect.Slice:
		list := []any{}
		for i := range v.Len() {
			list = append(list, project(v.Index(i)))
		}
		return list
	case reflect.Map:
		entries := map[string]any{}
		for key, value := range v.Seq2() {
			entries[key.String()] = project(value)
		}
		return entries
	case reflect.Int64:
		return json.Number(fmt.Sprint(v.Int()))
	default:
		return v.String()
	}
}

// FuzzInput feeds any bytes to any operation: no panic, only errors of the two
// kinds, short ones, and the interpreter's verdict on what is JSON.
func FuzzInput(f *testing.F) {
	m := loadModel(f)
	operations := fakeAPI(&fakeHandlers{}).All()
	for i, op := range operations {
		body, err := json.Marshal(m.validInput(m.Operations[op.Name].Input.Shape))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(i), i%2 == 0, body)
	}
	hugeExponent := regexp.MustCompile(`[eE][+-]?[0-9]{4}`) // the interpreter would compute for long
	f.Fuzz(func(t *testing.T, index byte, strict bool, body []byte) {
		op := operations[int(index)%len(operations)]
		_, err := op.Decode(&wire.Request{Body: body, Strict: strict})
		_, invalid := errors.AsType[*constraint.Error](err)
		serialization, mistyped := errors.AsType[*awsjson.SerializationError](err)
		switch {
		case err != nil && !invalid && !mistyped:
			t.Fatalf("error of type %T", err)
		case len(errorText(err)) > 32<<10:
			t.Fatalf("error of %d bytes", len(errorText(err)))
		case mistyped && strings.Contains(serialization.Message, "too "): // deep, long
			return
		}
		if doc, ok := parse(body); ok && !hugeExponent.Match(body) {
			checkInput(t, m, op.Name, strict, doc)
		}
	})
}

// parse decodes a JSON text, unless the rules for it are ours alone.
func parse(text []byte) (doc any, ok bool) {
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err := d.Decode(&doc)
	return doc, err == nil
}
