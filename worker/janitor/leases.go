package janitor

import (
	"context"
	"time"

	"github.com/cairn-discovery/cairn/core/registry"
)

// leasePoll is the longest time between two checks of the leases. New leases do not
// wake the janitor, because the shortest TTL is a second.
const leasePoll = time.Second

// endLeases ends the leases that are due and returns the time of the next check.
//
// Before start the node could not receive renewals, so every lease counts as renewed
// then. A restart, even a long one, ends no lease at once. So does an outage of the
// store.
func (j *Janitor) endLeases(ctx context.Context, start time.Time) time.Time {
	now := time.Now()
	if reached := j.cfg.Reached(); reached.After(start) {
		start = reached
	}
	most := j.most(leaseCost)
	due, next := j.dueLeases(now, start, most)
	if len(due) == 0 {
		return next
	}
	if _, err := j.propose(ctx, &registry.EndLeases{Leases: due}); err != nil {
		return now.Add(retryAfter)
	}
	if len(due) == most {
		return now // there may be more
	}
	return next
}

func (j *Janitor) dueLeases(now, start time.Time, most int) (due []registry.Lease, next time.Time) {
	next = now.Add(leasePoll)
	for lease := range j.cfg.Replica.Current().Registry.Leases() {
		known := lease
		known.Renewed = max(lease.Renewed, start.UnixMilli())
		switch at := time.UnixMilli(known.Due()); {
		case !j.cfg.Owns(string(lease.Service)): // another node ends it
		case !at.After(now):
			due = append(due, lease)
		case at.Before(next):
			next = at
		}
		// Leases come in the order of their stored Due.
		if lease.Due() > now.UnixMilli() || len(due) == most {
			break
		}
	}
	return due, next
}
