package plain

// fairShare is the part of its fair share of the healthy endpoints that a priority must
// have to be used alone: otherwise few near instances would get the load of all clients.
const fairShare = 0.7

// byPriority splits endpoints by their distance from a client: the same zone, the same
// region, others. A group that is too small joins the next one, so priorities have no
// gap. Without a place there is one priority.
func byPriority(all []endpoint, from *locality) [][]endpoint {
	if from == nil || len(all) == 0 {
		return [][]endpoint{all}
	}
	var groups [3][]endpoint
	zones := map[locality]bool{}
	for _, e := range all {
		if !e.draining {
			zones[e.locality] = true
		}
		d := from.distance(e.locality)
		groups[d] = append(groups[d], e)
	}
	least := fairShare * float64(len(all)) / float64(max(len(zones), 1))
	var out [][]endpoint
	var waiting []endpoint
	for _, g := range groups {
		waiting = append(waiting, g...)
		if n := healthy(waiting); n > 0 && float64(n) >= least {
			out = append(out, waiting)
			waiting = nil
		}
	}
	if len(waiting) > 0 && len(out) > 0 {
		out = append(out, waiting)
	}
	if len(out) == 0 {
		return [][]endpoint{all}
	}
	return out
}

func healthy(all []endpoint) int {
	n := 0
	for _, e := range all {
		if !e.draining {
			n++
		}
	}
	return n
}

// distance returns 0 for the same zone, 1 for the same region, and 2 otherwise.
func (l locality) distance(to locality) int {
	switch {
	case l.region != to.region:
		return 2
	case l.zone != to.zone:
		return 1
	}
	return 0
}
