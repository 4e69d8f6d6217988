package cloudmap

import (
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/state"
)

func setQuotas(namespaces, services, instances int) func(*state.Rules) {
	return func(r *state.Rules) {
		r.Quotas.Limits = command.Limits{"namespaces_per_account": namespaces, "services_per_namespace": services, "instances_per_service": instances}
	}
}

func aRecord(ttl int) object { return object{"DnsRecords": list{object{"Type": "A", "TTL": ttl}}} }

// TestServiceOfTutorial is step 3 of the ECS tutorial: the namespace's id is
// in DnsConfig alone, and the answer has it in both places.
func TestServiceOfTutorial(t *testing.T) {
	inBothModes(t, func(h *harness) {
		ns := h.privateNamespace("tutorial")
		in := object{"Name": "myapplication", "HealthCheckCustomConfig": object{"FailureThreshold": 1},
			"DnsConfig": object{"NamespaceId": ns, "DnsRecords": list{object{"Type": "A", "TTL": 300}}}}
		answer := h.call("CreateService", in)
		svc, _ := answer["Service"].(object)
		id := text(svc, "Id")
		if at(svc, "CreateDate") == nil {
			h.Errorf("no CreateDate in %v", svc)
		}
		if got := h.call("GetService", object{"Id": text(svc, "Arn")}); !gocmp.Equal(got["Service"], any(svc)) {
			h.Errorf("GetService: %s", gocmp.Diff(any(svc), got["Service"]))
		}
		delete(svc, "CreateDate")
		want := object{
			"Id": id, "Arn": "arn:aws:servicediscovery:eu-west-1:000000000000:service/" + id, "Name": "myapplication",
			"NamespaceId": ns, "Type": "DNS_HTTP", "InstanceCount": 0.0, "ResourceOwner": "000000000000", "CreatedByAccount": "000000000000",
			"DnsConfig":               object{"NamespaceId": ns, "RoutingPolicy": "MULTIVALUE", "DnsRecords": list{object{"Type": "A", "TTL": 300.0}}},
			"HealthCheckCustomConfig": object{"FailureThreshold": 1.0},
		}
		if diff := gocmp.Diff(want, svc); diff != "" {
			h.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestServiceWithCheck(t *testing.T) {
	h := newHarness(t, false)
	svc := h.service(h.publicNamespace("p.example"), "s", object{"DnsConfig": aRecord(0), "HealthCheckConfig": object{"Type": "HTTP"}})
	got := at(h.call("GetService", object{"Id": svc}), "Service")
	if diff := gocmp.Diff(any(object{"Type": "HTTP", "ResourcePath": "/", "FailureThreshold": 3.0}), at(got, "HealthCheckConfig")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// The threshold of a custom check is deprecated and always reads 1.
	svc = h.service(h.httpNamespace("h"), "s", object{"HealthCheckCustomConfig": object{"FailureThreshold": 7}})
	if got := h.call("GetService", object{"Id": svc}); at(got, "Service", "HealthCheckCustomConfig", "FailureThreshold") != 1.0 {
		t.Errorf("got %v", got)
	}
}

// TestModesOfServices are rows 1, 4 and 6 of the decisions. An empty text means
// that the service is made.
func TestModesOfServices(t *testing.T) {
	for name, test := range map[string]struct {
		more             object
		extended, strict string
	}{
		"row 1: check in a private namespace": {object{"DnsConfig": aRecord(1), "HealthCheckConfig": object{"Type": "TCP"}}, "", "private namespace"},
		"row 4: LATENCY": {object{"DnsConfig": object{"RoutingPolicy": "LATENCY", "DnsRecords": list{object{"Type": "A", "TTL": 1}}}}, "",
			"Value 'LATENCY' at 'dnsConfig.routingPolicy' failed to satisfy constraint: Member must satisfy enum value set: [MULTIVALUE, WEIGHTED]"},
		"row 6: no TTL": {object{"DnsConfig": object{"DnsRecords": list{object{"Type": "A"}}}}, "",
			"Value null at 'dnsConfig.dnsRecords.1.member.tTL' failed to satisfy constraint: Member must not be null"},
		"no such policy": {object{"DnsConfig": object{"RoutingPolicy": "GEO", "DnsRecords": list{object{"Type": "A", "TTL": 1}}}}, "MULTIVALUE", "MULTIVALUE, WEIGHTED]"},
	} {
		t.Run(name, func(t *testing.T) {
			inBothModes(t, func(h *harness) {
				want := test.extended
				if h.strict() {
					want = test.strict
				}
				in := object{"Name": "s", "NamespaceId": h.privateNamespace("p")}
				for k, v := range test.more {
					in[k] = v
				}
				if want == "" {
					h.call("CreateService", in)
				} else {
					h.invalid(want, "CreateService", in)
				}
			})
		})
	}
}

func TestDefaultTTL(t *testing.T) {
	h := newHarness(t, false)
	svc := h.service(h.privateNamespace("p"), "s", object{"DnsConfig": object{"DnsRecords": list{object{"Type": "AAAA"}, object{"Type": "A", "TTL": 0}}}})
	got := at(h.call("GetService", object{"Id": svc}), "Service", "DnsConfig", "DnsRecords")
	if diff := gocmp.Diff(any(list{object{"Type": "AAAA", "TTL": 60.0}, object{"Type": "A", "TTL": 0.0}}), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestServiceErrors(t *testing.T) {
	inBothModes(t, func(h *harness) {
		h.setRules(setQuotas(0, 2, 0))
		ns, private := h.httpNamespace("h"), h.privateNamespace("p")
		svc := h.service(ns, "s", object{"CreatorRequestId": "r"})

		e := h.fails("ServiceAlreadyExists", "CreateService", object{"NamespaceId": ns, "Name": "s", "CreatorRequestId": "other"})
		if member(e, "ServiceId") != svc || member(e, "CreatorRequestId") != "r" ||
			member(e, "ServiceArn") != "arn:aws:servicediscovery:eu-west-1:000000000000:service/"+svc || e.Message != "Service already exists." {
			h.Errorf("got %+v", e)
		}
		// A controller that uses one request id as "get or create".
		if again := h.service(ns, "s", object{"CreatorRequestId": "r"}); again != svc {
			h.Errorf("repeated, got %s, want %s", again, svc)
		}
		h.fails("NamespaceNotFound", "CreateService", object{"NamespaceId": "ns-0", "Name": "s"})
		h.fails("NamespaceNotFound", "CreateService", object{"DnsConfig": object{"NamespaceId": "ns-0", "DnsRecords": list{object{"Type": "A", "TTL": 1}}}, "Name": "s"})
		h.invalid("Service namespace id cannot be null", "CreateService", object{"Name": "s"})
		h.invalid("you can't include a DnsConfig element.", "CreateService", object{"Name": "t", "NamespaceId": ns, "DnsConfig": aRecord(1)})
		h.invalid("DnsConfig", "CreateService", object{"Name": "t", "NamespaceId": private})
		h.invalid("DnsRecords", "CreateService", object{"Name": "t", "NamespaceId": private, "DnsConfig": object{"DnsRecords": list{}}})
		h.fails("TooManyTagsException", "CreateService", object{"Name": "t", "NamespaceId": ns, "Tags": manyTags(51)})
		h.service(ns, "t", nil)
		h.fails("ResourceLimitExceeded", "CreateService", object{"Name": "u", "NamespaceId": ns})

		for name, in := range map[string]object{
			"GetService": {}, "DeleteService": {}, "UpdateService": {"Service": object{}},
		} {
			in["Id"] = "srv-0"
			h.fails("ServiceNotFound", name, in)
			in["Id"] = "arn:aws:servicediscovery:eu-west-1:111111111111:service/" + svc
			h.fails("ServiceNotFound", name, in)
			in["Id"] = "arn:aws:servicediscovery:eu-west-1:000000000000:namespace/" + ns
			h.invalid("arn:", name, in)
			delete(in, "Id")
			h.invalid("Value null at 'id'", name, in)
		}
		if update := (object{"Id": svc, "Service": object{"Description": "d"}}); h.strict() {
			h.invalid("HTTP namespace", "UpdateService", update)
		} else {
			h.call("UpdateService", update)
		}
		h.register(svc, "i", nil)
		e = h.fails("ResourceInUse", "DeleteService", object{"Id": svc})
		const inUse = "Service contains registered instances; delete the instances before deleting the service"
		if !strings.HasPrefix(e.Message, inUse) || h.strict() != (e.Message == inUse) {
			h.Errorf("got %q", e.Message)
		}
	})
}

func TestUpdateAndDeleteService(t *testing.T) {
	inBothModes(t, func(h *harness) {
		ns := h.publicNamespace("p.example")
		svc := h.service(ns, "s", object{"Description": "d", "DnsConfig": aRecord(300), "HealthCheckConfig": object{"Type": "TCP"}})
		answer := h.call("UpdateService", object{"Id": svc, "Service": object{"DnsConfig": aRecord(5), "HealthCheckConfig": object{"Type": "TCP", "FailureThreshold": 1}}})
		if h.target(answer, "SERVICE") != svc {
			h.Errorf("got %v", answer)
		}
		got := at(h.call("GetService", object{"Id": svc}), "Service")
		want := any(object{"NamespaceId": ns, "RoutingPolicy": "MULTIVALUE", "DnsRecords": list{object{"Type": "A", "TTL": 5.0}}})
		if diff := gocmp.Diff(want, at(got, "DnsConfig")); diff != "" || text(got, "Description") != "d" {
			h.Errorf("(-want +got)\n%s", diff)
		}
		h.call("UpdateService", object{"Id": svc, "Service": object{"Description": ""}}) // removes the rest
		got = at(h.call("GetService", object{"Id": svc}), "Service")
		if at(got, "DnsConfig") != nil || at(got, "HealthCheckConfig") != nil || at(got, "Description") != nil || text(got, "Type") != "DNS_HTTP" {
			h.Errorf("got %v", got)
		}
		h.call("UpdateServiceAttributes", object{"ServiceId": svc, "Attributes": object{"k": "v"}})
		if answer := h.call("DeleteService", object{"Id": svc}); len(answer) != 0 {
			h.Errorf("got %v", answer)
		}
		h.fails("ServiceNotFound", "GetServiceAttributes", object{"ServiceId": svc})
	})
}

func TestServiceAttributes(t *testing.T) {
	inBothModes(t, func(h *harness) {
		svc := h.service(h.httpNamespace("h"), "s", nil)
		get := func() any {
			h.Helper()
			return at(h.call("GetServiceAttributes", object{"ServiceId": svc}), "ServiceAttributes")
		}
		want := object{"Attributes": object{}, "ResourceOwner": "000000000000", "ServiceArn": "arn:aws:servicediscovery:eu-west-1:000000000000:service/" + svc}
		if diff := gocmp.Diff(any(want), get()); diff != "" {
			h.Errorf("(-want +got)\n%s", diff)
		}
		first, one := object{}, object{"one": "more"}
		for i := range 30 {
			first[fmt.Sprintf("k%02d", i)] = "v"
		}
		if answer := h.call("UpdateServiceAttributes", object{"ServiceId": svc, "Attributes": first}); len(answer) != 0 {
			h.Errorf("got %v", answer)
		}
		h.fails("ServiceAttributesLimitExceededException", "UpdateServiceAttributes", object{"ServiceId": svc, "Attributes": one})
		h.call("DeleteServiceAttributes", object{"ServiceId": svc, "Attributes": list{"k00", "missing"}})
		h.call("UpdateServiceAttributes", object{"ServiceId": svc, "Attributes": one})
		if got := at(get(), "Attributes"); len(got.(object)) != 30 || text(got, "one") != "more" {
			h.Errorf("got %v", got)
		}
		for name, in := range map[string]object{
			"GetServiceAttributes": {}, "UpdateServiceAttributes": {"Attributes": one}, "DeleteServiceAttributes": {"Attributes": list{"k"}},
		} {
			in["ServiceId"] = "srv-0"
			h.fails("ServiceNotFound", name, in)
			delete(in, "ServiceId")
			h.invalid("Value null at 'serviceId'", name, in)
		}
		h.invalid("Member must have length greater than or equal to 1", "UpdateServiceAttributes", object{"ServiceId": svc, "Attributes": object{}})
		h.invalid("Member must have length greater than or equal to 1", "DeleteServiceAttributes", object{"ServiceId": svc, "Attributes": list{}})
	})
}

func TestTags(t *testing.T) {
	inBothModes(t, func(h *harness) {
		ns := h.target(h.call("CreateHttpNamespace", object{"Name": "h", "Tags": list{object{"Key": "b", "Value": ""}}}), "NAMESPACE")
		svc := h.service(ns, "s", object{"Tags": list{object{"Key": "b", "Value": ""}}})
		for _, arn := range []string{
			text(h.call("GetNamespace", object{"Id": ns}), "Namespace", "Arn"), text(h.call("GetService", object{"Id": svc}), "Service", "Arn"),
		} {
			h.call("TagResource", object{"ResourceARN": arn, "Tags": list{object{"Key": "a", "Value": "1"}, object{"Key": "b", "Value": "2"}}})
			h.call("TagResource", object{"ResourceARN": arn, "Tags": list{object{"Key": "a", "Value": "3"}}})
			want := list{object{"Key": "a", "Value": "3"}, object{"Key": "b", "Value": "2"}}
			if got := h.call("ListTagsForResource", object{"ResourceARN": arn}); !gocmp.Equal(got["Tags"], any(want)) {
				h.Errorf("got %v", got)
			}
			e := h.fails("TooManyTagsException", "TagResource", object{"ResourceARN": arn, "Tags": manyTags(49)})
			if member(e, "ResourceName") != arn {
				h.Errorf("got %+v", e)
			}
			h.call("UntagResource", object{"ResourceARN": arn, "TagKeys": list{"a", "b", "missing"}})
			if got := h.call("ListTagsForResource", object{"ResourceARN": arn}); !gocmp.Equal(got["Tags"], any(list{})) {
				h.Errorf("got %v", got)
			}
			h.invalid("aws:", "TagResource", object{"ResourceARN": arn, "Tags": list{object{"Key": "aws:x", "Value": ""}}})
			h.invalid("Value null at 'tags.1.member.value'", "TagResource", object{"ResourceARN": arn, "Tags": list{object{"Key": "k"}}})
		}
		for name, in := range map[string]object{
			"TagResource": {"Tags": list{object{"Key": "k", "Value": ""}}}, "UntagResource": {"TagKeys": list{"k"}}, "ListTagsForResource": {},
		} {
			in["ResourceARN"] = "arn:aws:servicediscovery:eu-west-1:000000000000:service/srv-0"
			h.fails("ResourceNotFoundException", name, in)
			in["ResourceARN"] = svc
			h.invalid("ARN", name, in)
			delete(in, "ResourceARN")
			h.invalid("Value null at 'resourceARN'", name, in)
		}
	})
}
