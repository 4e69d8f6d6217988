package domain_test

import (
	"slices"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/domain"
)

const (
	a = command.AccountID("111111111111")
	b = command.AccountID("222222222222")
)

func TestConflict(t *testing.T) {
	vpcs := map[string][]command.AccountID{"vpc-a": {a}, "vpc-b": {b}, "vpc-ab": {a, b}, "vpc-open": nil}
	web := []domain.Delegation{{Name: "web.corp.test", Account: b}}
	tests := map[string]struct {
		has, wants  domain.Zone
		delegations []domain.Delegation
		conflict    bool
		delegated   bool
	}{
		"the same public name":            {domain.Zone{Name: "corp.test"}, domain.Zone{Name: "corp.test"}, nil, true, false},
		"in another case":                 {domain.Zone{Name: "Corp.test"}, domain.Zone{Name: "cORP.TEST"}, nil, true, false},
		"below a public name":             {domain.Zone{Name: "corp.test"}, domain.Zone{Name: "a.web.corp.test"}, nil, true, false},
		"above a public name":             {domain.Zone{Name: "corp.test"}, domain.Zone{Name: "test"}, nil, false, false},
		"beside a public name":            {domain.Zone{Name: "corp.test"}, domain.Zone{Name: "mycorp.test"}, nil, false, false},
		"in a shared VPC":                 {domain.Zone{Name: "corp.test", VPC: "vpc-ab"}, domain.Zone{Name: "corp.test", VPC: "vpc-ab"}, nil, true, false},
		"in two VPCs":                     {domain.Zone{Name: "corp.test", VPC: "vpc-a"}, domain.Zone{Name: "corp.test", VPC: "vpc-b"}, nil, false, false},
		"public above private":            {domain.Zone{Name: "corp.test", VPC: "vpc-a"}, domain.Zone{Name: "web.corp.test"}, nil, false, false},
		"private in its own VPC":          {domain.Zone{Name: "corp.test"}, domain.Zone{Name: "corp.test", VPC: "vpc-b"}, nil, false, false},
		"private in an open VPC":          {domain.Zone{Name: "corp.test"}, domain.Zone{Name: "corp.test", VPC: "vpc-open"}, nil, true, false},
		"private in a shared VPC":         {domain.Zone{Name: "corp.test"}, domain.Zone{Name: "web.corp.test", VPC: "vpc-ab"}, nil, true, false},
		"delegated":                       {domain.Zone{Name: "corp.test"}, domain.Zone{Name: "web.corp.test"}, web, false, true},
		"below what is delegated":         {domain.Zone{Name: "corp.test"}, domain.Zone{Name: "x.web.corp.test"}, web, false, true},
		"beside what is delegated":        {domain.Zone{Name: "corp.test"}, domain.Zone{Name: "db.corp.test"}, web, true, false},
		"delegated above the owner":       {domain.Zone{Name: "x.web.corp.test"}, domain.Zone{Name: "x.web.corp.test"}, web, true, false},
		"delegated to another account":    {domain.Zone{Name: "corp.test"}, domain.Zone{Name: "web.corp.test"}, []domain.Delegation{{Name: "web.corp.test", Account: a}}, true, false},
		"a delegation that is not needed": {domain.Zone{Name: "other.test"}, domain.Zone{Name: "web.corp.test"}, web, false, false},
	}
	for name, tt := range tests {
		tt.has.Account, tt.wants.Account = a, b
		rules := domain.Rules{VPCs: vpcs, Delegations: tt.delegations}
		z, delegated, conflict := rules.Conflict(tt.wants, slices.Values([]domain.Zone{tt.has}))
		if conflict != tt.conflict || delegated != tt.delegated || conflict && z != tt.has {
			t.Errorf("%s: conflict %t (%v), delegated %t", name, conflict, z, delegated)
		}
		tt.wants.Account = a
		if _, _, conflict := rules.Conflict(tt.wants, slices.Values([]domain.Zone{tt.has})); conflict {
			t.Errorf("%s: the account is in conflict with itself", name)
		}
	}
}

func TestVPCs(t *testing.T) {
	rules := domain.Rules{VPCs: map[string][]command.AccountID{"vpc-a": {a}, "vpc-open": nil}}
	var open domain.Rules
	for vpc, want := range map[string][2]bool{"vpc-a": {true, false}, "vpc-open": {true, true}, "vpc-none": {false, true}} {
		if got := [2]bool{rules.KnowsVPC(vpc), rules.MayUseVPC(b, vpc)}; got != want {
			t.Errorf("%s: got %v, want %v", vpc, got, want)
		}
		if !open.KnowsVPC(vpc) || !open.MayUseVPC(b, vpc) {
			t.Errorf("%s is not open without a setting", vpc)
		}
	}
	if !rules.MayUseVPC(a, "vpc-a") {
		t.Error("an account may not use its own VPC")
	}
}

func TestConflicts(t *testing.T) {
	var rules domain.Rules
	zones := []domain.Zone{
		{Account: b, Name: "web.corp.test", Created: 2, ID: "ns-2"},
		{Account: a, Name: "corp.test", Created: 1, ID: "ns-1"},
		{Account: b, Name: "corp.test", Created: 1, ID: "ns-3"},
		{Account: b, Name: "other.test", Created: 0, ID: "ns-0"},
		{Account: a, Name: "web.corp.test", Created: 3, ID: "ns-4"},
	}
	var got []string
	for _, pair := range rules.Conflicts(zones) {
		got = append(got, pair[0].ID+" "+pair[1].ID)
	}
	if want := []string{"ns-1 ns-3", "ns-1 ns-2"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A zone that is itself in conflict owns nothing.
func TestConflictOfSuppressedZone(t *testing.T) {
	var rules domain.Rules
	existing := []domain.Zone{{Account: b, Name: "corp.test", Created: 2, ID: "2"}, {Account: a, Name: "corp.test", Created: 1, ID: "1"}}
	if z, _, conflict := rules.Conflict(domain.Zone{Account: a, Name: "web.corp.test"}, slices.Values(existing)); conflict {
		t.Errorf("conflict with %v", z)
	}
	if z, _, conflict := rules.Conflict(domain.Zone{Account: b, Name: "web.corp.test"}, slices.Values(existing)); !conflict || z.ID != "1" {
		t.Errorf("conflict %t with %v", conflict, z)
	}
}

func TestWithin(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"a.b", "a.b"}: true, {"x.a.b", "A.B"}: true, {"xa.b", "a.b"}: false, {"a.b", "x.a.b"}: false, {"b", "a.b"}: false, {"a.b", "b"}: true,
	} {
		if got := domain.Within(pair[0], pair[1]); got != want {
			t.Errorf("Within(%q, %q) = %t", pair[0], pair[1], got)
		}
	}
}
