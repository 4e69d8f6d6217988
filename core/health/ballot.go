package health

// Ballot counts what the nodes that run a check have found.
type Ballot struct {
	Healthy, Unhealthy int
	// Missing is the nodes that have found nothing yet.
	Missing int
}

// Add counts one node.
func (b *Ballot) Add(v Verdict) {
	switch v {
	case Healthy:
		b.Healthy++
	case Unhealthy:
		b.Unhealthy++
	default:
		b.Missing++
	}
}

// Verdict returns Healthy if more than a share of the nodes find the target healthy, as in
// Route 53, whose share is 0.18. The share is from 0 to less than 1. It is Unknown as long
// as the nodes that are missing could change the verdict, and without nodes.
func (b Ballot) Verdict(share float64) Verdict {
	all := float64(b.Healthy + b.Unhealthy + b.Missing)
	switch {
	case all == 0:
		return Unknown
	case float64(b.Healthy) > share*all:
		return Healthy
	case float64(b.Healthy+b.Missing) <= share*all:
		return Unhealthy
	}
	return Unknown
}
