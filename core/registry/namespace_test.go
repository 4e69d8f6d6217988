package registry_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

var namespaceTypes = []registry.NamespaceType{registry.HTTP, registry.DNSPrivate, registry.DNSPublic}

func TestCreateNamespace(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		for _, kind := range namespaceTypes {
			name := strings.ToLower(strings.ReplaceAll(string(kind), "_", "-")) + ".example.com"
			reply := w.do(&registry.CreateNamespace{Type: kind, Name: name, VPC: "vpc-1", Description: "d", CreatorRequestID: name})
			op := w.operation(reply)
			if op.Type != registry.CreateNamespaceOperation || op.Status() != "SUCCESS" || op.Targets()["NAMESPACE"] != string(op.Namespace) {
				t.Errorf("%s: operation %+v", kind, op)
			}
			ns := w.currentNamespace(op.Namespace)
			if ns.Name != name || ns.HTTPName != name || ns.Type != kind || ns.Description != "d" || ns.CreatorRequestID != name || ns.CreateDate != w.now {
				t.Errorf("%s: got %+v", kind, ns)
			}
			checkNamespaceIDs(t, ns)
		}
	})
}

// The forms are those of facts seen in AWS's own answers.
func checkNamespaceIDs(t *testing.T, ns *registry.Namespace) {
	t.Helper()
	if !regexp.MustCompile(`^ns-[a-z2-7]{16}$`).MatchString(string(ns.ID)) {
		t.Errorf("namespace id %q", ns.ID)
	}
	zone := regexp.MustCompile(`^Z[A-Z0-9]{13,20}$`).MatchString(ns.HostedZoneID)
	if ns.IsDNS() != zone || !ns.IsDNS() && ns.HostedZoneID != "" {
		t.Errorf("%s: hosted zone id %q", ns.Type, ns.HostedZoneID)
	}
}

// TestDefaultSOATTL is row 8 of the decisions: negative answers.
func TestDefaultSOATTL(t *testing.T) {
	for _, test := range []struct {
		strict bool
		given  *int64
		want   int64
	}{
		{false, nil, 5}, {true, nil, 900}, {false, new(int64(77)), 77}, {true, new(int64(0)), 0},
	} {
		w := newFixture(t, test.strict)
		ns := w.created(&registry.CreateNamespace{Type: registry.DNSPublic, Name: "example.com", SOATTL: test.given})
		if ns.SOATTL != test.want {
			t.Errorf("strict=%t, given %v: got %d, want %d", test.strict, test.given, ns.SOATTL, test.want)
		}
	}
}

func TestNamespaceNamesInUse(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		http := w.created(&registry.CreateNamespace{Type: registry.HTTP, Name: "shop.example", CreatorRequestID: "first"})
		public := w.namespace(registry.DNSPublic, "shop.example")
		private := w.namespace(registry.DNSPrivate, "shop.example")

		e := refused[*registry.NamespaceAlreadyExists](w, &registry.CreateNamespace{Type: registry.HTTP, Name: "shop.example", CreatorRequestID: "second"})
		if e.ID != http.ID || e.CreatorRequestID != "first" {
			t.Errorf("got %+v, want the ids of the first", e)
		}
		e = refused[*registry.NamespaceAlreadyExists](w, &registry.CreateNamespace{Type: registry.DNSPublic, Name: "SHOP.example"})
		if e.ID != public.ID {
			t.Errorf("got %s, want %s: domain names do not differ by case", e.ID, public.ID)
		}
		w.namespace(registry.HTTP, "SHOP.example") // names of HTTP namespaces do

		if http.HTTPName != "shop.example" {
			t.Errorf("the first has HttpName %q", http.HTTPName)
		}
		taken := regexp.MustCompile(`^shop\.example-[a-z2-7]{8}$`)
		for _, ns := range []*registry.Namespace{public, private} {
			if !taken.MatchString(ns.HTTPName) {
				t.Errorf("%s has HttpName %q", ns.Type, ns.HTTPName)
			}
		}
	})
}

// TestPrivateNamespaceConflict is row 12 of the decisions: the call succeeds,
// the operation does not.
func TestPrivateNamespaceConflict(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		first := w.namespace(registry.DNSPrivate, "corp")
		for _, test := range []struct {
			name, vpc string
			fails     bool
		}{
			{"corp", "vpc-1", true}, {"CORP", "vpc-1", true}, {"corp", "vpc-2", false}, {"a.corp", "vpc-1", false},
		} {
			reply := w.do(&registry.CreateNamespace{Type: registry.DNSPrivate, Name: test.name, VPC: test.vpc})
			op := w.operation(reply)
			if op.Failed != test.fails {
				t.Errorf("%s in %s: failed=%t", test.name, test.vpc, op.Failed)
			}
			if !test.fails {
				continue
			}
			if op.Status() != "FAIL" || op.ErrorCode != "CANNOT_CREATE_HOSTED_ZONE" || !strings.Contains(op.ErrorMessage, "ConflictingDomainExists") ||
				!strings.Contains(op.ErrorMessage, first.HostedZoneID) {
				t.Errorf("%s in %s: %+v", test.name, test.vpc, op)
			}
			if _, ok := w.state.Namespace(testAccount, op.Namespace); ok {
				t.Errorf("%s in %s: the namespace was made nevertheless", test.name, test.vpc)
			}
		}
	})
}

func TestNamespaceThatIsNoDomain(t *testing.T) {
	w := newFixture(t, false)
	for _, name := range []string{"a..b", ".", strings.Repeat("a", 64) + ".b", strings.TrimSuffix(strings.Repeat(strings.Repeat("a", 60)+".", 5), ".")} {
		op := w.operation(w.do(&registry.CreateNamespace{Type: registry.DNSPrivate, Name: name, VPC: "vpc-1"}))
		if op.ErrorCode != "CANNOT_CREATE_HOSTED_ZONE" {
			t.Errorf("%q: %+v", name, op)
		}
	}
	w.namespace(registry.HTTP, "a..b")
	w.namespace(registry.DNSPrivate, "tutorial")
}

// TestRepeatedCreateNamespace is row 15 of the decisions.
func TestRepeatedCreateNamespace(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		for _, kind := range namespaceTypes {
			name := string(kind) + ".example"
			create := func(description, request string) *registry.CreateNamespace {
				return &registry.CreateNamespace{Type: kind, Name: name, VPC: "vpc-1", Description: description,
					SOATTL: new(int64(9)), Tags: []registry.Tag{{Key: "k", Value: "v"}}, CreatorRequestID: request}
			}
			first := w.do(create("d", name))
			revision := w.revision
			if again := w.do(create("d", name)); again.ID != first.ID || w.revision != revision {
				t.Errorf("%s: repeated, got %s at revision %d, want %s at %d", kind, again.ID, w.revision, first.ID, revision)
			}
			e := refused[*registry.NamespaceAlreadyExists](w, create("other", name))
			if want := w.operation(first).Namespace; e.ID != want || e.CreatorRequestID != name {
				t.Errorf("%s: other parameters, got %+v, want %s", kind, e, want)
			}
			w.do(&registry.DeleteNamespace{Ref: string(e.ID)})
			if again := w.do(create("d", name)); again.ID == first.ID {
				t.Errorf("%s: the request of a deleted namespace is still remembered", kind)
			}
		}
	})
}

func TestRepeatedCreateNamespaceThatFailed(t *testing.T) {
	w := newFixture(t, false)
	blocking := w.namespace(registry.DNSPrivate, "corp")
	create := &registry.CreateNamespace{Type: registry.DNSPrivate, Name: "corp", VPC: "vpc-1", CreatorRequestID: "r"}
	first := w.do(create)
	if !w.operation(first).Failed {
		t.Fatal("no conflict")
	}
	if again := w.do(create); again != first {
		t.Errorf("repeated, got %s, want %s", again.ID, first.ID)
	}
	other := *create
	other.Description = "other parameters"
	if again := w.do(&other); again == first {
		t.Error("other parameters are taken for the first request")
	}
	w.do(&registry.DeleteNamespace{Ref: string(blocking.ID)})
	if w.operation(w.do(create)).Failed {
		t.Error("a failed request cannot be repeated")
	}
}

func TestNamespaceQuota(t *testing.T) {
	w := newFixture(t, false)
	w.limits = command.Limits{"namespaces_per_account": 2}
	first := w.namespace(registry.HTTP, "a")
	w.namespace(registry.DNSPrivate, "b")
	e := refused[*command.LimitExceeded](w, &registry.CreateNamespace{Type: registry.HTTP, Name: "c"})
	if e.Limit != 2 || !strings.Contains(e.Error(), "2") {
		t.Errorf("got %v", e)
	}
	// A conflict is found before the quota, so that clients learn the id.
	refused[*registry.NamespaceAlreadyExists](w, &registry.CreateNamespace{Type: registry.HTTP, Name: "a"})
	w.account = otherAccount
	w.namespace(registry.HTTP, "a")
	w.account = testAccount
	w.do(&registry.DeleteNamespace{Ref: string(first.ID)})
	w.namespace(registry.HTTP, "c")
}

func TestUnknownVPC(t *testing.T) {
	w := newFixture(t, false)
	refused[*command.InvalidInput](w, &registry.CreateNamespace{Type: registry.DNSPrivate, Name: "a"})
	w.rules.Names.VPCs = map[string][]command.AccountID{"vpc-1": nil}
	w.namespace(registry.DNSPrivate, "a")
	e := refused[*command.InvalidInput](w, &registry.CreateNamespace{Type: registry.DNSPrivate, Name: "b", VPC: "vpc-2"})
	if !strings.Contains(e.Message, "vpc-2") {
		t.Errorf("got %q", e.Message)
	}
	w.namespace(registry.DNSPublic, "b.example")
}

func TestUpdateNamespace(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		ns := w.created(&registry.CreateNamespace{Type: registry.DNSPrivate, Name: "corp", VPC: "vpc-1", Description: "old", SOATTL: new(int64(9))})
		svc := w.service(ns, registry.CreateService{Name: "web", DNS: records("", registry.RecordA)})
		for _, test := range []struct {
			name        string
			update      registry.UpdateNamespace
			description string
			ttl         int64
		}{
			{"nothing", registry.UpdateNamespace{}, "old", 9},
			{"the TTL", registry.UpdateNamespace{SOATTL: new(int64(0))}, "old", 0},
			{"the description", registry.UpdateNamespace{Description: new("")}, "", 0},
			{"both", registry.UpdateNamespace{Description: new("new"), SOATTL: new(int64(60))}, "new", 60},
		} {
			c := test.update
			c.Ref, c.Type = w.rules.NamespaceARN(testAccount, ns.ID), registry.DNSPrivate
			op := w.operation(w.do(&c))
			got := w.currentNamespace(ns.ID)
			if got.Description != test.description || got.SOATTL != test.ttl || got.Name != "corp" || got.CreateDate != ns.CreateDate {
				t.Errorf("%s: got %+v", test.name, got)
			}
			if op.Type != registry.UpdateNamespaceOperation || op.Targets()["NAMESPACE"] != string(ns.ID) {
				t.Errorf("%s: operation %+v", test.name, op)
			}
		}
		w.currentService(svc.ID) // what a namespace holds stays
	})
}

func TestUpdateNamespaceRefused(t *testing.T) {
	w := newFixture(t, false)
	ns := w.namespace(registry.DNSPublic, "example.com")
	refused[*command.InvalidInput](w, &registry.UpdateNamespace{Ref: string(ns.ID), Type: registry.HTTP, Description: new("d")})
	refused[*registry.NamespaceNotFound](w, &registry.UpdateNamespace{Ref: "ns-0", Type: registry.HTTP, Description: new("d")})
}

func TestRepeatedUpdateNamespace(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		ns := w.namespace(registry.HTTP, "a")
		update := func(description, request string) *registry.UpdateNamespace {
			return &registry.UpdateNamespace{Ref: string(ns.ID), Type: registry.HTTP, Description: &description, UpdaterRequestID: request}
		}
		first := w.do(update("x", "r"))
		w.do(update("y", "s"))
		if again := w.do(update("x", "r")); again != first {
			t.Errorf("repeated, got %s, want %s", again.ID, first.ID)
		}
		if got := w.currentNamespace(ns.ID).Description; got != "y" {
			t.Errorf("a repeated update was carried out twice: %q", got)
		}
		e := refused[*registry.DuplicateRequest](w, update("z", "r"))
		if string(e.Operation) != first.ID || !strings.Contains(e.Error(), "UpdateHttpNamespace") || !strings.Contains(e.Error(), string(first.ID)) {
			t.Errorf("got %v", e)
		}
	})
}

// TestDeleteNamespaceInUse is row 24 of the decisions.
func TestDeleteNamespaceInUse(t *testing.T) {
	const text = "Namespace has associated services; delete the services before deleting the namespace"
	inBothModes(t, func(t *testing.T, w *fixture) {
		ns := w.namespace(registry.HTTP, "a")
		var last *registry.Service
		for _, name := range []string{"s1", "s2", "s3", "s4", "s5", "s6", "s7"} {
			last = w.service(ns, registry.CreateService{Name: name})
		}
		e := refused[*command.Conflict](w, &registry.DeleteNamespace{Ref: string(ns.ID)})
		if w.rules.Strict && e.Message != text {
			t.Errorf("strict: got %q", e.Message)
		}
		if !w.rules.Strict && (!strings.HasPrefix(e.Message, text) || !strings.Contains(e.Message, "7") || strings.Count(e.Message, "srv-") != 5) {
			t.Errorf("extended: got %q", e.Message)
		}
		if strings.Contains(e.Message, string(last.ID)) {
			t.Errorf("more than five blockers: %q", e.Message)
		}
	})
}

func TestDeleteNamespace(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		ns := w.namespace(registry.DNSPrivate, "corp")
		created := w.operationsOf(ns)[0]
		svc := w.service(ns, registry.CreateService{Name: "web", DNS: records("", registry.RecordA)})
		w.do(&registry.DeleteService{Ref: string(svc.ID)})
		reply := w.do(&registry.DeleteNamespace{Ref: string(ns.ID)})

		// GetOperation goes on working, ListOperations forgets the namespace.
		if op := w.operation(reply); op.Type != registry.DeleteNamespaceOperation || op.Targets()["NAMESPACE"] != string(ns.ID) {
			t.Errorf("operation %+v", op)
		}
		if left := w.operationsOf(ns); len(left) != 0 {
			t.Errorf("operations of a deleted namespace are listed: %v", left)
		}
		if prefix := strings.Split(string(created), "-")[0]; !strings.HasPrefix(string(reply.ID), prefix) {
			t.Errorf("operations %s and %s of one namespace begin differently", created, reply.ID)
		}
		refused[*registry.NamespaceNotFound](w, &registry.DeleteNamespace{Ref: string(ns.ID)})
		if again := w.namespace(registry.DNSPrivate, "corp"); again.ID == ns.ID || again.HTTPName != "corp" {
			t.Errorf("made again: %+v", again)
		}
	})
}

func (w *fixture) operationsOf(ns *registry.Namespace) []registry.OperationID {
	var ids []registry.OperationID
	for id, op := range w.state.Operations(&w.rules, w.account, "") {
		if op.Namespace == ns.ID {
			ids = append(ids, id)
		}
	}
	return ids
}
