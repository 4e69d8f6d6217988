package answer

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"

	"github.com/cairn-discovery/cairn/core/zone"
)

// Region is a group of instances and clients, for the routing policy LATENCY.
type Region struct {
	// Name is the value of the attribute "region" of instances.
	Name string
	// CIDRs are the addresses of clients in this region.
	CIDRs []netip.Prefix
	// Distances are those to other regions, in any unit, such as milliseconds. A
	// region that is not listed is farther away than all that are.
	Distances map[string]int
	// Location is where the region is, for record sets of hosted zones with a
	// geolocation. The zero value: it is not known.
	Location zone.Location
}

// place is what is known of the clients in a region.
type place struct {
	order    []string // the regions from the nearest on
	location zone.Location
}

// regions finds the order of regions for a client.
type regions struct {
	// orders holds what is known of the clients of each CIDR.
	orders *bart.Table[place]
	// elsewhere is for clients that no CIDR holds: the order is that of the node's own
	// region. Their location is not known.
	elsewhere place
}

func newRegions(in []Region, own string) (*regions, error) {
	r := &regions{orders: new(bart.Table[place])}
	seen := map[string]bool{}
	for _, region := range in {
		if region.Name == "" || seen[region.Name] {
			return nil, fmt.Errorf("dns: region %q: names must be given and differ", region.Name)
		}
		seen[region.Name] = true
		here := place{region.order(), region.Location}
		for _, p := range region.CIDRs {
			if !p.IsValid() {
				return nil, errors.New("dns: region " + region.Name + ": a CIDR is not valid")
			}
			r.orders.Insert(p.Masked(), here)
		}
		if region.Name == own {
			r.elsewhere.order = here.order
		}
	}
	if r.elsewhere.order == nil && own != "" {
		r.elsewhere.order = []string{own}
	}
	return r, nil
}

func (r *Region) order() []string {
	var others []string
	for name := range r.Distances {
		if name != r.Name {
			others = append(others, name)
		}
	}
	slices.SortFunc(others, func(a, b string) int {
		return cmp.Or(cmp.Compare(r.Distances[a], r.Distances[b]), cmp.Compare(a, b))
	})
	return append([]string{r.Name}, others...)
}

// near returns the regions in the order of their distance from a client.
func (r *regions) near(client netip.Prefix) []string { return r.at(client).order }

// location returns where a client is. The zero value: it is not known.
func (r *regions) location(client netip.Prefix) zone.Location { return r.at(client).location }

func (r *regions) at(client netip.Prefix) place {
	if _, p, ok := r.orders.LookupPrefixLPM(client); ok {
		return p
	}
	return r.elsewhere
}
