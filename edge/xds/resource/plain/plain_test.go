package plain

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestParseName(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"web.shop", "web.shop"},
		{"web.shop.", "web.shop"},
		{"web.shop:80", "web.shop:80"},
		{"web.shop?version=2", "web.shop|version=2"},
		{"web.shop|b=2&a=1", "web.shop|a=1&b=2"},
		{"web.shop:80%7Ca=1", "web.shop:80|a=1"},
		{"web.shop|a=b%2526c", "web.shop|a=b%2526c"},
		{"web.shop:80/?a=1", "web.shop:80|a=1"}, {"web.shop/%7Ca=1", "web.shop|a=1"}, {"web.shop/", ""}, {"web.shop//?a=1", ""},
		{"web", ""}, {"", ""}, {"web.shop:0", ""}, {"web.shop:x", ""}, {"web.shop:65536", ""}, {"web.shop?x", ""},
		{"a/b.shop", ""}, {"%zz.shop", ""}, {strings.Repeat("a.", 40) + "b", ""}, {strings.Repeat("a", 2000) + ".b", ""},
	} {
		n, ok := parseName(c.text)
		got := n.String()
		if ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%q: %q, %t; want %q", c.text, got, ok, c.want)
		}
	}
}

// FuzzParseName: what is accepted has one form, which is accepted again.
func FuzzParseName(f *testing.F) {
	for _, text := range []string{"web.shop:80?a=b&c=d", "a.b|=x", "%41.b", "..", "a.b|c=d%2526e"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := parseName(text)
		if !ok {
			return
		}
		again, ok := parseName(n.String())
		if !ok || again.String() != n.String() {
			t.Errorf("%q gives %q, which gives %q, %t", text, n.String(), again.String(), ok)
		}
	})
}

// some returns n endpoints in a zone.
func some(n int, region, zone string, draining bool) []endpoint {
	var all []endpoint
	for i := range n {
		all = append(all, endpoint{id: fmt.Sprint(zone, i), weight: 1, draining: draining, locality: locality{region, zone}})
	}
	return all
}

func TestByPriority(t *testing.T) {
	here := &locality{"r", "a"}
	for _, c := range []struct {
		name string
		all  []endpoint
		want []int // number of endpoints of each priority
	}{
		{"zones alike", slices.Concat(some(3, "r", "a", false), some(3, "r", "b", false), some(3, "q", "c", false)), []int{3, 3, 3}},
		{"too few near", slices.Concat(some(1, "r", "a", false), some(9, "r", "b", false)), []int{10}},
		{"none near", some(4, "q", "c", false), []int{4}},
		{"only leaving ones near", slices.Concat(some(2, "r", "a", true), some(2, "r", "b", false)), []int{4}},
		{"none", nil, []int{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []int
			for _, group := range byPriority(c.all, here) {
				got = append(got, len(group))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// TestLocalities: what clients reject or ignore is not there: a weight of 0, a locality
// without weight, an address twice.
func TestLocalities(t *testing.T) {
	at := func(port uint16, weight uint32, draining bool) endpoint {
		return endpoint{addr: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), port), weight: weight, draining: draining, locality: locality{"r", "a"}}
	}
	for _, c := range []struct {
		name string
		all  []endpoint
		want string
	}{
		{"equal weights are one locality", []endpoint{at(1, 2, false), at(2, 2, false)}, `""=4:2,2`},
		{"other weights are sub-zones", []endpoint{at(1, 1, false), at(2, 3, false)}, `"weight-1"=1:1 "weight-3"=3:3`},
		{"weight 0 is left out", []endpoint{at(1, 0, false), at(2, 3, false)}, `""=3:3`},
		{"all have weight 0", []endpoint{at(1, 0, false), at(2, 0, false)}, `""=2:1,1`},
		{"one address twice", []endpoint{at(1, 1, false), at(1, 2, false)}, `""=3:3`},
		{"who leaves has no share", []endpoint{at(1, 1, false), at(2, 1, true)}, `""=1:1,1`},
		{"all leave", []endpoint{at(2, 1, true)}, `""=1:1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, l := range localities(withoutWeightless(unique(c.all)), 0) {
				var weights []string
				for _, e := range l.GetLbEndpoints() {
					weights = append(weights, fmt.Sprint(e.GetLoadBalancingWeight().GetValue()))
				}
				got = append(got, fmt.Sprintf("%q=%d:%s", l.GetLocality().GetSubZone(), l.GetLoadBalancingWeight().GetValue(), strings.Join(weights, ",")))
				if err := l.ValidateAll(); err != nil {
					t.Error(err)
				}
			}
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("got %s, want %s", text, c.want)
			}
		})
	}
}
