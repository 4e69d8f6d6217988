package view_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/edge/dns/view"
)

func prefixes(texts ...string) []netip.Prefix {
	var ps []netip.Prefix
	for _, t := range texts {
		ps = append(ps, netip.MustParsePrefix(t))
	}
	return ps
}

func table(t testing.TB, cfg view.Config) *view.Table {
	t.Helper()
	tab, err := view.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func TestLookup(t *testing.T) {
	tab := table(t, view.Config{
		Trusted: prefixes("127.0.0.0/8", "::1/128", "10.9.0.0/16"),
		VPCs: []view.VPC{
			{ID: "vpc-wide", CIDRs: prefixes("10.0.0.0/8", "10.1.0.0/16", "fd00::/32")},
			{ID: "vpc-carved", CIDRs: prefixes("10.2.0.0/16", "10.9.8.0/24")},
			{ID: "vpc-b", CIDRs: prefixes("172.16.0.0/16")},
			{ID: "vpc-a", CIDRs: prefixes("172.16.0.0/16", "::ffff:192.0.2.0/120")},
			{ID: "vpc-empty"},
		},
	})
	in := func(ids ...string) view.Client { return view.Client{VPCs: ids, Recursion: true} }
	trusted := func(ids ...string) view.Client {
		return view.Client{Trusted: true, AllVPCs: true, VPCs: ids, Recursion: true}
	}
	for _, c := range []struct {
		name, addr string
		want       view.Client
	}{
		{"trusted", "127.0.0.1", trusted()},
		{"trusted over IPv6", "::1", trusted()},
		{"in a VPC", "10.3.4.5", in("vpc-wide")},
		{"two CIDRs of one VPC", "10.1.4.5", in("vpc-wide")},
		{"the longest CIDR wins", "10.2.4.5", in("vpc-carved")},
		{"the same CIDR twice", "172.16.9.9", in("vpc-a", "vpc-b")},
		{"trusted inside a VPC", "10.9.0.1", trusted("vpc-wide")},
		{"trust reaches into longer CIDRs", "10.9.8.1", trusted("vpc-carved")},
		{"IPv6", "fd00::7", in("vpc-wide")},
		{"IPv6 with a zone", "fd00::7%eth0", in("vpc-wide")},
		{"IPv4 mapped into IPv6", "::ffff:10.2.0.1", in("vpc-carved")},
		{"a CIDR mapped into IPv6", "192.0.2.77", in("vpc-a")},
		{"next to a CIDR", "172.17.0.1", view.Client{}},
		{"public", "198.51.100.1", view.Client{}},
		{"public IPv6", "2001:db8::1", view.Client{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, tab.Lookup(netip.MustParseAddr(c.addr))); diff != "" {
				t.Errorf("Lookup(%s) (-want +got)\n%s", c.addr, diff)
			}
		})
	}
	if got := tab.Lookup(netip.Addr{}); got.Recursion || got.AllVPCs || got.VPCs != nil {
		t.Errorf("the zero address sees %+v", got)
	}
}

// Without a list of VPCs private sources see everything; with an empty list only
// trusted clients do.
func TestVPCsNotToldApart(t *testing.T) {
	open := table(t, view.Config{})
	none := table(t, view.Config{VPCs: []view.VPC{}})
	all := view.Client{AllVPCs: true, Recursion: true}
	for addr, want := range map[string]view.Client{
		"127.0.0.1": all, "127.255.255.255": all, "::1": all,
		"10.0.0.0": all, "10.255.255.255": all, "11.0.0.0": {}, "9.255.255.255": {},
		"172.15.255.255": {}, "172.16.0.0": all, "172.31.255.255": all, "172.32.0.0": {},
		"192.167.255.255": {}, "192.168.0.0": all, "192.169.0.0": {},
		"fbff::1": {}, "fc00::1": all, "fdff::1": all, "fe00::1": {}, "fe80::1": {}, "::2": {},
		"::ffff:192.168.1.1": all, "169.254.1.1": {}, "100.64.0.1": {},
	} {
		a := netip.MustParseAddr(addr)
		if got := open.Lookup(a); !cmp.Equal(got, want) {
			t.Errorf("no VPCs given: Lookup(%s) = %+v, want %+v", addr, got, want)
		}
		if got := none.Lookup(a); !cmp.Equal(got, view.Client{}) {
			t.Errorf("empty VPCs: Lookup(%s) = %+v, want nothing", addr, got)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	valid := prefixes("10.0.0.0/8")
	for name, cfg := range map[string]view.Config{
		"trusted that is not valid":    {Trusted: []netip.Prefix{{}}},
		"a CIDR that is not valid":     {VPCs: []view.VPC{{ID: "vpc-1", CIDRs: []netip.Prefix{{}}}}},
		"no id":                        {VPCs: []view.VPC{{CIDRs: valid}}},
		"an id twice":                  {VPCs: []view.VPC{{ID: "vpc-1"}, {ID: "vpc-1", CIDRs: valid}}},
		"a cut through mapped IPv4":    {Trusted: prefixes("::ffff:0:0/90")},
		"a cut through mapped IPv4 #2": {VPCs: []view.VPC{{ID: "vpc-1", CIDRs: prefixes("::ffff:1.2.3.4/64")}}},
	} {
		if _, err := view.New(cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// New does not keep the caller's slices.
func TestNewKeepsNothing(t *testing.T) {
	vpcs := []view.VPC{{ID: "vpc-1", CIDRs: prefixes("10.0.0.0/8")}}
	tab := table(t, view.Config{VPCs: vpcs})
	vpcs[0].ID, vpcs[0].CIDRs[0] = "changed", netip.MustParsePrefix("192.0.2.0/24")
	if got := tab.Lookup(netip.MustParseAddr("10.0.0.1")).VPCs; !slices.Equal(got, []string{"vpc-1"}) {
		t.Errorf("VPCs = %v", got)
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	tab := table(t, view.Config{VPCs: []view.VPC{{ID: "vpc-1", CIDRs: prefixes("10.0.0.0/8")}}})
	addr := netip.MustParseAddr("::ffff:10.0.0.1")
	if n := testing.AllocsPerRun(100, func() { tab.Lookup(addr) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A VPC that belongs to one account says so, in the order of the ids.
func TestOwners(t *testing.T) {
	tab := table(t, view.Config{VPCs: []view.VPC{
		{ID: "vpc-b", CIDRs: prefixes("10.0.0.0/8"), Owner: "111111111111"},
		{ID: "vpc-a", CIDRs: prefixes("10.0.0.0/8")},
		{ID: "vpc-c", CIDRs: prefixes("10.1.0.0/16")},
	}})
	for addr, want := range map[string]view.Client{
		"10.0.0.1": {VPCs: []string{"vpc-a", "vpc-b"}, Owners: []command.AccountID{"", "111111111111"}, Recursion: true},
		"10.1.0.1": {VPCs: []string{"vpc-c"}, Recursion: true},
	} {
		if diff := cmp.Diff(want, tab.Lookup(netip.MustParseAddr(addr))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", addr, diff)
		}
	}
}
