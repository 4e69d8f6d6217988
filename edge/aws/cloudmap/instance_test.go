package cloudmap

import (
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestInstances(t *testing.T) {
	inBothModes(t, func(h *harness) {
		svc := h.service(h.privateNamespace("p"), "s", object{"DnsConfig": aRecord(1)})
		arn := "arn:aws:servicediscovery:eu-west-1:000000000000:service/" + svc
		attributes := object{"AWS_INSTANCE_IPV4": "10.0.0.1", "HOSTNAME": "", "note": "a b\tc"}
		in := object{"ServiceId": arn, "InstanceId": "tcp-10_0_0_1-80/x:y@z.", "Attributes": attributes, "CreatorRequestId": "r"}
		answer := h.call("RegisterInstance", in)
		if h.target(answer, "INSTANCE") != in["InstanceId"] || h.target(answer, "SERVICE") != svc {
			h.Errorf("got %v", answer)
		}
		if again := h.call("RegisterInstance", in); again["OperationId"] != answer["OperationId"] {
			h.Errorf("repeated, got %v, want %v", again, answer)
		}
		instance := object{"Id": in["InstanceId"], "Attributes": attributes, "CreatedByAccount": "000000000000"}
		want := object{"ResourceOwner": "000000000000", "Instances": list{instance}}
		if diff := gocmp.Diff(want, h.call("ListInstances", object{"ServiceId": svc})); diff != "" {
			h.Errorf("(-want +got)\n%s", diff)
		}
		instance["CreatorRequestId"] = "r"
		want = object{"ResourceOwner": "000000000000", "Instance": instance}
		if diff := gocmp.Diff(want, h.call("GetInstance", object{"ServiceId": arn, "InstanceId": in["InstanceId"]})); diff != "" {
			h.Errorf("(-want +got)\n%s", diff)
		}
		if got := h.call("GetService", object{"Id": svc}); at(got, "Service", "InstanceCount") != 1.0 {
			h.Errorf("got %v", got)
		}
		answer = h.call("DeregisterInstance", object{"ServiceId": arn, "InstanceId": in["InstanceId"]})
		if h.target(answer, "INSTANCE") != in["InstanceId"] || h.target(answer, "SERVICE") != svc {
			h.Errorf("got %v", answer)
		}
		h.fails("InstanceNotFound", "GetInstance", object{"ServiceId": svc, "InstanceId": in["InstanceId"]})
	})
}

func TestInstanceErrors(t *testing.T) {
	inBothModes(t, func(h *harness) {
		h.setRules(setQuotas(0, 0, 1))
		ns := h.httpNamespace("h")
		svc, custom := h.service(ns, "s", nil), h.service(ns, "c", object{"HealthCheckCustomConfig": object{}})
		h.register(svc, "i", nil)
		h.fails("ResourceLimitExceeded", "RegisterInstance", object{"ServiceId": svc, "InstanceId": "j", "Attributes": object{}})

		for name, in := range map[string]object{
			"RegisterInstance": {"Attributes": object{}}, "DeregisterInstance": {}, "GetInstance": {},
			"UpdateInstanceCustomHealthStatus": {"Status": "HEALTHY"},
		} {
			in["InstanceId"], in["ServiceId"] = "i", "srv-0"
			h.fails("ServiceNotFound", name, in)
			in["ServiceId"] = custom
			if name != "RegisterInstance" {
				h.fails("InstanceNotFound", name, in)
			}
			in["InstanceId"] = strings.Repeat("x", 65)
			h.invalid("at 'instanceId' failed to satisfy constraint: Member must have length less than or equal to 64", name, in)
			delete(in, "InstanceId")
			h.invalid("Value null at 'instanceId'", name, in)
		}
		h.fails("ServiceNotFound", "ListInstances", object{"ServiceId": "srv-0"})
		h.fails("ServiceNotFound", "GetInstancesHealthStatus", object{"ServiceId": "srv-0"})
		h.fails("CustomHealthNotFound", "UpdateInstanceCustomHealthStatus", object{"ServiceId": svc, "InstanceId": "i", "Status": "HEALTHY"})
		h.invalid("[HEALTHY, UNHEALTHY]", "UpdateInstanceCustomHealthStatus", object{"ServiceId": custom, "InstanceId": "i", "Status": "UNKNOWN"})

		for text, in := range map[string]object{
			"Value null at 'attributes'":                   {},
			"at 'attributes' failed to satisfy constraint": {"Attributes": object{"k": " leading"}},
			"AWS_FOO":               {"Attributes": object{"AWS_FOO": ""}},
			"Map keys must satisfy": {"Attributes": object{"sp ace": ""}},
		} {
			in["ServiceId"], in["InstanceId"] = custom, "i"
			h.invalid(text, "RegisterInstance", in)
		}
		h.invalid("^[0-9a-zA-Z_/:.@-]+$", "RegisterInstance", object{"ServiceId": custom, "InstanceId": "a b", "Attributes": object{}})
		// In other operations any id up to 64 characters has the right form.
		h.fails("InstanceNotFound", "GetInstance", object{"ServiceId": custom, "InstanceId": "a b"})
	})
}

func TestHealthStatus(t *testing.T) {
	inBothModes(t, func(h *harness) {
		ns := h.httpNamespace("h")
		svc, plain := h.service(ns, "s", object{"HealthCheckCustomConfig": object{}}), h.service(ns, "p", nil)
		h.register(svc, "a", nil)
		h.register(svc, "b", object{"AWS_INIT_HEALTH_STATUS": "UNHEALTHY"})
		h.register(plain, "a", nil)
		status := func(in object) any {
			h.Helper()
			in["ServiceId"] = svc
			return h.call("GetInstancesHealthStatus", in)["Status"]
		}
		if diff := gocmp.Diff(any(object{"a": "HEALTHY", "b": "UNHEALTHY"}), status(object{})); diff != "" {
			h.Errorf("(-want +got)\n%s", diff)
		}
		if diff := gocmp.Diff(any(object{"b": "UNHEALTHY"}), status(object{"Instances": list{"b"}})); diff != "" {
			h.Errorf("(-want +got)\n%s", diff)
		}
		h.fails("InstanceNotFound", "GetInstancesHealthStatus", object{"ServiceId": svc, "Instances": list{"a", "none"}})
		h.fails("InstanceNotFound", "GetInstancesHealthStatus", object{"ServiceId": plain})
		h.invalid("at 'instances' failed to satisfy constraint: Member must have length greater than or equal to 1",
			"GetInstancesHealthStatus", object{"ServiceId": svc, "Instances": list{}})

		h.call("UpdateInstanceCustomHealthStatus", object{"ServiceId": svc, "InstanceId": "a", "Status": "UNHEALTHY"})
		want := "UNHEALTHY" // row 7 of the decisions
		if h.strict() {
			want = "HEALTHY" // for 30 seconds
		}
		if got := text(status(object{}), "a"); got != want {
			h.Errorf("got %s, want %s", got, want)
		}
	})
}

// discover returns the sorted ids of the instances in an answer, and the answer.
func (h *harness) discover(in object) ([]string, object) {
	h.Helper()
	answer := h.call("DiscoverInstances", in)
	return ids(answer, "Instances", "InstanceId"), answer
}

func TestDiscoverInstances(t *testing.T) {
	inBothModes(t, func(h *harness) {
		svc := h.service(h.httpNamespace("h"), "s", object{"HealthCheckCustomConfig": object{}})
		h.register(svc, "a", object{"color": "red", "zone": "1"})
		h.register(svc, "b", object{"color": "red", "zone": "2", "AWS_INIT_HEALTH_STATUS": "UNHEALTHY"})
		h.register(svc, "c", object{"color": "blue", "zone": "2"})
		for _, test := range []struct {
			more object
			want []string
		}{
			{object{}, []string{"a", "c"}},
			{object{"HealthStatus": "HEALTHY"}, []string{"a", "c"}},
			{object{"HealthStatus": "UNHEALTHY"}, []string{"b"}},
			{object{"HealthStatus": "ALL"}, []string{"a", "b", "c"}},
			{object{"HealthStatus": "HEALTHY_OR_ELSE_ALL"}, []string{"a", "c"}},
			{object{"QueryParameters": object{"color": "red"}, "HealthStatus": "ALL"}, []string{"a", "b"}},
			{object{"QueryParameters": object{"color": "red", "zone": "2"}, "HealthStatus": "HEALTHY_OR_ELSE_ALL"}, []string{"b"}},
			{object{"QueryParameters": object{"color": "red", "zone": "2"}}, nil},
			{object{"OptionalParameters": object{"zone": "2"}}, []string{"c"}},
			{object{"OptionalParameters": object{"zone": "3"}}, []string{"a", "c"}},
			{object{"QueryParameters": object{}, "OptionalParameters": object{}}, []string{"a", "c"}},
			{object{"OwnerAccount": "000000000000"}, []string{"a", "c"}},
		} {
			test.more["NamespaceName"], test.more["ServiceName"] = "h", "s"
			got, _ := h.discover(test.more)
			h.wantIDs("DiscoverInstances", got, test.want...)
		}

		_, answer := h.discover(object{"NamespaceName": "h", "ServiceName": "s", "QueryParameters": object{"color": "blue"}})
		want := object{"InstanceId": "c", "NamespaceName": "h", "ServiceName": "s", "HealthStatus": "HEALTHY", "Attributes": object{"color": "blue", "zone": "2"}}
		if diff := gocmp.Diff(any(list{want}), answer["Instances"]); diff != "" {
			h.Errorf("(-want +got)\n%s", diff)
		}
		revision := h.call("DiscoverInstancesRevision", object{"NamespaceName": "h", "ServiceName": "s"})["InstancesRevision"]
		if revision != answer["InstancesRevision"] || revision.(float64) < 1 {
			h.Errorf("revisions %v and %v", revision, answer["InstancesRevision"])
		}
	})
}

func TestDiscoverErrors(t *testing.T) {
	inBothModes(t, func(h *harness) {
		h.service(h.httpNamespace("h"), "s", nil)
		for _, name := range []string{"DiscoverInstances", "DiscoverInstancesRevision"} {
			h.fails("NamespaceNotFound", name, object{"NamespaceName": "none", "ServiceName": "s"})
			h.fails("ServiceNotFound", name, object{"NamespaceName": "h", "ServiceName": "none"})
			h.fails("NamespaceNotFound", name, object{"NamespaceName": "h", "ServiceName": "s", "OwnerAccount": "111111111111"})
			h.invalid("2 validation errors detected: ", name, object{})
		}
		for text, in := range map[string]object{
			"at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1":  {"MaxResults": 0},
			"at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 1000":  {"MaxResults": 1001},
			"Value 'FINE' at 'healthStatus' failed to satisfy constraint: Member must satisfy enum value set:": {"HealthStatus": "FINE"},
			"Value null at 'queryParameters.k.member'":                                                         {"QueryParameters": object{"k": nil}},
		} {
			in["NamespaceName"], in["ServiceName"] = "h", "s"
			h.invalid(text, "DiscoverInstances", in)
		}
	})
}

// TestDiscoverMaxResults: 100 by default, at most 1000, a random choice in
// random order.
func TestDiscoverMaxResults(t *testing.T) {
	h := newHarness(t, false)
	svc := h.service(h.httpNamespace("h"), "s", nil)
	for i := range 120 {
		h.register(svc, string([]byte{'a' + byte(i/26), 'a' + byte(i%26)}), nil)
	}
	for max, want := range map[any]int{nil: 100, 1: 1, 7: 7, 120: 120, 1000: 120} {
		in := object{"NamespaceName": "h", "ServiceName": "s"}
		if max != nil {
			in["MaxResults"] = max
		}
		if got, _ := h.discover(in); len(got) != want {
			t.Errorf("MaxResults %v: got %d, want %d", max, len(got), want)
		}
	}
	first, orders := map[string]bool{}, map[string]bool{}
	for range 50 {
		got, answer := h.discover(object{"NamespaceName": "h", "ServiceName": "s", "MaxResults": 2})
		first[text(answer["Instances"].(list)[0], "InstanceId")] = true
		orders[strings.Join(got, " ")] = true
	}
	if len(first) < 10 || len(orders) < 10 { // of 120; fewer has a chance of one in 10^20
		t.Errorf("the choice is not random: %d first instances, %d choices in 50 answers", len(first), len(orders))
	}
}

// TestDiscoverByName is row 11 of the decisions.
func TestDiscoverByName(t *testing.T) {
	inBothModes(t, func(h *harness) {
		h.service(h.httpNamespace("shop"), "s", nil)
		other := h.privateNamespace("shop")
		h.service(other, "Only", object{"Type": "HTTP"})
		name := text(h.call("GetNamespace", object{"Id": other}), "Namespace", "Properties", "HttpProperties", "HttpName")
		if name == "shop" {
			h.Errorf("two namespaces have the HttpName %s", name)
		}
		h.discover(object{"NamespaceName": name, "ServiceName": "only"})
		h.fails("ServiceNotFound", "DiscoverInstances", object{"NamespaceName": "shop", "ServiceName": "only"}) // HttpName wins

		h.publicNamespace("Lone.example")
		in := object{"NamespaceName": "lone.example", "ServiceName": "none"}
		if h.strict() {
			h.fails("NamespaceNotFound", "DiscoverInstances", in)
		} else {
			h.fails("ServiceNotFound", "DiscoverInstances", in)
		}
	})
}
