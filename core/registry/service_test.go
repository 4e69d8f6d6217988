package registry_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

var (
	tcpCheck  = &registry.HealthCheck{Type: registry.CheckTCP}
	httpCheck = &registry.HealthCheck{Type: registry.CheckHTTP}
)

func TestCreateServiceTypes(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		http, private, public := w.namespace(registry.HTTP, "h"), w.namespace(registry.DNSPrivate, "p"), w.namespace(registry.DNSPublic, "p.example")
		for i, test := range []struct {
			ns   *registry.Namespace
			c    registry.CreateService
			want registry.ServiceType // empty: InvalidInput
		}{
			{http, registry.CreateService{}, registry.ServiceHTTP},
			{http, registry.CreateService{HTTPOnly: true}, registry.ServiceHTTP},
			{http, registry.CreateService{DNS: records("", registry.RecordA)}, ""},
			{private, registry.CreateService{DNS: records("", registry.RecordA)}, registry.ServiceDNSHTTP},
			{private, registry.CreateService{HTTPOnly: true}, registry.ServiceHTTP},
			{private, registry.CreateService{}, ""},
			{public, registry.CreateService{HTTPOnly: true, DNS: records("", registry.RecordA)}, ""},
			{public, registry.CreateService{DNS: records("", registry.RecordSRV)}, registry.ServiceDNSHTTP},
		} {
			c := test.c
			c.Name, c.NamespaceRef = fmt.Sprintf("s%d", i), string(test.ns.ID)
			if test.want == "" {
				refused[*command.InvalidInput](w, &c)
				continue
			}
			if got := w.service(test.ns, c); got.Type != test.want || got.Namespace != test.ns.ID || got.CreatedBy != testAccount {
				t.Errorf("%d: got %+v", i, got)
			}
		}
	})
}

func TestHTTPServiceWithDNSConfigText(t *testing.T) {
	w := newFixture(t, false)
	ns := w.namespace(registry.HTTP, "h")
	e := refused[*command.InvalidInput](w, &registry.CreateService{Name: "s", NamespaceRef: string(ns.ID), DNS: records("", registry.RecordA)})
	if want := "When you specify an HTTP service, you can't include a DnsConfig element."; e.Message != want {
		t.Errorf("got %q, want %q", e.Message, want)
	}
}

// TestServiceNamespaceRef: the deprecated DnsConfig.NamespaceId works alone.
func TestServiceNamespaceRef(t *testing.T) {
	w := newFixture(t, false)
	ns, other := w.namespace(registry.DNSPrivate, "p"), w.namespace(registry.DNSPrivate, "q")
	id, arn := string(ns.ID), w.rules.NamespaceARN(testAccount, ns.ID)
	for i, test := range []struct{ top, inDNS string }{{id, ""}, {"", id}, {id, id}, {arn, ""}, {"", arn}, {arn, id}, {id, arn}} {
		svc := w.do(&registry.CreateService{Name: fmt.Sprintf("s%d", i), NamespaceRef: test.top, DNSNamespaceRef: test.inDNS, DNS: records("", registry.RecordA)}).Value.(*registry.Service)
		if svc.Namespace != ns.ID {
			t.Errorf("%v: got %s", test, svc.Namespace)
		}
	}
	c := &registry.CreateService{Name: "s", DNS: records("", registry.RecordA)}
	if e := refused[*command.InvalidInput](w, c); e.Message != "Service namespace id cannot be null" {
		t.Errorf("none: got %q", e.Message)
	}
	c.NamespaceRef, c.DNSNamespaceRef = id, string(other.ID)
	refused[*command.InvalidInput](w, c)
	c.NamespaceRef, c.DNSNamespaceRef = "ns-0", ""
	refused[*registry.NamespaceNotFound](w, c)
	c.NamespaceRef, c.DNSNamespaceRef = "", "ns-0"
	refused[*registry.NamespaceNotFound](w, c)
}

func TestDNSConfigOfService(t *testing.T) {
	a, aaaa, srv, cname := registry.RecordA, registry.RecordAAAA, registry.RecordSRV, registry.RecordCNAME
	type types = []registry.RecordType
	for _, test := range []struct {
		types  types
		policy registry.RoutingPolicy
		want   registry.RoutingPolicy // empty: InvalidInput
	}{
		{types{a}, "", registry.Multivalue},
		{types{aaaa}, "", registry.Multivalue},
		{types{a, aaaa}, registry.Weighted, registry.Weighted},
		{types{aaaa, a}, "", registry.Multivalue},
		{types{srv}, registry.Multivalue, registry.Multivalue},
		{types{cname}, "", registry.Weighted},
		{types{cname}, registry.Weighted, registry.Weighted},
		{types{cname}, registry.Multivalue, ""},
		{types{a}, registry.Latency, registry.Latency},
		{types{cname}, registry.Latency, ""},
		{types{}, "", ""},
		{types{a, a}, "", ""},
		{types{a, srv}, "", registry.Multivalue}, // aws/aws-cdk#18894
		{types{srv, aaaa}, registry.Weighted, registry.Weighted},
		{types{a, cname}, "", ""},
		{types{a, aaaa, srv}, "", registry.Multivalue},
		{types{a, a, srv}, "", ""},
		{types{srv, cname}, "", ""},
	} {
		w := newFixture(t, false)
		ns := w.namespace(registry.DNSPrivate, "p")
		c := registry.CreateService{Name: "s", NamespaceRef: string(ns.ID), DNS: records(test.policy, test.types...)}
		if test.want == "" {
			refused[*command.InvalidInput](w, &c)
			continue
		}
		got := w.service(ns, c).DNS
		if got.Policy != test.want || len(got.Records) != len(test.types) || got.Records[0].Type != test.types[0] {
			t.Errorf("%v %s: got %+v", test.types, test.policy, got)
		}
	}
}

// TestDefaultTTL is row 6 of the decisions; that strict mode requires a TTL is
// for the edge to find.
func TestDefaultTTL(t *testing.T) {
	w := newFixture(t, false)
	ns := w.namespace(registry.DNSPrivate, "p")
	for given, want := range map[int64]int64{-1: 60, 0: 0, 1: 1, 2147483647: 2147483647} {
		svc := w.service(ns, registry.CreateService{Name: fmt.Sprint("s", given+1), DNS: &registry.DNSConfig{Records: []registry.DNSRecord{{Type: registry.RecordA, TTL: given}}}})
		if got := svc.DNS.Records[0].TTL; got != want {
			t.Errorf("TTL %d: got %d, want %d", given, got, want)
		}
	}
}

func TestHealthChecksOfService(t *testing.T) {
	a, cname := records("", registry.RecordA), records("", registry.RecordCNAME)
	for _, test := range []struct {
		name     string
		kind     registry.NamespaceType
		c        registry.CreateService
		extended *registry.HealthCheck // nil: InvalidInput
		strict   *registry.HealthCheck
	}{
		{"defaults of HTTP", registry.HTTP, registry.CreateService{HealthCheck: httpCheck},
			&registry.HealthCheck{Type: registry.CheckHTTP, ResourcePath: "/", FailureThreshold: 3},
			&registry.HealthCheck{Type: registry.CheckHTTP, ResourcePath: "/", FailureThreshold: 3}},
		{"path without slash", registry.DNSPublic, registry.CreateService{DNS: a, HealthCheck: &registry.HealthCheck{Type: registry.CheckHTTPS, ResourcePath: "live", FailureThreshold: 10}},
			&registry.HealthCheck{Type: registry.CheckHTTPS, ResourcePath: "/live", FailureThreshold: 10},
			&registry.HealthCheck{Type: registry.CheckHTTPS, ResourcePath: "/live", FailureThreshold: 10}},
		{"TCP", registry.DNSPublic, registry.CreateService{DNS: a, HealthCheck: tcpCheck},
			&registry.HealthCheck{Type: registry.CheckTCP, FailureThreshold: 3}, &registry.HealthCheck{Type: registry.CheckTCP, FailureThreshold: 3}},
		// Row 1 of the decisions.
		{"private namespace", registry.DNSPrivate, registry.CreateService{DNS: a, HealthCheck: tcpCheck},
			&registry.HealthCheck{Type: registry.CheckTCP, FailureThreshold: 3}, nil},
		{"TCP with a path", registry.HTTP, registry.CreateService{HealthCheck: &registry.HealthCheck{Type: registry.CheckTCP, ResourcePath: "/"}}, nil, nil},
		{"CNAME", registry.DNSPublic, registry.CreateService{DNS: cname, HealthCheck: httpCheck}, nil, nil},
		{"both checks", registry.HTTP, registry.CreateService{HealthCheck: httpCheck, CustomHealth: true}, nil, nil},
	} {
		inBothModes(t, func(t *testing.T, w *fixture) {
			want := test.extended
			if w.rules.Strict {
				want = test.strict
			}
			ns := w.namespace(test.kind, "n.example")
			c := test.c
			c.Name, c.NamespaceRef = "s", string(ns.ID)
			if want == nil {
				refused[*command.InvalidInput](w, &c)
				return
			}
			if got := w.service(ns, c).HealthCheck; *got != *want {
				t.Errorf("%s: got %+v, want %+v", test.name, got, want)
			}
		})
	}
}

// TestServiceNames: in a DNS namespace names must not differ by case alone.
func TestServiceNames(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		http, private := w.namespace(registry.HTTP, "h"), w.namespace(registry.DNSPrivate, "p")
		w.service(http, registry.CreateService{Name: "Web"})
		w.service(http, registry.CreateService{Name: "web"})
		first := w.service(private, registry.CreateService{Name: "Web", DNS: records("", registry.RecordA), CreatorRequestID: "r"})
		w.service(private, registry.CreateService{Name: ".", DNS: records("", registry.RecordA)})
		for _, c := range []registry.CreateService{
			{Name: "web", DNS: records("", registry.RecordA)},
			{Name: "WEB", HTTPOnly: true},
			{Name: "Web", DNS: records("", registry.RecordAAAA), CreatorRequestID: "s"},
		} {
			c.NamespaceRef = string(private.ID)
			e := refused[*registry.ServiceAlreadyExists](w, &c)
			if e.ID != first.ID || e.CreatorRequestID != "r" || e.Account != testAccount || e.Error() != "Service already exists." {
				t.Errorf("%s: got %+v", c.Name, e)
			}
		}
		if found, ok := w.currentNamespace(private.ID).Service("wEB"); !ok || found.Name != "Web" {
			t.Errorf("found %+v by another case", found)
		}
	})
}

func TestServiceNameTooLongForDNS(t *testing.T) {
	w := newFixture(t, false)
	ns := w.namespace(registry.DNSPrivate, strings.Repeat("abcdefghi.", 19)+"abc") // 193
	name := strings.Repeat("x", 59)
	w.service(ns, registry.CreateService{Name: name, DNS: records("", registry.RecordA)})
	refused[*command.InvalidInput](w, &registry.CreateService{Name: name + "x", NamespaceRef: string(ns.ID), DNS: records("", registry.RecordA)})
}

// TestRepeatedCreateService is row 15 of the decisions.
func TestRepeatedCreateService(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		ns := w.namespace(registry.DNSPublic, "p.example")
		create := func(name, description, request string) *registry.CreateService {
			return &registry.CreateService{Name: name, NamespaceRef: string(ns.ID), Description: description, CreatorRequestID: request,
				DNS: records("", registry.RecordA), HealthCheck: httpCheck, Tags: []registry.Tag{{Key: "k", Value: "v"}}}
		}
		first := w.do(create("web", "d", "r")).Value.(*registry.Service)
		revision := w.revision
		if again := w.do(create("web", "d", "r")).Value.(*registry.Service); again.ID != first.ID || w.revision != revision {
			t.Errorf("repeated, got %s", again.ID)
		}
		for _, c := range []*registry.CreateService{create("web", "other", "r"), create("web", "d", "s"), create("web", "d", ""), create("api", "d", "r")} {
			if e := refused[*registry.ServiceAlreadyExists](w, c); e.ID != first.ID || e.CreatorRequestID != "r" {
				t.Errorf("%+v: got %+v", c, e)
			}
		}
		w.do(&registry.DeleteService{Ref: string(first.ID)})
		w.do(create("api", "d", "r"))
	})
}

// TestServiceIDs is row 17 of the decisions.
func TestServiceIDs(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		ns := w.namespace(registry.HTTP, "h")
		first := w.service(ns, registry.CreateService{Name: "web"})
		if !regexp.MustCompile(`^srv-[a-z2-7]{16}$`).MatchString(string(first.ID)) {
			t.Errorf("service id %q", first.ID)
		}
		if other := w.service(ns, registry.CreateService{Name: "api"}); other.ID == first.ID {
			t.Errorf("two services have the id %s", other.ID)
		}
		w.do(&registry.DeleteService{Ref: string(first.ID)})
		again := w.service(ns, registry.CreateService{Name: "web"})
		if same := again.ID == first.ID; same != w.rules.Strict {
			t.Errorf("made again, %s became %s", first.ID, again.ID)
		}
	})
}

func TestServiceQuota(t *testing.T) {
	w := newFixture(t, false)
	w.limits = command.Limits{"services_per_namespace": 1}
	ns, other := w.namespace(registry.HTTP, "a"), w.namespace(registry.HTTP, "b")
	w.service(ns, registry.CreateService{Name: "web"})
	refused[*command.LimitExceeded](w, &registry.CreateService{Name: "api", NamespaceRef: string(ns.ID)})
	refused[*registry.ServiceAlreadyExists](w, &registry.CreateService{Name: "web", NamespaceRef: string(ns.ID)})
	w.service(other, registry.CreateService{Name: "api"})
}

func TestUpdateService(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		ns := w.namespace(registry.DNSPublic, "p.example")
		svc := w.service(ns, registry.CreateService{Name: "web", Description: "d", DNS: records(registry.Weighted, registry.RecordA), HealthCheck: httpCheck,
			Tags: []registry.Tag{{Key: "k", Value: "v"}}})
		w.register(svc.ID, "i", attrs{"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "80"})
		revision := w.currentService(svc.ID).InstancesRevision()

		op := w.operation(w.do(&registry.UpdateService{Ref: w.rules.ServiceARN(testAccount, svc.ID),
			Records:     []registry.DNSRecord{{Type: registry.RecordA, TTL: 5}},
			HealthCheck: &registry.HealthCheck{Type: registry.CheckHTTP, ResourcePath: "/live", FailureThreshold: 1}}))
		got := w.currentService(svc.ID)
		if op.Type != registry.UpdateServiceOperation || op.Targets()["SERVICE"] != string(svc.ID) {
			t.Errorf("operation %+v", op)
		}
		if got.DNS.Policy != registry.Weighted || got.DNS.Records[0].TTL != 5 || *got.HealthCheck != (registry.HealthCheck{Type: registry.CheckHTTP, ResourcePath: "/live", FailureThreshold: 1}) {
			t.Errorf("got %+v, %+v", got.DNS, got.HealthCheck)
		}
		if got.Description != "d" || got.Tags != svc.Tags || got.InstanceCount() != 1 || got.InstancesRevision() != revision {
			t.Errorf("an update touched what was not given: %+v", got)
		}

		w.do(&registry.UpdateService{Ref: string(svc.ID), Description: new("")})
		if got = w.currentService(svc.ID); got.DNS != nil || got.HealthCheck != nil || got.Description != "" {
			t.Errorf("what is left out is not removed: %+v", got)
		}
	})
}

func TestUpdateServiceRefused(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		public, http := w.namespace(registry.DNSPublic, "p.example"), w.namespace(registry.HTTP, "h")
		svc := w.service(public, registry.CreateService{Name: "a", DNS: records("", registry.RecordA), HealthCheck: httpCheck})
		only := w.service(public, registry.CreateService{Name: "b", HTTPOnly: true, CustomHealth: true})
		inHTTP := w.service(http, registry.CreateService{Name: "c"})
		a, aaaa := []registry.DNSRecord{{Type: registry.RecordA}}, []registry.DNSRecord{{Type: registry.RecordAAAA}}
		for _, test := range []struct {
			c    registry.UpdateService
			text string
		}{
			{registry.UpdateService{Ref: string(svc.ID), Records: aaaa}, "The record types in the request must be the same as those present in the existing service." +
				" Records in the existing service are [A], but the records in the request are [AAAA]. The record types of a service cannot be changed."},
			{registry.UpdateService{Ref: string(svc.ID), Records: a, HealthCheck: tcpCheck}, "Type of health check cannot be changed"},
			{registry.UpdateService{Ref: string(only.ID), Records: a}, "can't include a DnsConfig element"},
			{registry.UpdateService{Ref: string(only.ID), HealthCheck: tcpCheck}, "cannot be used together"},
			{registry.UpdateService{Ref: string(inHTTP.ID), Records: a}, ""},
		} {
			if e := refused[*command.InvalidInput](w, &test.c); !strings.Contains(e.Message, test.text) {
				t.Errorf("got %q, want %q", e.Message, test.text)
			}
		}
		if c := (registry.UpdateService{Ref: string(inHTTP.ID), Description: new("d")}); w.rules.Strict {
			refused[*command.InvalidInput](w, &c)
		} else if w.do(&c); w.currentService(inHTTP.ID).Description != "d" { // as Terraform's force_destroy needs
			t.Error("the description of a service in an HTTP namespace is not updated")
		}
		refused[*registry.ServiceNotFound](w, &registry.UpdateService{Ref: "srv-0"})
		if got := w.currentService(only.ID); !got.CustomHealth {
			t.Error("custom health was touched")
		}
	})
}

// TestUpdateServiceAddsCheck: instances that were in the answers stay there until
// probes say otherwise.
func TestUpdateServiceAddsCheck(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		ns := w.namespace(registry.DNSPublic, "p.example")
		svc := w.service(ns, registry.CreateService{Name: "a", DNS: records("", registry.RecordA)})
		w.register(svc.ID, "i", attrs{"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "80"})
		w.do(&registry.UpdateService{Ref: string(svc.ID), Records: []registry.DNSRecord{{Type: registry.RecordA}}, HealthCheck: tcpCheck})
		if got := w.currentService(svc.ID).Health(w.instance(svc.ID, "i")); got != registry.Healthy {
			t.Errorf("got %s, want HEALTHY", got)
		}
	})
}

// TestDeleteServiceInUse is row 24 of the decisions.
func TestDeleteServiceInUse(t *testing.T) {
	const text = "Service contains registered instances; delete the instances before deleting the service"
	inBothModes(t, func(t *testing.T, w *fixture) {
		svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "web"})
		for i := range 6 {
			w.register(svc.ID, registry.InstanceID(fmt.Sprintf("inst-%d", i)), nil)
		}
		e := refused[*command.Conflict](w, &registry.DeleteService{Ref: string(svc.ID)})
		if w.rules.Strict && e.Message != text {
			t.Errorf("strict: got %q", e.Message)
		}
		if !w.rules.Strict && (!strings.HasPrefix(e.Message, text) || strings.Count(e.Message, "inst-") != 5 || !strings.Contains(e.Message, "6")) {
			t.Errorf("extended: got %q", e.Message)
		}
		for i := range 6 {
			w.deregister(svc.ID, registry.InstanceID(fmt.Sprintf("inst-%d", i)))
		}
		w.do(&registry.DeleteService{Ref: string(svc.ID)})
		refused[*registry.ServiceNotFound](w, &registry.DeleteService{Ref: string(svc.ID)})
	})
}

func TestServiceAttributes(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "web"})
		ref := w.rules.ServiceARN(testAccount, svc.ID)
		if got := svc.Attributes.Map(); got == nil || len(got) != 0 {
			t.Errorf("at first: %v", got)
		}
		w.do(&registry.UpdateServiceAttributes{Ref: ref, Attributes: attrs{"a": "1", "b": "2"}})
		w.do(&registry.UpdateServiceAttributes{Ref: ref, Attributes: attrs{"b": "3", "c": ""}})
		w.do(&registry.DeleteServiceAttributes{Ref: ref, Keys: []string{"a", "missing"}})
		if got := fmt.Sprint(w.currentService(svc.ID).Attributes.Map()); got != "map[b:3 c:]" {
			t.Errorf("got %s", got)
		}
		w.do(&registry.UpdateServiceAttributes{Ref: ref, Attributes: numbered(28, "v")}) // 30 now
		refused[*registry.ServiceAttributesLimitExceeded](w, &registry.UpdateServiceAttributes{Ref: ref, Attributes: attrs{"one": "more"}})
		w.do(&registry.UpdateServiceAttributes{Ref: ref, Attributes: attrs{"b": "4"}})
		refused[*registry.ServiceNotFound](w, &registry.UpdateServiceAttributes{Ref: "srv-0", Attributes: attrs{"a": ""}})
		refused[*registry.ServiceNotFound](w, &registry.DeleteServiceAttributes{Ref: "srv-0", Keys: []string{"a"}})
	})
}

// The rule is the pattern that CreateService documents.
func TestCheckServiceName(t *testing.T) {
	ns := &registry.Namespace{Name: "internal", Type: registry.DNSPrivate}
	label := strings.Repeat("x", 63)
	for _, name := range []string{"a", "web", "Web_1", "_http._tcp", "a.b", "0", label, label + "." + label, "."} {
		if err := registry.CheckServiceName(ns, name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "_", "a b", "a..b", ".a", "a.", "-a", "a-", "a.-b", "ü", "a/b", "a\x00", label + "x", label + "." + label + ".a"} {
		if err := registry.CheckServiceName(ns, name); err == nil {
			t.Errorf("%q is allowed", name)
		}
	}
	ns.Name = strings.Repeat(label+".", 3) + "x"
	if err := registry.CheckServiceName(ns, label); err == nil {
		t.Error("a name of more than 253 characters is allowed")
	}
}
