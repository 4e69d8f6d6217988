package answer

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/cairn-discovery/cairn/core/zone"
)

// A client in no region has the order of the node's region, but no location: the default
// record set of a geolocation is for it.
func TestRegions(t *testing.T) {
	r, err := newRegions([]Region{
		{Name: "eu", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, Location: zone.Location{Continent: "EU", Country: "DE"}},
		{Name: "us", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.2.0.0/16")}, Distances: map[string]int{"eu": 90}, Location: zone.Location{Continent: "NA", Country: "US"}},
	}, "us")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		client   string
		order    []string
		location zone.Location
	}{
		{"10.1.2.0/24", []string{"eu"}, zone.Location{Continent: "EU", Country: "DE"}},
		{"10.2.2.3/32", []string{"us", "eu"}, zone.Location{Continent: "NA", Country: "US"}},
		{"192.0.2.1/32", []string{"us", "eu"}, zone.Location{}},
		{"2001:db8::/56", []string{"us", "eu"}, zone.Location{}},
	} {
		client := netip.MustParsePrefix(test.client)
		if order, location := r.near(client), r.location(client); !slices.Equal(order, test.order) || location != test.location {
			t.Errorf("%s: %v, %v; want %v, %v", client, order, location, test.order, test.location)
		}
	}
}
