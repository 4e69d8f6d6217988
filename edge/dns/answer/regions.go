package answer

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
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
}

// regions finds the order of regions for a client.
type regions struct {
	// orders holds, for each CIDR, the regions from the nearest on.
	orders *bart.Table[[]string]
	// elsewhere is for clients that no CIDR holds.
	elsewhere []string
}

func newRegions(in []Region, here string) (*regions, error) {
	r := &regions{orders: new(bart.Table[[]string])}
	seen := map[string]bool{}
	for _, region := range in {
		if region.Name == "" || seen[region.Name] {
			return nil, fmt.Errorf("dns: region %q: names must be given and differ", region.Name)
		}
		seen[region.Name] = true
		order := region.order()
		for _, p := range region.CIDRs {
			if !p.IsValid() {
				return nil, errors.New("dns: region " + region.Name + ": a CIDR is not valid")
			}
			r.orders.Insert(p.Masked(), order)
		}
		if region.Name == here {
			r.elsewhere = order
		}
	}
	if r.elsewhere == nil && here != "" {
		r.elsewhere = []string{here}
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
func (r *regions) near(client netip.Prefix) []string {
	if _, order, ok := r.orders.LookupPrefixLPM(client); ok {
		return order
	}
	return r.elsewhere
}
