package registry

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/record"
)

// leasePrefix is the prefix of leases: 6l/ACCOUNT/NAMESPACE/SERVICE/INSTANCE. A lease
// is a record of its own, so that a renewal writes few bytes and does not change the
// instance.
const leasePrefix = "6l"

func (p location) leaseKey(id InstanceID) string {
	return leasePrefix + p.key(id)[len(instancePrefix):]
}

type putLease struct{ lease Lease }

func (c putLease) Key() string                   { return c.lease.location().leaseKey(c.lease.Instance) }
func (c putLease) Value(b []byte) ([]byte, bool) { return c.lease.encode(b), true }

func (c putLease) apply(d *Draft, _ uint64) {
	l := c.lease
	d.removeLease(l.key())
	d.state.leases = d.state.leases.Put(d.token, l.key(), &l)
	d.state.leasesByDue = d.state.leasesByDue.Put(d.token, l.dueKey(), l.key())
}

type deleteLease struct {
	location
	id InstanceID
}

func (c deleteLease) Key() string                   { return c.leaseKey(c.id) }
func (c deleteLease) Value(b []byte) ([]byte, bool) { return b, false }

func (c deleteLease) apply(d *Draft, _ uint64) { d.removeLease(leaseKey(c.service, c.id)) }

func (d *Draft) removeLease(key string) {
	if old, ok := d.state.leases.Get(key); ok {
		d.state.leases = d.state.leases.Delete(d.token, key)
		d.state.leasesByDue = d.state.leasesByDue.Delete(d.token, old.dueKey())
	}
}

// dueKey orders leases by Due.
func (l *Lease) dueKey() string {
	var due [8]byte
	binary.BigEndian.PutUint64(due[:], uint64(l.Due()))
	return hex.EncodeToString(due[:]) + "/" + l.key()
}

func (l *Lease) encode(b []byte) []byte {
	b = record.AppendUint(b, 1, uint64(l.Renewed))
	b = record.AppendUint(b, 2, uint64(l.TTL))
	if l.Expired {
		b = record.AppendUint(b, 3, 1)
	}
	return b
}

func (l *Lease) decode(value []byte) error {
	err := eachField(value, func(f record.Field) {
		switch f.Number {
		case 1:
			l.Renewed = int64(f.Uint)
		case 2:
			l.TTL = int64(min(f.Uint, maxTTL))
		case 3:
			l.Expired = f.Uint == 1
		}
	})
	if err == nil && (l.TTL < 1 || l.Renewed < 0) {
		return fmt.Errorf("a lease of %d seconds", l.TTL)
	}
	return err
}

func decodeLease(account command.AccountID, ns NamespaceID, rest string, value []byte) (command.Change, error) {
	svc, id, ok := strings.Cut(rest, "/")
	if !ok {
		return nil, errShortKey
	}
	if value == nil {
		return deleteLease{location{account, ns, ServiceID(svc)}, InstanceID(id)}, nil
	}
	l := Lease{Account: account, Namespace: ns, Service: ServiceID(svc), Instance: InstanceID(id)}
	err := l.decode(value)
	return putLease{l}, err
}
