package health

import (
	"net/netip"
	"time"
)

// Report is what a prober knows of one instance.
type Report struct {
	// Probed: the instance has an active check that is run here.
	Probed bool
	// Target is what is probed, such as "GET http://10.0.0.1:80/".
	Target string
	// Last is the outcome of the newest probe, LastAt when it ended.
	Last   Reason
	LastAt time.Time
	// Failed is the newest outcome of a health check of Route 53 that did not pass,
	// FailedAt when it ended, Resolved the address of its name. The zero values: there is
	// none.
	Failed   Reason
	FailedAt time.Time
	Resolved netip.Addr
	// Streak is how many results in a row were like the last; Needed how many
	// there must be for the next change of verdict.
	Streak, Needed int
	// Next is when the next probe is due; zero if one is running or none comes.
	Next     time.Time
	Interval time.Duration
	// Distrusted: the prober's node seems to be cut off, so no verdict becomes
	// worse.
	Distrusted bool
	// Votes are what the nodes that probe the instance have found, if there are several.
	Votes []Vote
	// Events are the last changes of health, the newest last.
	Events []Event
}

// Vote is what one node has found.
type Vote struct {
	Node    string
	Verdict Verdict
	// Abstains: the node may not probe the address.
	Abstains bool
}

// Event is one change of health, as it became visible.
type Event struct {
	At       int64 // milliseconds since 1970
	From, To Verdict
	Cause    Cause
	// Reason and Streak say for Probed what the last probe found and how many
	// like results in a row that was.
	Reason Reason
	Streak uint8
}

// Cause is what changed an instance's health.
type Cause uint8

// The causes.
const (
	// Probed: enough probes in a row had the same result.
	Probed Cause = iota
	// Told: UpdateInstanceCustomHealthStatus.
	Told
	// Expired and Renewed: the instance's lease ran out, or was renewed.
	Expired
	Renewed
	// Begun: the instance was registered again, or its service got or lost a
	// check.
	Begun
	// Elsewhere: another node probes the instance.
	Elsewhere
	// Voted: the votes of several nodes.
	Voted
	// Doubted: the verdict was taken back, since it is the prober's node that
	// seems to be cut off.
	Doubted
)

// String says why the health changed.
func (e Event) String() string {
	switch e.Cause {
	case Probed:
		return e.Reason.String()
	case Told:
		return "told by UpdateInstanceCustomHealthStatus"
	case Expired:
		return "its lease ran out"
	case Renewed:
		return "its lease was renewed"
	case Begun:
		return "it was registered again, or its health check was changed"
	case Elsewhere:
		return "found by another node"
	case Voted:
		return "by the votes of the nodes that probe it"
	}
	return "taken back, because the network of the node that probes it seems to have failed"
}
