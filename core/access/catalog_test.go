package access

import (
	"strings"
	"testing"
)

// testCatalog lists two APIs, as the tests need them.
var testCatalog = newTestCatalog()

func newTestCatalog() *Catalog {
	cloudMap := Service{Prefix: "servicediscovery", Keys: []string{
		"servicediscovery:NamespaceArn", "servicediscovery:NamespaceName", "servicediscovery:ServiceArn",
		"servicediscovery:ServiceName", "servicediscovery:ServiceCreatedByAccount",
	}}
	for name := range strings.FieldsSeq(`UpdateService CreateHttpNamespace CreatePrivateDnsNamespace CreatePublicDnsNamespace
		CreateService DeleteNamespace DeleteService DeleteServiceAttributes DeregisterInstance DiscoverInstances DiscoverInstancesRevision
		GetInstance GetInstancesHealthStatus GetNamespace GetOperation GetService GetServiceAttributes ListInstances ListNamespaces
		ListOperations ListServices ListTagsForResource RegisterInstance TagResource UntagResource UpdateHttpNamespace
		UpdateInstanceCustomHealthStatus UpdateServiceAttributes`) {
		cloudMap.Actions = append(cloudMap.Actions, Action{Name: "servicediscovery:" + name})
	}
	tokens := Service{Prefix: "sts", Keys: []string{"sts:ExternalId"}, Actions: []Action{
		{Name: "sts:AssumeRole"}, {Name: "sts:AssumeRoleWithWebIdentity"}, {Name: "sts:GetCallerIdentity"}, {Name: "sts:TagSession"},
	}}
	c, err := NewCatalog(cloudMap, tokens)
	if err != nil {
		panic(err)
	}
	return c
}

func TestCatalog(t *testing.T) {
	all := testCatalog.Actions()
	for i, a := range all {
		if found, ok := testCatalog.Action(a.Name); !ok || found != &all[i] {
			t.Errorf("%s is not found", a.Name)
		}
	}
	for _, name := range []string{"", "sts", "sts:assumerole", "sts:A", "zz:A"} {
		if _, ok := testCatalog.Action(name); ok {
			t.Errorf("%q is found", name)
		}
	}
	for _, bad := range [][]Service{
		{{Prefix: ""}},
		{{Prefix: "Notes"}},
		{{Prefix: "a"}, {Prefix: "a"}},
		{{Prefix: "a", Actions: []Action{{Name: "b:X"}}}},
	} {
		if _, err := NewCatalog(bad...); err == nil {
			t.Errorf("%v is accepted", bad)
		}
	}
}

// TestNilCatalog: without a catalog the names of APIs are not checked, and policies
// mean the same.
func TestNilCatalog(t *testing.T) {
	var none *Catalog
	text := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:Misspelt","Resource":"*","Condition":{"StringEquals":{"sts:Other":"x"}}}}`
	if _, err := testCatalog.Parse("p", IdentityPolicy, text); err == nil {
		t.Error("a misspelt action is accepted")
	}
	p, err := none.Parse("p", IdentityPolicy, text)
	if err != nil {
		t.Fatal(err)
	}
	s := Subject{Identity: none.NewSet(p)}
	r := &Request{Action: "sts:Misspelt", Resources: []Resource{{ARN: "*"}}, Context: MapContext{"sts:other": {"x"}}}
	if !s.Evaluate(r).Allowed {
		t.Error("not allowed")
	}
	if none.CheckKey("sts:Other") != nil || none.CheckKey("aws:Misspelt") == nil {
		t.Error("keys of an API are checked, or global ones are not")
	}
}
