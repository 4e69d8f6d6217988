package registry_test

import (
	"fmt"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// TestReferences: ids are accepted bare or as an ARN, and what is another
// account's is not found.
func TestReferences(t *testing.T) {
	w := newFixture(t, false)
	ns := w.namespace(registry.HTTP, "h")
	svc := w.service(ns, registry.CreateService{Name: "s"})
	w.register(svc.ID, "i", nil)
	nsARN, svcARN := w.rules.NamespaceARN(testAccount, ns.ID), w.rules.ServiceARN(testAccount, svc.ID)
	if want := "arn:aws:servicediscovery:eu-west-1:000000000000:namespace/" + string(ns.ID); nsARN != want {
		t.Errorf("got %s, want %s", nsARN, want)
	}
	for _, test := range []struct {
		ref       string
		namespace error
		service   error
	}{
		{string(ns.ID), nil, &registry.ServiceNotFound{}},
		{nsARN, nil, &command.InvalidInput{}},
		{string(svc.ID), &registry.NamespaceNotFound{}, nil},
		{svcARN, &command.InvalidInput{}, nil},
		{w.rules.NamespaceARN(otherAccount, ns.ID), &registry.NamespaceNotFound{}, &command.InvalidInput{}},
		{w.rules.ServiceARN(otherAccount, svc.ID), &command.InvalidInput{}, &registry.ServiceNotFound{}},
		{"arn:aws:servicediscovery:us-east-1:000000000000:namespace/" + string(ns.ID), &registry.NamespaceNotFound{}, &command.InvalidInput{}},
		{"arn:aws:ecs:eu-west-1:000000000000:service/x", &command.InvalidInput{}, &command.InvalidInput{}},
		{"arn:", &command.InvalidInput{}, &command.InvalidInput{}},
		{"", &registry.NamespaceNotFound{}, &registry.ServiceNotFound{}},
	} {
		_, err := w.state.FindNamespace(&w.rules, testAccount, test.ref)
		wantError(t, "namespace "+test.ref, err, test.namespace)
		_, err = w.state.FindService(&w.rules, testAccount, test.ref)
		wantError(t, "service "+test.ref, err, test.service)
		_, _, err = w.state.FindInstance(&w.rules, testAccount, test.ref, "i")
		wantError(t, "instance of "+test.ref, err, test.service)
	}
	_, _, err := w.state.FindInstance(&w.rules, testAccount, svcARN, "j")
	wantError(t, "instance", err, &registry.InstanceNotFound{})
}

func wantError(t *testing.T, what string, got, want error) {
	t.Helper()
	if fmt.Sprintf("%T", got) != fmt.Sprintf("%T", want) {
		t.Errorf("%s: got error %v (%T), want %T", what, got, got, want)
	}
}

// TestAccountsAreApart: the same names in two accounts know nothing of each
// other.
func TestAccountsAreApart(t *testing.T) {
	w := newFixture(t, false)
	mine := w.namespace(registry.HTTP, "h")
	w.account = otherAccount
	theirs := w.namespace(registry.HTTP, "h")
	if mine.HTTPName != "h" || theirs.HTTPName != "h" {
		t.Errorf("HttpNames %q and %q", mine.HTTPName, theirs.HTTPName)
	}
	refused[*registry.NamespaceNotFound](w, &registry.DeleteNamespace{Ref: string(mine.ID)})
	refused[*registry.NamespaceNotFound](w, &registry.CreateService{Name: "s", NamespaceRef: string(mine.ID)})
	for range w.state.Namespaces("222222222222", "") {
		t.Error("an account without namespaces has one")
	}
	if got := w.state.Counts(); got.Namespaces != 2 || got.Operations != 2 {
		t.Errorf("got %+v", got)
	}
}
