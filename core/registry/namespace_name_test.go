package registry_test

import (
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/domain"
	"github.com/cairn-discovery/cairn/core/registry"
)

// TestNamesOfTwoAccounts: the first account owns a name and everything below it,
// until an operator delegates it.
func TestNamesOfTwoAccounts(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		public := func(name string) *registry.CreateNamespace {
			return &registry.CreateNamespace{Type: registry.DNSPublic, Name: name}
		}
		private := func(name, vpc string) *registry.CreateNamespace {
			return &registry.CreateNamespace{Type: registry.DNSPrivate, Name: name, VPC: vpc}
		}
		w.rules.Names.VPCs = map[string][]command.AccountID{"vpc-a": {testAccount}, "vpc-b": {otherAccount}, "vpc-ab": {testAccount, otherAccount}, "vpc-open": nil}
		w.created(public("corp.test"))
		w.created(private("corp.internal", "vpc-ab"))
		w.account = otherAccount
		for _, c := range []*registry.CreateNamespace{
			public("corp.test"), public("WEB.Corp.test"), private("corp.internal", "vpc-ab"), private("web.corp.internal", "vpc-ab"), private("corp.test", "vpc-open"),
		} {
			op := w.operation(w.do(c))
			if !op.Failed || op.ErrorCode != "CANNOT_CREATE_HOSTED_ZONE" || !strings.Contains(op.ErrorMessage, "Error Code: ConflictingDomainExists;") {
				t.Errorf("%s in %q: %+v", c.Name, c.VPC, op)
			}
			if strings.Contains(op.ErrorMessage, string(testAccount)) || strings.Contains(op.ErrorMessage, "dns.delegate") == w.rules.Strict {
				t.Errorf("message %q", op.ErrorMessage)
			}
		}
		refused[*command.InvalidInput](w, private("own.test", "vpc-a"))
		for _, c := range []*registry.CreateNamespace{
			public("test"), public("mycorp.test"), private("corp.test", "vpc-b"), private("corp.internal", "vpc-b"), private("internal", "vpc-ab"),
		} {
			if ns := w.created(c); ns.Delegated {
				t.Errorf("%s is delegated", c.Name)
			}
		}
		w.rules.Names.Delegations = []domain.Delegation{{Name: "web.corp.test", Account: otherAccount}}
		if ns := w.created(public("web.corp.test")); !ns.Delegated {
			t.Error("a delegated name is not marked")
		}
		if op := w.operation(w.do(public("db.corp.test"))); !op.Failed {
			t.Error("a name beside the delegated one was created")
		}
		w.checkReload()
	})
}

// TestNameConflictsAreReported: namespaces that are older than the rule stay, and the
// older owns the name.
func TestNameConflictsAreReported(t *testing.T) {
	w := newFixture(t, false)
	w.rules.Names.Delegations = []domain.Delegation{{Name: "corp.test", Account: otherAccount}}
	first := w.created(&registry.CreateNamespace{Type: registry.DNSPublic, Name: "corp.test"})
	w.account = otherAccount
	second := w.created(&registry.CreateNamespace{Type: registry.DNSPublic, Name: "corp.test"})
	if pairs := w.state.NameConflicts(&w.rules); len(pairs) != 0 {
		t.Errorf("conflicts %v of a delegated name", pairs)
	}
	w.rules.Names.Delegations = nil
	pairs := w.state.NameConflicts(&w.rules)
	if len(pairs) != 1 || pairs[0][0].ID != string(first.ID) || pairs[0][1].ID != string(second.ID) {
		t.Errorf("conflicts %v", pairs)
	}
	w.do(&registry.UpdateNamespace{Ref: string(second.ID), Type: registry.DNSPublic})
	if ns, _ := w.state.Namespace(otherAccount, second.ID); ns.Delegated {
		t.Error("an update keeps a delegation that was withdrawn")
	}
}
