package cloudmap

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestEncoding(t *testing.T) {
	for _, test := range []struct {
		got  []byte
		want string
	}{
		{new(DeleteServiceResponse).append(nil), `{}`},
		{new(CreateServiceResponse).append(nil), `{}`},
		{(&RegisterInstanceResponse{OperationId: "op-1"}).append(nil), `{"OperationId":"op-1"}`},
		{(&ListInstancesResponse{Instances: []InstanceSummary{}}).append(nil), `{"Instances":[]}`},
		{
			(&GetInstancesHealthStatusResponse{Status: map[string]HealthStatus{"i-2": HealthStatusUnknown, "i-1": HealthStatusHealthy}}).append(nil),
			`{"Status":{"i-1":"HEALTHY","i-2":"UNKNOWN"}}`,
		},
		{
			(&ListTagsForResourceResponse{Tags: []*Tag{{Key: new("k"), Value: new("")}}}).append(nil),
			`{"Tags":[{"Key":"k","Value":""}]}`,
		},
		{
			(&GetNamespaceResponse{Namespace: &Namespace{
				Id: "ns-1", Name: `a"b`, Type: NamespaceTypeDnsPublic, ServiceCount: new(int64(0)), CreateDate: 1516925490087,
				Properties: &NamespaceProperties{
					DnsProperties:  &DnsProperties{HostedZoneId: "Z1", SOA: &SOA{TTL: new(int64(0))}},
					HttpProperties: &HttpProperties{HttpName: "a"},
				},
			}}).append([]byte("> ")),
			`> {"Namespace":{"CreateDate":1516925490.087,"Id":"ns-1","Name":"a\"b",` +
				`"Properties":{"DnsProperties":{"HostedZoneId":"Z1","SOA":{"TTL":0}},"HttpProperties":{"HttpName":"a"}},` +
				`"ServiceCount":0,"Type":"DNS_PUBLIC"}}`,
		},
	} {
		if string(test.got) != test.want {
			t.Errorf("got %s\nwant %s", test.got, test.want)
		}
	}
}

// output is the output shape of an operation.
type output interface{ append([]byte) []byte }

// outputs are all output shapes, empty.
func outputs() []output {
	return []output{
		&CreateHttpNamespaceResponse{}, &CreatePrivateDnsNamespaceResponse{}, &CreatePublicDnsNamespaceResponse{},
		&CreateServiceResponse{}, &DeleteNamespaceResponse{}, &DeleteServiceAttributesResponse{}, &DeleteServiceResponse{},
		&DeregisterInstanceResponse{}, &DiscoverInstancesResponse{}, &DiscoverInstancesRevisionResponse{},
		&GetInstanceResponse{}, &GetInstancesHealthStatusResponse{}, &GetNamespaceResponse{}, &GetOperationResponse{},
		&GetServiceAttributesResponse{}, &GetServiceResponse{}, &ListInstancesResponse{}, &ListNamespacesResponse{},
		&ListOperationsResponse{}, &ListServicesResponse{}, &ListTagsForResourceResponse{}, &RegisterInstanceResponse{},
		&TagResourceResponse{}, &UntagResourceResponse{}, &UpdateHttpNamespaceResponse{}, &UpdatePrivateDnsNamespaceResponse{},
		&UpdatePublicDnsNamespaceResponse{}, &UpdateServiceAttributesResponse{}, &UpdateServiceResponse{},
	}
}

// TestOutputsHaveTheModelsMembers checks the Go types of all outputs, down to
// their leaves.
func TestOutputsHaveTheModelsMembers(t *testing.T) {
	m := loadModel(t)
	var want []string
	for _, op := range m.Operations {
		if op.Output.Shape != "" {
			want = append(want, op.Output.Shape)
		}
	}
	var got []string
	for _, o := range outputs() {
		goType := reflect.TypeOf(o).Elem()
		got = append(got, goType.Name())
		checkMembers(t, m, goType.Name(), goType)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("outputs (-want +got)\n%s", diff)
	}
}

func checkMembers(t *testing.T, m apiModel, shape string, goType reflect.Type) {
	for goType.Kind() == reflect.Pointer {
		goType = goType.Elem()
	}
	kinds := map[string]reflect.Kind{"structure": reflect.Struct, "list": reflect.Slice, "map": reflect.Map,
		"string": reflect.String, "integer": reflect.Int64, "long": reflect.Int64, "timestamp": reflect.Int64}
	s := m.Shapes[shape]
	if goType.Kind() != kinds[s.Type] {
		t.Errorf("%s is a %s, in Go %v", shape, s.Type, goType)
		return
	}
	switch s.Type {
	case "list":
		checkMembers(t, m, s.Member.Shape, goType.Elem())
	case "map":
		checkMembers(t, m, s.Key.Shape, goType.Key())
		checkMembers(t, m, s.Value.Shape, goType.Elem())
	case "structure":
		ours := map[string]int{"DnsProperties": 1} // DNSSEC; see docs/divergences
		if goType.NumField() != len(s.Members)+ours[shape] {
			t.Errorf("%s has %d members, in Go %d", shape, len(s.Members), goType.NumField())
		}
		for name, member := range s.Members {
			field, ok := goType.FieldByName(name)
			if !ok {
				t.Errorf("%s.%s is missing", shape, name)
				continue
			}
			checkMembers(t, m, member.Shape, field.Type)
		}
	}
}

// TestOutputsAreEncoded compares what encoding/json reads from encoded outputs with
// what reflection finds in them.
func TestOutputsAreEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := rapid.SampledFrom(outputs()).Draw(t, "output")
		v := reflect.ValueOf(o).Elem()
		fill(t, v)
		encoded := o.append(nil)
		got, ok := parse(encoded)
		if !ok {
			t.Fatalf("no JSON: %s", encoded)
		}
		if diff := gocmp.Diff(expected(v), got); diff != "" {
			t.Fatalf("%s (-want +got)\n%s", encoded, diff)
		}
	})
}

// fill sets v to anything that a handler may answer.
func fill(t *rapid.T, v reflect.Value) {
	empty := rapid.IntRange(0, 3).Draw(t, "empty") == 0
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(t, field)
		}
	case reflect.Pointer:
		if !empty {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem())
		}
	case reflect.Slice:
		if !empty {
			n := rapid.IntRange(0, 3).Draw(t, "n")
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fillElement(t, v.Index(i))
			}
		}
	case reflect.Map:
		if !empty {
			v.Set(reflect.MakeMap(v.Type()))
			for range rapid.IntRange(0, 3).Draw(t, "n") {
				key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				fill(t, key)
				fill(t, value)
				v.SetMapIndex(key, value)
			}
		}
	case reflect.String:
		v.SetString(rapid.SampledFrom([]string{"", "a", "é\"\\\n", "<&>"}).Draw(t, "text"))
	case reflect.Int64:
		v.SetInt(rapid.SampledFrom([]int64{0, 1, -1, 1516925490087, 1 << 62}).Draw(t, "number"))
	}
}

// fillElement fills an element of a list, which is never nil.
func fillElement(t *rapid.T, v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	fill(t, v)
}

// expected is what encoding/json must read for v.
func expected(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		return expected(v.Elem())
	case reflect.Struct:
		members := map[string]any{}
		for i := range v.NumField() {
			switch field := v.Field(i); {
			case field.IsZero(): // absent
			case field.Kind() == reflect.Int64:
				n := field.Int()
				sign := strings.Repeat("-", int(uint64(n)>>63))
				members[v.Type().Field(i).Name] = json.Number(fmt.Sprintf("%s%d.%03d", sign, abs(n)/1000, abs(n)%1000))
			default:
				members[v.Type().Field(i).Name] = expected(field)
			}
		}
		return members
	case reflect.Slice:
		list := []any{}
		for i := range v.Len() {
			list = append(list, expected(v.Index(i)))
		}
		return list
	case reflect.Map:
		entries := map[string]any{}
		for key, value := range v.Seq2() {
			entries[key.String()] = expected(value)
		}
		return entries
	case reflect.Int64:
		return json.Number(fmt.Sprint(v.Int()))
	default:
		return v.String()
	}
}

func abs(n int64) int64 { return max(n, -n) }

// TestEnums checks the constants, whose names are the generator's.
func TestEnums(t *testing.T) {
	got := map[string]string{
		"NamespaceTypeDnsPublic":             string(NamespaceTypeDnsPublic),
		"ServiceTypeDnsHttp":                 string(ServiceTypeDnsHttp),
		"RecordTypeAaaa":                     string(RecordTypeAaaa),
		"HealthStatusFilterHealthyOrElseAll": string(HealthStatusFilterHealthyOrElseAll),
		"OperationTypeDeregisterInstance":    string(OperationTypeDeregisterInstance),
		"NamespaceFilterNameResourceOwner":   string(NamespaceFilterNameResourceOwner),
		"RoutingPolicyLatency":               string(RoutingPolicyLatency),
		"OperationTargetTypeInstance":        string(OperationTargetTypeInstance),
		"ServiceTypeOptionHttp":              string(ServiceTypeOptionHttp),
		"CustomHealthStatusUnhealthy":        string(CustomHealthStatusUnhealthy),
		"FilterConditionBeginsWith":          string(FilterConditionBeginsWith),
		"OperationStatusSubmitted":           string(OperationStatusSubmitted),
		"HealthCheckTypeTcp":                 string(HealthCheckTypeTcp),
		"ServiceFilterNameNamespaceId":       string(ServiceFilterNameNamespaceId),
		"OperationFilterNameUpdateDate":      string(OperationFilterNameUpdateDate),
		"HealthStatusUnknown":                string(HealthStatusUnknown),
	}
	for name, value := range maps.All(got) {
		joined := strings.ToLower(strings.ReplaceAll(value, "_", ""))
		if value == "" || !strings.HasSuffix(strings.ToLower(name), joined) {
			t.Errorf("%s is %q", name, value)
		}
	}
}
