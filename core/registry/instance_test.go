package registry_test

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

func TestRegisterInstance(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		ns := w.namespace(registry.DNSPublic, "p.example")
		svc := w.service(ns, registry.CreateService{Name: "web", DNS: records("", registry.RecordA), CustomHealth: true})
		given := attrs{"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INIT_HEALTH_STATUS": "UNHEALTHY", "HOSTNAME": ""}
		op := w.operation(w.do(&registry.RegisterInstance{ServiceRef: w.rules.ServiceARN(testAccount, svc.ID), ID: "i", Attributes: given, CreatorRequestID: "r"}))
		if op.Type != registry.RegisterInstanceOperation || !maps.Equal(op.Targets(), attrs{"INSTANCE": "i", "SERVICE": string(svc.ID)}) {
			t.Errorf("operation %+v", op)
		}
		inst := w.instance(svc.ID, "i")
		if !maps.Equal(inst.Attributes().Map(), given) || inst.CreatorRequestID() != "r" {
			t.Errorf("got %+v", inst)
		}

		// The same id again replaces everything, health included.
		w.do(&registry.RegisterInstance{ServiceRef: string(svc.ID), ID: "i", Attributes: attrs{"AWS_INSTANCE_IPV4": "10.0.0.2"}, CreatorRequestID: "s"})
		inst = w.instance(svc.ID, "i")
		if !maps.Equal(inst.Attributes().Map(), attrs{"AWS_INSTANCE_IPV4": "10.0.0.2"}) || inst.CreatorRequestID() != "s" || inst.Health != registry.Healthy {
			t.Errorf("registered again: got %+v", inst)
		}
		if got := w.currentService(svc.ID).InstanceCount(); got != 1 {
			t.Errorf("%d instances", got)
		}
		refused[*registry.ServiceNotFound](w, &registry.RegisterInstance{ServiceRef: "srv-0", ID: "i"})
	})
}

func TestDeregisterInstance(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "web"})
		registered := w.register(svc.ID, "i", nil)
		reply := w.deregister(svc.ID, "i")
		op := w.operation(reply)
		if op.Type != registry.DeregisterInstanceOperation || !maps.Equal(op.Targets(), attrs{"INSTANCE": "i", "SERVICE": string(svc.ID)}) {
			t.Errorf("operation %+v", op)
		}
		if registered.ID[:32] != reply.ID[:32] {
			t.Errorf("operations %s and %s of one instance begin differently", registered.ID, reply.ID)
		}
		refused[*registry.InstanceNotFound](w, &registry.DeregisterInstance{ServiceRef: string(svc.ID), ID: "i"})
		refused[*registry.ServiceNotFound](w, &registry.DeregisterInstance{ServiceRef: "srv-0", ID: "i"})
	})
}

// TestInstanceAttributesNeeded is the table of facts §2.1. An empty text means
// that the attributes are accepted.
func TestInstanceAttributesNeeded(t *testing.T) {
	const v4, v6, port, cname, alias = "AWS_INSTANCE_IPV4", "AWS_INSTANCE_IPV6", "AWS_INSTANCE_PORT", "AWS_INSTANCE_CNAME", "AWS_ALIAS_DNS_NAME"
	values := attrs{v4: "10.0.0.1", v6: "2001:db8::1", port: "80", cname: "elsewhere.example", alias: "lb.example"}
	a, aaaa, srv := registry.RecordA, registry.RecordAAAA, registry.RecordSRV
	for name, test := range map[string]struct {
		dns   *registry.DNSConfig
		check *registry.HealthCheck
		keys  []string
		text  string
	}{
		"A":                      {dns: records("", a), keys: []string{v4}},
		"A, everything":          {dns: records("", a), keys: []string{v4, v6, port, cname}},
		"A without":              {dns: records("", a), keys: []string{v6}, text: v4},
		"AAAA":                   {dns: records("", aaaa), keys: []string{v6}},
		"AAAA without":           {dns: records("", aaaa), keys: []string{v4}, text: v6},
		"A+AAAA, one":            {dns: records("", a, aaaa), keys: []string{v4}},
		"A+AAAA, other":          {dns: records("", a, aaaa), keys: []string{v6}},
		"A+AAAA, both":           {dns: records("", a, aaaa), keys: []string{v4, v6}},
		"A+AAAA, none":           {dns: records("", a, aaaa), keys: []string{port}, text: v4},
		"SRV":                    {dns: records("", srv), keys: []string{v4, port}},
		"SRV, IPv6":              {dns: records("", srv), keys: []string{v6, port}},
		"SRV without port":       {dns: records("", srv), keys: []string{v4}, text: "A valid port number must be supplied."},
		"SRV without address":    {dns: records("", srv), keys: []string{port}, text: v4},
		"CNAME":                  {dns: records("", registry.RecordCNAME), keys: []string{cname}},
		"CNAME without":          {dns: records("", registry.RecordCNAME), keys: []string{v4}, text: cname},
		"alias":                  {dns: records(registry.Weighted, a), keys: []string{alias}},
		"alias, A+AAAA":          {dns: records(registry.Weighted, a, aaaa), keys: []string{alias}},
		"alias with address":     {dns: records(registry.Weighted, a), keys: []string{alias, v4}, text: v4},
		"alias with port":        {dns: records(registry.Weighted, a), keys: []string{alias, port}, text: port},
		"alias, MULTIVALUE":      {dns: records("", a), keys: []string{alias}, text: "WEIGHTED"},
		"alias, SRV":             {dns: records(registry.Weighted, srv), keys: []string{alias}, text: alias},
		"alias, no DNS":          {keys: []string{alias}, text: alias},
		"no DNS, nothing":        {},
		"no DNS, anything":       {keys: []string{v4, v6, port, cname}},
		"check":                  {check: tcpCheck, keys: []string{v4, port}},
		"check, IPv6":            {check: tcpCheck, keys: []string{v6, port}},
		"check without port":     {check: tcpCheck, keys: []string{v4}, text: port},
		"check without address":  {check: httpCheck, keys: []string{port}, text: v4},
		"check, A without port":  {dns: records("", a), check: tcpCheck, keys: []string{v4}, text: port},
		"check, alias":           {dns: records(registry.Weighted, a), check: tcpCheck, keys: []string{alias}},
		"check, custom and more": {check: tcpCheck, keys: []string{v4, port, "custom"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t, false)
			ns := w.namespace(registry.DNSPublic, "p.example")
			svc := w.service(ns, registry.CreateService{Name: "s", DNS: test.dns, HTTPOnly: test.dns == nil, HealthCheck: test.check})
			given := attrs{}
			for _, key := range test.keys {
				given[key] = values[key]
			}
			c := &registry.RegisterInstance{ServiceRef: string(svc.ID), ID: "i", Attributes: given}
			if test.text == "" {
				w.do(c)
			} else if e := refused[*command.InvalidInput](w, c); !strings.Contains(e.Message, test.text) {
				t.Errorf("got %q, want something about %s", e.Message, test.text)
			}
		})
	}
}

func TestInstanceAttributeValues(t *testing.T) {
	for _, test := range []struct {
		key   string
		good  []string
		wrong []string
	}{
		{"AWS_INSTANCE_IPV4", []string{"0.0.0.0", "255.255.255.255"}, []string{"", "10.0.0.256", "10.0.0", "010.0.0.1", "::1", "::ffff:10.0.0.1", "a"}},
		{"AWS_INSTANCE_IPV6", []string{"::", "2001:DB8::1", "::ffff:10.0.0.1"}, []string{"", "10.0.0.1", "fe80::1%eth0", "2001:db8:::1", "[::1]"}},
		{"AWS_INSTANCE_PORT", []string{"1", "65535"}, []string{"", "0", "65536", "-1", "+80", "80 ", "0x50", "http"}},
		{"AWS_INSTANCE_CNAME", []string{"a", "a.example.", "_x.example"}, []string{"", ".", "a..b", "a b", strings.Repeat("x", 64) + ".example"}},
		{"AWS_INIT_HEALTH_STATUS", []string{"HEALTHY", "UNHEALTHY"}, []string{"", "healthy", "UNKNOWN"}},
		{"AWS_ECS_ANYTHING", []string{"", "x"}, nil},
		{"AWS_INSTANCE_FOO", nil, []string{"x"}},
		{"AWS_", nil, []string{"x"}},
		{"aws_instance_ipv4", []string{"anything"}, nil},
		{"weight", []string{"not a number"}, nil}, // means something only with WEIGHTED
	} {
		inBothModes(t, func(t *testing.T, w *fixture) {
			svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "s", CustomHealth: true})
			for _, v := range test.good {
				w.register(svc.ID, "i", attrs{test.key: v})
			}
			for _, v := range test.wrong {
				e := refused[*command.InvalidInput](w, &registry.RegisterInstance{ServiceRef: string(svc.ID), ID: "i", Attributes: attrs{test.key: v}})
				if inText := strings.Contains(e.Message, test.key) || w.rules.Strict && strings.Contains(e.Message, "InitHealthStatus"); !inText {
					t.Errorf("%s=%q: got %q", test.key, v, e.Message)
				}
			}
		})
	}
}

// TestUnknownAttribute is row 18 of the decisions: the known ones are named.
func TestUnknownAttribute(t *testing.T) {
	w := newFixture(t, false)
	svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "s"})
	e := refused[*command.InvalidInput](w, &registry.RegisterInstance{ServiceRef: string(svc.ID), ID: "i", Attributes: attrs{"AWS_FOO": "x"}})
	for _, key := range []string{"AWS_FOO", "AWS_ALIAS_DNS_NAME", "AWS_EC2_INSTANCE_ID", "AWS_INIT_HEALTH_STATUS", "AWS_INSTANCE_CNAME", "AWS_INSTANCE_IPV4", "AWS_INSTANCE_IPV6", "AWS_INSTANCE_PORT"} {
		if !strings.Contains(e.Message, key) {
			t.Errorf("%q does not name %s", e.Message, key)
		}
	}
}

// TestWeight is row 5 of the decisions.
func TestWeight(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		ns := w.namespace(registry.DNSPublic, "p.example")
		svc := w.service(ns, registry.CreateService{Name: "s", DNS: records(registry.Weighted, registry.RecordA)})
		for value, good := range map[string]bool{"0": true, "255": true, "256": false, "-1": false, "": false, "x": false, "1.5": false} {
			c := &registry.RegisterInstance{ServiceRef: string(svc.ID), ID: "i", Attributes: attrs{"AWS_INSTANCE_IPV4": "10.0.0.1", "weight": value}}
			if good || w.rules.Strict {
				w.do(c)
			} else {
				refused[*command.InvalidInput](w, c)
			}
		}
	})
}

func TestInitialHealthNeedsCustomCheck(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		ns := w.namespace(registry.HTTP, "h")
		given := attrs{"AWS_INIT_HEALTH_STATUS": "HEALTHY", "AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "80"}
		for name, c := range map[string]registry.CreateService{"none": {Name: "a"}, "checked": {Name: "b", HealthCheck: tcpCheck}} {
			svc := w.service(ns, c)
			e := refused[*command.InvalidInput](w, &registry.RegisterInstance{ServiceRef: string(svc.ID), ID: "i", Attributes: given})
			if !strings.Contains(e.Message, "AWS_INIT_HEALTH_STATUS") {
				t.Errorf("%s: got %q", name, e.Message)
			}
		}
		svc := w.service(ns, registry.CreateService{Name: "c", CustomHealth: true})
		w.register(svc.ID, "i", given)
	})
}

func TestAttributeLimits(t *testing.T) {
	merge := func(m attrs, more attrs) attrs { maps.Copy(m, more); return m }
	sized := func(total int) attrs { // ten custom attributes of that many characters in all
		m := numbered(10, "")
		for i := range 10 {
			m[fmt.Sprintf("k%d", i)] = strings.Repeat("v", total/10-2)
		}
		m["k0"] += strings.Repeat("v", total-total/10*10)
		return m
	}
	for name, test := range map[string]struct {
		attrs attrs
		ok    bool
	}{
		"30 custom":                     {numbered(30, ""), true},
		"31 custom":                     {numbered(31, ""), false},
		"30 custom and those of AWS":    {merge(numbered(30, ""), attrs{"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "1"}), true},
		"5000 characters":               {sized(5000), true},
		"5001 characters":               {sized(5001), false},
		"5000 characters, not in ASCII": {attrs{"k": strings.Repeat("é", 4999)}, true},
	} {
		inBothModes(t, func(t *testing.T, w *fixture) {
			svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "s"})
			c := &registry.RegisterInstance{ServiceRef: string(svc.ID), ID: "i", Attributes: test.attrs}
			if test.ok {
				w.do(c)
				if !maps.Equal(w.instance(svc.ID, "i").Attributes().Map(), test.attrs) {
					t.Errorf("%s: not kept", name)
				}
			} else {
				refused[*command.InvalidInput](w, c)
			}
		})
	}
}

func TestEC2Instance(t *testing.T) {
	w := newFixture(t, false)
	w.rules.EC2Instances = map[string]netip.Addr{"i-0abc": netip.MustParseAddr("10.1.2.3")}
	http, private := w.namespace(registry.HTTP, "h"), w.namespace(registry.DNSPrivate, "p")
	custom := w.service(http, registry.CreateService{Name: "custom", CustomHealth: true})
	given := attrs{"AWS_EC2_INSTANCE_ID": "i-0abc", "AWS_INIT_HEALTH_STATUS": "UNHEALTHY", "own": "x"}
	w.register(custom.ID, "i", given)
	if got := w.instance(custom.ID, "i").Attributes(); !maps.Equal(got.Map(), attrs{"AWS_EC2_INSTANCE_ID": "i-0abc", "AWS_INIT_HEALTH_STATUS": "UNHEALTHY", "own": "x", "AWS_INSTANCE_IPV4": "10.1.2.3"}) {
		t.Errorf("got %v", got.Map())
	}
	if len(given) != 3 {
		t.Errorf("the caller's map was changed: %v", given)
	}
	for name, test := range map[string]struct {
		svc   *registry.Service
		attrs attrs
	}{
		"unknown id":    {custom, attrs{"AWS_EC2_INSTANCE_ID": "i-1"}},
		"with address":  {custom, attrs{"AWS_EC2_INSTANCE_ID": "i-0abc", "AWS_INSTANCE_IPV4": "10.1.2.3"}},
		"with port":     {custom, attrs{"AWS_EC2_INSTANCE_ID": "i-0abc", "AWS_INSTANCE_PORT": "80"}},
		"DNS namespace": {w.service(private, registry.CreateService{Name: "s", HTTPOnly: true}), attrs{"AWS_EC2_INSTANCE_ID": "i-0abc"}},
		"check":         {w.service(http, registry.CreateService{Name: "checked", HealthCheck: tcpCheck}), attrs{"AWS_EC2_INSTANCE_ID": "i-0abc"}},
		"own, strict":   {custom, attrs{"AWS_EC2_INSTANCE_ID": "i-0abc", "own": "x"}},
	} {
		w.rules.Strict = strings.HasSuffix(name, "strict")
		e := refused[*command.InvalidInput](w, &registry.RegisterInstance{ServiceRef: string(test.svc.ID), ID: "j", Attributes: test.attrs})
		if !strings.Contains(e.Message, "AWS_EC2_INSTANCE_ID") {
			t.Errorf("%s: got %q", name, e.Message)
		}
	}
}

// TestInstanceIDInSRV is row 19 of the decisions.
func TestInstanceIDInSRV(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		ns := w.namespace(registry.DNSPrivate, "p")
		srv := w.service(ns, registry.CreateService{Name: "srv", DNS: records("", registry.RecordSRV)})
		plain := w.service(ns, registry.CreateService{Name: "a", DNS: records("", registry.RecordA)})
		given := attrs{"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "80"}
		long := registry.InstanceID(strings.Repeat("x", 64))
		w.register(plain.ID, long, given)
		w.register(srv.ID, "tcp/10.0.0.1:80@host", given)
		w.register(srv.ID, long[:63], given)
		c := &registry.RegisterInstance{ServiceRef: string(srv.ID), ID: long, Attributes: given, CreatorRequestID: "r"}
		if !w.rules.Strict {
			refused[*command.InvalidInput](w, c)
		} else if op := w.operation(w.do(c)); op.ErrorCode != "INVALID_CHANGE_BATCH" || op.ErrorMessage == "" || op.Status() != "FAIL" {
			t.Errorf("operation %+v", op)
		} else if again := w.do(c); again.ID != string(op.ID) {
			t.Errorf("repeated, got %s, want %s", again.ID, op.ID)
		}
		if _, ok := w.currentService(srv.ID).Instance(long); ok {
			t.Error("it was registered nevertheless")
		}
	})
}

// TestRepeatedRegisterInstance is row 15 of the decisions. A new request id on
// an instance that is there is an update.
func TestRepeatedRegisterInstance(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		svc := w.service(w.namespace(registry.HTTP, "h"), registry.CreateService{Name: "s", CustomHealth: true})
		register := func(value, request string) *registry.RegisterInstance {
			return &registry.RegisterInstance{ServiceRef: string(svc.ID), ID: "i", Attributes: attrs{"k": value}, CreatorRequestID: request}
		}
		first := w.do(register("1", "r"))
		w.do(&registry.SetCustomHealth{ServiceRef: string(svc.ID), ID: "i", Health: registry.Unhealthy})
		revision := w.revision
		if again := w.do(register("1", "r")); again.ID != first.ID || !again.Unchanged || w.revision != revision {
			t.Errorf("repeated, got %s at %d, want %s at %d", again.ID, w.revision, first.ID, revision)
		}
		for i, c := range []*registry.RegisterInstance{register("2", "r"), register("1", "s"), register("1", ""), register("1", "")} {
			before := w.currentService(svc.ID).InstancesRevision()
			if reply := w.do(c); reply == first || w.currentService(svc.ID).InstancesRevision() != before+1 {
				t.Errorf("%d: taken for the first request", i)
			}
		}
		w.deregister(svc.ID, "i")
		if again := w.do(register("1", "s")); again == first {
			t.Error("an instance that is gone is not registered again")
		}
		w.instance(svc.ID, "i")
	})
}

// TestRegisterAgainKeepsVerdict: a client that registers its instances again must not
// remove them from the answers (hashicorp/consul#868). In strict mode a new check is
// healthy until probes say otherwise, as with AWS.
func TestRegisterAgainKeepsVerdict(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		given := attrs{"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "80", "k": "v"}
		with := func(key, value string) attrs {
			a := maps.Clone(given)
			a[key] = value
			return a
		}
		for _, verdict := range []registry.Health{registry.Healthy, registry.Unhealthy} {
			for name, test := range map[string]struct {
				attrs attrs
				keeps bool
			}{
				"the same":          {given, true},
				"another attribute": {with("k", "w"), true},
				"another port":      {with("AWS_INSTANCE_PORT", "81"), false},
				"another address":   {with("AWS_INSTANCE_IPV4", "10.0.0.2"), false},
				"one more address":  {with("AWS_INSTANCE_IPV6", "2001:db8::1"), false},
			} {
				ns := w.namespace(registry.DNSPublic, fmt.Sprintf("n%d.example", w.commands))
				svc := w.service(ns, registry.CreateService{Name: "s", HTTPOnly: true, HealthCheck: tcpCheck})
				w.register(svc.ID, "i", given)
				w.do(&registry.SetVerdicts{Verdicts: []registry.Verdict{w.verdict(svc.ID, verdict)}})
				changed := w.instance(svc.ID, "i").Changed
				w.register(svc.ID, "i", test.attrs)
				want := registry.Unknown
				switch {
				case w.rules.Strict:
					want = registry.Healthy
				case test.keeps:
					want = verdict
				}
				inst := w.instance(svc.ID, "i")
				if inst.Health != want || test.keeps && !w.rules.Strict && inst.Changed != changed {
					t.Errorf("%s after %s: got %s of %d, want %s of %d", name, verdict, inst.Health, inst.Changed, want, changed)
				}
			}
		}
	})
}

// TestTextsOfAWS are texts of real deployments in 2026, for strict mode.
func TestTextsOfAWS(t *testing.T) {
	a, aaaa, srv, cname := registry.RecordA, registry.RecordAAAA, registry.RecordSRV, registry.RecordCNAME
	w := newFixture(t, true)
	public, private, http := w.namespace(registry.DNSPublic, "p.example"), w.namespace(registry.DNSPrivate, "p.internal"), w.namespace(registry.HTTP, "h")
	for i, test := range []struct {
		service registry.CreateService
		attrs   attrs
		text    string
	}{
		{registry.CreateService{DNS: records("", a)}, attrs{}, "Required attribute(s) AWS_INSTANCE_IPV4 are missing."},
		{registry.CreateService{DNS: records("", aaaa)}, attrs{}, "Required attribute(s) AWS_INSTANCE_IPV6 are missing."},
		{registry.CreateService{DNS: records("", srv)}, attrs{"AWS_INSTANCE_IPV4": "10.0.0.1"}, "Required attribute(s) AWS_INSTANCE_PORT are missing."},
		{registry.CreateService{DNS: records("", cname)}, attrs{}, "Required attribute(s) AWS_INSTANCE_CNAME are missing."},
		{registry.CreateService{DNS: records("", srv)}, attrs{"AWS_INSTANCE_PORT": "1"}, "At least one of AWS_INSTANCE_IPV4 AWS_INSTANCE_IPV6 is required."},
		{registry.CreateService{DNS: records("", a, aaaa)}, attrs{}, "At least one of AWS_INSTANCE_IPV4 AWS_INSTANCE_IPV6 is required."},
		{registry.CreateService{HTTPOnly: true}, attrs{"AWS_MY_ATTR": ""}, "Invalid attribute: [AWS_MY_ATTR]. [aws_] prefix is reserved for AWS attributes."},
		{registry.CreateService{HTTPOnly: true, CustomHealth: true}, attrs{"AWS_INIT_HEALTH_STATUS": "UNKNOWN"}, "No enum constant com.amazon.route53.autonaming.model.InitHealthStatus.UNKNOWN"},
		{registry.CreateService{HTTPOnly: true, HealthCheck: tcpCheck}, attrs{"AWS_INSTANCE_IPV4": "10.0.0.1"}, "A port must be supplied in order to register this instance."},
		{registry.CreateService{DNS: records("", a)}, attrs{"AWS_ALIAS_DNS_NAME": "lb.example"}, "ALIAS instance can be registered only in services with WEIGHTED routing policy"},
		{registry.CreateService{HTTPOnly: true}, attrs{"k": strings.Repeat("x", 5000)}, "Instance attributes too large. Maximum allowed size of all attributes is 5000 characters."},
	} {
		test.service.Name, test.service.NamespaceRef = fmt.Sprint("s", i), string(public.ID)
		svc := w.service(public, test.service)
		e := refused[*command.InvalidInput](w, &registry.RegisterInstance{ServiceRef: string(svc.ID), ID: "i", Attributes: test.attrs})
		if e.Message != test.text {
			t.Errorf("got %q, want %q", e.Message, test.text)
		}
	}
	for _, test := range []struct {
		ns      *registry.Namespace
		service registry.CreateService
		text    string
	}{
		{public, registry.CreateService{DNS: records("", a, a)}, "Duplicate resource record typeAin DNS config is not expected"},
		{public, registry.CreateService{DNS: records("", a, cname)}, "DnsRecord Type CNAME cannot be combined with other types"},
		{public, registry.CreateService{DNS: records(registry.Multivalue, cname)}, "WEIGHTED routing policy must be used with DNS Record Type CNAME"},
		{public, registry.CreateService{DNS: records("", cname), HealthCheck: tcpCheck}, "Health check config must not be used. Health checks are not supported for CNAME"},
		{private, registry.CreateService{DNS: records("", a), HealthCheck: tcpCheck}, "Health check config cannot be applied to a service with private namespace"},
		{http, registry.CreateService{DNS: records("", a)}, "When you create a service using a namespace that has a type of HTTP, you can't include a DnsConfig element."},
	} {
		test.service.Name, test.service.NamespaceRef = "refused", string(test.ns.ID)
		if e := refused[*command.InvalidInput](w, &test.service); e.Message != test.text {
			t.Errorf("got %q, want %q", e.Message, test.text)
		}
	}
	many := attrs{}
	for i := range 31 {
		many[fmt.Sprintf("k%02d", i)] = ""
	}
	svc := w.service(http, registry.CreateService{Name: "many"})
	e := refused[*command.InvalidInput](w, &registry.RegisterInstance{ServiceRef: string(svc.ID), ID: "i", Attributes: many})
	if !strings.HasPrefix(e.Message, "Too many attributes provided: [k00, k01, ") || !strings.HasSuffix(e.Message, "k30]. The current limit is 30") {
		t.Errorf("got %q", e.Message)
	}
}

// TestRevisionOfOneService: it counts the changes of one service, so that no account
// learns of the writes of others, and it does not fall if the service is created again.
func TestRevisionOfOneService(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		ns := w.namespace(registry.HTTP, "h")
		mine, other := w.service(ns, registry.CreateService{Name: "mine"}), w.service(ns, registry.CreateService{Name: "other"})
		revision := func() uint64 { return w.currentService(mine.ID).InstancesRevision() }
		first := revision()
		for i := range 5 {
			w.register(other.ID, registry.InstanceID(fmt.Sprint(i)), nil)
		}
		if got := revision(); got != first {
			t.Errorf("revision %d after changes of another service, want %d", got, first)
		}
		w.register(mine.ID, "i", attrs{"a": "1"})
		w.register(mine.ID, "i", attrs{"a": "2"})
		w.deregister(mine.ID, "i")
		if got := revision(); got != first+3 {
			t.Errorf("revision %d after three changes, want %d", got, first+3)
		}
		last := revision()
		w.do(&registry.DeleteService{Ref: string(mine.ID)})
		w.checkReload()
		mine = w.service(ns, registry.CreateService{Name: "mine"})
		if got := revision(); got <= last {
			t.Errorf("revision %d of the service that was created again, after %d", got, last)
		}
		w.do(&registry.DeleteService{Ref: string(mine.ID)})
		for i := range 5 {
			w.deregister(other.ID, registry.InstanceID(fmt.Sprint(i)))
		}
		w.do(&registry.DeleteService{Ref: string(other.ID)})
		w.do(&registry.DeleteNamespace{Ref: string(ns.ID)})
		w.checkReload()
		ns = w.namespace(registry.HTTP, "h")
		mine = w.service(ns, registry.CreateService{Name: "mine"})
		if got := revision(); got <= last {
			t.Errorf("revision %d in the namespace that was created again, after %d", got, last)
		}
	})
}

// A record without a number is older: the revision of the store counts, so that the
// revisions of existing services do not fall.
func TestUnnumberedRevision(t *testing.T) {
	w := newFixture(t, false)
	ns := w.namespace(registry.HTTP, "h")
	svc := w.service(ns, registry.CreateService{Name: "s"})
	d := registry.NewDraft(w.state)
	c, err := registry.Slice{}.Decode("3t/"+string(testAccount)+"/"+string(ns.ID)+"/"+string(svc.ID), []byte{})
	if err != nil {
		t.Fatal(err)
	}
	d.Apply(1000, c)
	w.state = d.State()
	if got := w.currentService(svc.ID).InstancesRevision(); got != 1000 {
		t.Errorf("revision %d", got)
	}
}

func TestInstanceQuotas(t *testing.T) {
	w := newFixture(t, false)
	w.limits = command.Limits{"instances_per_service": 2, "instances_per_namespace": 3}
	ns := w.namespace(registry.HTTP, "h")
	a, b := w.service(ns, registry.CreateService{Name: "a"}), w.service(ns, registry.CreateService{Name: "b"})
	w.register(a.ID, "1", nil)
	w.register(a.ID, "2", nil)
	e := refused[*command.LimitExceeded](w, &registry.RegisterInstance{ServiceRef: string(a.ID), ID: "3"})
	if !strings.Contains(e.What, "service") || e.Limit != 2 || e.Setting != "quotas.instances_per_service" || !strings.HasSuffix(e.Error(), ": quotas.instances_per_service in the configuration raises it") {
		t.Errorf("got %v", e)
	}
	w.register(a.ID, "2", attrs{"k": "v"}) // an update needs no room
	w.register(b.ID, "1", nil)
	e = refused[*command.LimitExceeded](w, &registry.RegisterInstance{ServiceRef: string(b.ID), ID: "2"})
	if !strings.Contains(e.What, "namespace") || e.Limit != 3 {
		t.Errorf("got %v", e)
	}
	w.deregister(a.ID, "1")
	w.register(b.ID, "2", nil)
}

// TestInstancesRevision: it rises with registrations and deregistrations alone,
// and never falls, not even when the service is made again.
func TestInstancesRevision(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		ns := w.namespace(registry.DNSPublic, "p.example")
		create := registry.CreateService{Name: "s", DNS: records("", registry.RecordA), CustomHealth: true}
		svc := w.service(ns, create)
		given := attrs{"AWS_INSTANCE_IPV4": "10.0.0.1"}
		last := svc.InstancesRevision()
		step := func(what string, rises bool) {
			t.Helper()
			now := w.currentService(svc.ID).InstancesRevision()
			if now < last || rises != (now > last) {
				t.Errorf("after %s: %d, was %d", what, now, last)
			}
			last = now
		}
		w.register(svc.ID, "i", given)
		step("register", true)
		w.do(&registry.SetCustomHealth{ServiceRef: string(svc.ID), ID: "i", Health: registry.Unhealthy})
		step("health", false)
		w.now += 60_000
		w.do(&registry.SettleHealth{Max: 10})
		step("delayed health", false)
		w.do(&registry.UpdateService{Ref: string(svc.ID), Records: []registry.DNSRecord{{Type: registry.RecordA}}})
		step("update", false)
		w.do(&registry.TagResource{ARN: w.rules.ServiceARN(testAccount, svc.ID), Tags: []registry.Tag{{Key: "k"}}})
		step("tag", false)
		w.register(svc.ID, "i", given)
		step("register again", true)
		w.deregister(svc.ID, "i")
		step("deregister", true)
		w.do(&registry.DeleteService{Ref: string(svc.ID)})
		svc = w.service(ns, create)
		step("made again", true)
	})
}
