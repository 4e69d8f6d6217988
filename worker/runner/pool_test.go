package runner

import (
	"fmt"
	"net/netip"
	"testing"
)

func TestPool(t *testing.T) {
	p, err := newPool([]Subnet{
		{ID: DefaultSubnet, IPv4: netip.MustParsePrefix("10.0.0.0/29"), IPv6: netip.MustParsePrefix("fd00::/64")},
		{ID: "subnet-1", IPv4: netip.MustParsePrefix("10.1.0.0/24")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		wanted []string
		want   string
	}{{nil, DefaultSubnet}, {[]string{"subnet-9"}, DefaultSubnet}, {[]string{"subnet-9", "subnet-1"}, "subnet-1"}} {
		if s, err := p.choose(test.wanted); err != nil || s.ID != test.want {
			t.Errorf("choose(%q): %v %v", test.wanted, s, err)
		}
	}
	take := func(id string) string {
		a, err := p.take(id, DefaultSubnet)
		return fmt.Sprint(a, err)
	}
	if got := take("a"); got != "[10.0.0.2/29 fd00::2/64] <nil>" || take("a") != got {
		t.Error(got, take("a"))
	}
	p.keep("b", []netip.Addr{netip.MustParseAddr("10.0.0.3")})
	if got := take("b"); got != "[10.0.0.3/29 fd00::3/64] <nil>" {
		t.Error(got)
	}
	if got := take("c"); got != "[10.0.0.4/29 fd00::4/64] <nil>" {
		t.Error("an address that is in use is given away:", got)
	}
	p.release("a")
	for _, want := range []string{"10.0.0.5", "10.0.0.6", "10.0.0.2"} { // the freed one comes last
		if a, err := p.take("for "+want, DefaultSubnet); err != nil || a[0].Addr().String() != want {
			t.Errorf("got %v %v, want %s", a, err, want)
		}
	}
	p.release("c")
	p.release("for 10.0.0.5")
	p.given(netip.MustParseAddr("10.0.0.4"))
	if got := take("y"); got != "[10.0.0.5/29 fd00::5/64] <nil>" {
		t.Error("after a restart, the address that was given last is given again:", got)
	}
	if got := take("c"); got != "[10.0.0.4/29 fd00::4/64] <nil>" {
		t.Error(got)
	}
	if got := take("z"); got != "[] subnet default (10.0.0.0/29) has no free address" {
		t.Error(got)
	}
}

func TestPoolChecksSubnets(t *testing.T) {
	four, six := netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("fd00::/64")
	for _, bad := range [][]Subnet{
		{{ID: "", IPv4: four}}, {{ID: "a"}}, {{ID: "a", IPv4: six}}, {{ID: "a", IPv4: four, IPv6: netip.MustParsePrefix("fd00::/120")}},
		{{ID: "a", IPv4: four}, {ID: "b", IPv4: netip.MustParsePrefix("10.0.1.0/24")}},
	} {
		if _, err := newPool(bad); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}
