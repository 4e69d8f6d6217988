package registry

import (
	"iter"
	"unique"

	"github.com/cairn-discovery/cairn/core/command"
)

// Instance is immutable; a change makes a new one. It does not know its service and
// namespace.
type Instance struct {
	text       string // see newInstance
	sizes      uint32 // offset of the sizes in text
	idLen      uint16
	requestLen uint16
	escaped    bool // the JSON has escapes

	// Expired means that the lease was not renewed within its TTL. The instance
	// is unhealthy then, whatever Health says.
	Expired bool
	// Health is the last status that was reported or probed. It counts only while
	// the service has a health check: see Service.Health.
	Health Health
	// pending is a custom health change that takes effect at due (strict mode).
	pending Health
	// Changed is the time of the last health change in seconds since 1970.
	Changed uint32
	// Registered is the time of registration in milliseconds since 1970. It
	// differs between any two registrations of one instance.
	Registered int64
	due        int64 // of pending, milliseconds since 1970; 0: none
	// createdBy is the account that registered the instance. It is zero if that
	// account also created the service.
	createdBy unique.Handle[command.AccountID]
}

// lastOperation returns the time of the registration, or 0 for nil.
func (i *Instance) lastOperation() int64 {
	if i == nil {
		return 0
	}
	return i.Registered
}

func (i *Instance) withHealth(h Health, now int64) *Instance {
	next := *i
	if h != i.Health {
		next.Changed = seconds(now)
	}
	next.Health, next.pending, next.due = h, Unknown, 0
	return &next
}

func (i *Instance) withExpired(expired bool, now int64) *Instance {
	next := *i
	if expired != i.Expired {
		next.Expired, next.Changed = expired, seconds(now)
	}
	return &next
}

// seconds converts milliseconds, rounding down. The result fits until 2106.
func seconds(ms int64) uint32 { return uint32(ms / 1000) }

// Instances yields the instances of the service after the given id, in order of
// their ids.
func (svc *Service) Instances(after InstanceID) iter.Seq2[InstanceID, *Instance] {
	return svc.instances.After(after)
}
