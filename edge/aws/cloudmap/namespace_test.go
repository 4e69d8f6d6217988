package cloudmap

import (
	"fmt"
	"strings"
	"testing"
)

func soa(ttl int) object { return object{"DnsProperties": object{"SOA": object{"TTL": ttl}}} }

func TestNamespaces(t *testing.T) {
	inBothModes(t, func(h *harness) {
		defaultTTL := 5.0
		if h.strict() {
			defaultTTL = 900
		}
		for name, test := range map[string]struct {
			create string
			in     object
			kind   string
			ttl    any
		}{
			"http":           {"CreateHttpNamespace", object{}, "HTTP", nil},
			"private":        {"CreatePrivateDnsNamespace", object{"Vpc": "vpc-1"}, "DNS_PRIVATE", defaultTTL},
			"private.ttl":    {"CreatePrivateDnsNamespace", object{"Vpc": "vpc-1", "Properties": soa(0)}, "DNS_PRIVATE", 0.0},
			"public.example": {"CreatePublicDnsNamespace", object{"Properties": soa(77)}, "DNS_PUBLIC", 77.0},
		} {
			test.in["Name"], test.in["Description"], test.in["CreatorRequestId"] = name, "d", name
			id := h.target(h.call(test.create, test.in), "NAMESPACE")
			arn := "arn:aws:servicediscovery:eu-west-1:000000000000:namespace/" + id
			for _, ref := range []string{id, arn} {
				ns := at(h.call("GetNamespace", object{"Id": ref}), "Namespace")
				if text(ns, "Id") != id || text(ns, "Arn") != arn || text(ns, "Name") != name || text(ns, "Type") != test.kind ||
					text(ns, "Description") != "d" || text(ns, "CreatorRequestId") != name || text(ns, "ResourceOwner") != "000000000000" ||
					at(ns, "ServiceCount") != 0.0 || text(ns, "Properties", "HttpProperties", "HttpName") != name {
					h.Errorf("%s: got %v", ref, ns)
				}
				// Properties come for every type; the zone's only with DNS.
				zone, dns := text(ns, "Properties", "DnsProperties", "HostedZoneId"), at(ns, "Properties", "DnsProperties")
				if dns == nil || (test.kind == "HTTP") != (zone == "") || at(ns, "Properties", "DnsProperties", "SOA", "TTL") != test.ttl {
					h.Errorf("%s: got %v", name, dns)
				}
			}
		}
	})
}

func TestDescriptionLeftOut(t *testing.T) {
	h := newHarness(t, false)
	id := h.httpNamespace("h")
	svc := h.service(id, "s", nil)
	if ns := h.call("GetNamespace", object{"Id": id}); at(ns, "Namespace", "Description") != nil {
		t.Errorf("got %v", ns)
	}
	if s := h.call("GetService", object{"Id": svc}); at(s, "Service", "Description") != nil {
		t.Errorf("got %v", s)
	}
	h.call("UpdateHttpNamespace", object{"Id": id, "Namespace": object{"Description": ""}}) // Terraform sends that
}

func TestNamespaceErrors(t *testing.T) {
	inBothModes(t, func(h *harness) {
		h.setRules(setQuotas(3, 0, 0))
		id := h.target(h.call("CreateHttpNamespace", object{"Name": "h", "CreatorRequestId": "first"}), "NAMESPACE")
		public := h.publicNamespace("p.example")

		e := h.fails("NamespaceAlreadyExists", "CreateHttpNamespace", object{"Name": "h", "CreatorRequestId": "second"})
		if member(e, "NamespaceId") != id || member(e, "CreatorRequestId") != "first" {
			h.Errorf("got %+v", e)
		}
		h.fails("NamespaceAlreadyExists", "CreatePublicDnsNamespace", object{"Name": "P.example"})
		h.fails("NamespaceAlreadyExists", "CreatePrivateDnsNamespace", object{"Name": "other", "Vpc": "v", "CreatorRequestId": "first"})
		h.privateNamespace("q")
		for _, name := range []string{"CreateHttpNamespace", "CreatePrivateDnsNamespace", "CreatePublicDnsNamespace"} {
			in := object{"Name": "r.example"}
			if name == "CreatePrivateDnsNamespace" {
				in["Vpc"] = "vpc-1"
			}
			h.fails("ResourceLimitExceeded", name, in)
			in["Tags"] = manyTags(51)
			if e := h.fails("TooManyTagsException", name, in); member(e, "ResourceName") == "" {
				h.Errorf("%s: got %+v", name, e)
			}
			in["Tags"] = list{object{"Key": "aws:x", "Value": ""}}
			h.invalid("aws:", name, in)
			h.invalid("Value null at 'name' failed to satisfy constraint: Member must not be null", name, object{"Vpc": "v"})
		}
		h.invalid("HTTP", "UpdateHttpNamespace", object{"Id": public, "Namespace": object{"Description": "d"}})
		h.invalid("Value null at 'namespace.description'", "UpdateHttpNamespace", object{"Id": id, "Namespace": object{}})
		for _, name := range []string{"UpdateHttpNamespace", "UpdatePrivateDnsNamespace", "UpdatePublicDnsNamespace"} {
			h.fails("NamespaceNotFound", name, object{"Id": "ns-0", "Namespace": object{"Description": "d"}})
		}
		for _, name := range []string{"GetNamespace", "DeleteNamespace"} {
			h.fails("NamespaceNotFound", name, object{"Id": "ns-0"})
			h.fails("NamespaceNotFound", name, object{"Id": "arn:aws:servicediscovery:eu-west-1:111111111111:namespace/" + id})
			h.invalid("arn:", name, object{"Id": "arn:aws:servicediscovery:eu-west-1:000000000000:service/srv-0"})
			h.invalid("1 validation error detected: Value null at 'id' failed to satisfy constraint: Member must not be null", name, object{})
		}
		h.service(id, "s", nil)
		e = h.fails("ResourceInUse", "DeleteNamespace", object{"Id": id})
		const inUse = "Namespace has associated services; delete the services before deleting the namespace"
		if !strings.HasPrefix(e.Message, inUse) || h.strict() != (e.Message == inUse) {
			h.Errorf("got %q", e.Message)
		}
	})
}

func manyTags(n int) list {
	var tags list
	for i := range n {
		tags = append(tags, object{"Key": fmt.Sprint("t", i), "Value": ""})
	}
	return tags
}

func TestUpdateNamespaces(t *testing.T) {
	inBothModes(t, func(h *harness) {
		http, private, public := h.httpNamespace("h"), h.privateNamespace("p"), h.publicNamespace("p.example")
		for name, id := range map[string]string{"UpdateHttpNamespace": http, "UpdatePrivateDnsNamespace": private, "UpdatePublicDnsNamespace": public} {
			change := object{"Description": "new"}
			if id != http {
				change["Properties"] = soa(33)
			}
			in := object{"Id": id, "Namespace": change, "UpdaterRequestId": "u"}
			answer := h.call(name, in)
			if h.target(answer, "NAMESPACE") != id {
				h.Errorf("%s: %v", name, answer)
			}
			if again := h.call(name, in); again["OperationId"] != answer["OperationId"] {
				h.Errorf("%s: repeated, got %v, want %v", name, again, answer)
			}
			change["Description"] = "other"
			e := h.fails("DuplicateRequest", name, in)
			if member(e, "DuplicateOperationId") != answer["OperationId"] || !strings.Contains(e.Message, name) {
				h.Errorf("%s: got %+v", name, e)
			}
			ns := at(h.call("GetNamespace", object{"Id": id}), "Namespace")
			if text(ns, "Description") != "new" || id != http && at(ns, "Properties", "DnsProperties", "SOA", "TTL") != 33.0 {
				h.Errorf("%s: got %v", name, ns)
			}
		}
	})
}

// TestPrivateConflict is what Terraform greps for.
func TestPrivateConflict(t *testing.T) {
	inBothModes(t, func(h *harness) {
		h.privateNamespace("corp")
		answer := h.call("CreatePrivateDnsNamespace", object{"Name": "corp", "Vpc": "vpc-1"})
		op := at(h.call("GetOperation", answer), "Operation")
		if text(op, "Status") != "FAIL" || text(op, "ErrorCode") != "CANNOT_CREATE_HOSTED_ZONE" || !strings.Contains(text(op, "ErrorMessage"), "ConflictingDomainExists") {
			h.Errorf("got %v", op)
		}
	})
}
