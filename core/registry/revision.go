package registry

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/record"
)

// counter is the part of a service's InstancesRevision that one of several nodes has
// counted. Each node writes only its own, so nodes that register instances in one service
// do not get into each other's way.
type counter struct {
	writer  int
	changes uint64
	// spare is how many instances the node may add without a look at the counters of the
	// others. The instances of the service and the spare ones of all nodes are together
	// not more than the quota.
	spare uint64
	// tag is random, so that no two writes of a counter have the same value.
	tag uint64
}

// bumpRevision stores a revision. It belongs to a service; with an empty service to a
// namespace; with an empty namespace too, to the account.
//
// A deletion reads the record of its service or namespace, so it conflicts with an
// addition that it has not seen.
type bumpRevision struct {
	account   command.AccountID
	namespace NamespaceID
	service   ServiceID
	// revision is a part of the InstancesRevision of a service: that of the writer. The
	// one of writer 0 includes where the service has begun. That of an account is
	// Account.lastRevision. That of a namespace is not used.
	revision uint64
	// unnumbered means that the record is older than these numbers. Then the revision
	// of the store counts.
	unnumbered bool
	// writer is 0, or the node whose counter this is.
	writer     int
	spare, tag uint64
}

func (c bumpRevision) Key() string {
	return revisionKey(c.account, c.namespace, c.service) + writerSuffix(c.writer)
}

func writerSuffix(writer int) string {
	if writer == 0 {
		return ""
	}
	return "/" + strconv.Itoa(writer)
}

// Unique implements command.Unique.
func (c bumpRevision) Unique() bool { return c.tag != 0 }

func (c bumpRevision) encode(b []byte) []byte {
	b = record.AppendUint(b, 1, c.revision+1)
	b = record.AppendUint(b, 2, c.spare)
	return record.AppendUint(b, 3, c.tag)
}

func (c *bumpRevision) decode(value []byte) error {
	c.unnumbered = len(value) == 0
	return eachField(value, func(f record.Field) {
		switch {
		case f.Number == 1 && f.Uint > 0:
			c.revision = f.Uint - 1
		case f.Number == 2:
			c.spare = f.Uint
		case f.Number == 3:
			c.tag = f.Uint
		}
	})
}

// parseWriter splits the last part of a key of a revision.
func parseWriter(rest string) (ServiceID, int, bool) {
	service, writer, ok := strings.Cut(rest, "/")
	if !ok {
		return ServiceID(service), 0, true
	}
	n, err := strconv.Atoi(writer)
	return ServiceID(service), n, err == nil && n > 0 && n <= command.MaxWriter && strconv.Itoa(n) == writer
}

func (c bumpRevision) apply(d *Draft, stored uint64) {
	revision := c.revision
	if c.unnumbered {
		revision = stored
	}
	if c.service != "" {
		d.changeService(c.account, c.service, func(svc *Service) {
			svc.setCounter(counter{c.writer, revision, c.spare, c.tag})
		})
	}
	if c.namespace == "" || c.unnumbered {
		d.changeAccount(c.account, func(a *accountState) { a.lastRevision = max(a.lastRevision, revision) })
	}
}

// counter returns the counter of a writer.
func (svc *Service) counter(writer int) counter {
	if writer == 0 {
		own := counter{changes: svc.revision, tag: svc.tag}
		for _, c := range svc.counters {
			own.changes -= c.changes
		}
		return own
	}
	if i, ok := svc.findCounter(writer); ok {
		return svc.counters[i]
	}
	return counter{writer: writer}
}

func (svc *Service) findCounter(writer int) (int, bool) {
	return slices.BinarySearchFunc(svc.counters, writer, func(c counter, writer int) int { return cmp.Compare(c.writer, writer) })
}

// setCounter replaces the counter of a writer. Other versions of the service share the
// slice, so it is copied.
func (svc *Service) setCounter(c counter) {
	svc.revision += c.changes - svc.counter(c.writer).changes
	if c.writer == 0 {
		svc.tag = c.tag
		return
	}
	i, ok := svc.findCounter(c.writer)
	svc.counters = slices.Clone(svc.counters)
	if !ok {
		svc.counters = slices.Insert(svc.counters, i, counter{})
	}
	svc.counters[i] = c
}

func (svc *Service) putCounter(c counter) bumpRevision {
	return bumpRevision{account: svc.Account, namespace: svc.Namespace, service: svc.ID, revision: c.changes, writer: c.writer, spare: c.spare, tag: c.tag}
}

func (svc *Service) readCounter(writer int) command.Read {
	exists := writer == 0
	if !exists {
		_, exists = svc.findCounter(writer)
	}
	return command.Read{Key: revisionKey(svc.Account, svc.Namespace, svc.ID) + writerSuffix(writer), Exists: exists}
}

// readAllCounters returns the reads of a decision that depends on the instances of the
// service: all that nodes write when they add or remove one.
func (svc *Service) readAllCounters() []command.Read {
	var reads []command.Read
	for writer := range command.MaxWriter + 1 {
		reads = append(reads, svc.readCounter(writer))
	}
	return reads
}

// nextRevision returns the counter of the node that decides, raised by one.
func (svc *Service) nextRevision(m *command.Meta) counter {
	next := svc.counter(m.Writer)
	next.changes++
	if m.Writer > 0 || len(svc.counters) > 0 {
		next.tag = binary.BigEndian.Uint64(m.Entropy[24:]) | 1
	}
	return next
}

// shareOfQuota is the part of what is left of a quota that a node takes at once: small
// enough that the other nodes get theirs.
const shareOfQuota = 2 * (command.MaxWriter + 1)

// addition appends the changes that count one more instance in a service with a quota; 0 is
// none. The instances are fewer than the quota. The reads are those of counters that it
// looks at without writing them.
//
// A node alone sees all instances. One of several first takes some of what is left for
// itself, for which it looks at all counters; then it adds these without looking.
func (svc *Service) addition(changes []command.Change, m *command.Meta, limit int) ([]command.Change, []command.Read) {
	next := svc.nextRevision(m)
	if limit == 0 || m.Writer == 0 && len(svc.counters) == 0 {
		return append(changes, svc.putCounter(next)), nil
	}
	if next.spare > 0 {
		next.spare--
		return append(changes, svc.putCounter(next)), nil
	}
	left := limit - svc.instances.Len() - 1
	taken := uint64(0)
	for _, c := range svc.counters {
		taken += c.spare
	}
	if taken > uint64(left) { // nobody has any spare ones after this
		for _, c := range svc.counters {
			if c.spare > 0 && c.writer != m.Writer {
				c.spare, c.tag = 0, next.tag
				changes = append(changes, svc.putCounter(c))
			}
		}
		taken = 0
	}
	if m.Writer > 0 {
		next.spare = (uint64(left) - taken) / shareOfQuota
	}
	return append(changes, svc.putCounter(next)), svc.readAllCounters()
}
