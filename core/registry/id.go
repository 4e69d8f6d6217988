package registry

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

var (
	base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	base32Upper = base32.StdEncoding.WithPadding(base32.NoPadding)
)

func newNamespaceID(m *command.Meta) NamespaceID {
	return NamespaceID("ns-" + base32Lower.EncodeToString(m.Entropy[:10]))
}

// newServiceID returns a fresh id. In strict mode the id depends on the name, since
// AWS gives a service that is deleted and created again the same id.
func newServiceID(m *command.Meta, r *Rules, ns *Namespace, name string) ServiceID {
	id := m.Entropy[10:20]
	if r.Strict {
		sum := hashOf("service", string(m.Account), string(ns.ID), serviceKey(ns, name))
		id = sum[:10]
	}
	return ServiceID("srv-" + base32Lower.EncodeToString(id))
}

func newHostedZoneID(m *command.Meta) string {
	return "Z" + base32Upper.EncodeToString(m.Entropy[20:32])[:19]
}

// hashOf hashes parts so that no two lists of parts give the same bytes.
func hashOf(parts ...string) [sha256.Size]byte {
	b := make([]byte, 0, 512)
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return sha256.Sum256(b)
}

// fingerprint identifies the parameters of a request, to detect a request id that
// is used again with other parameters. It is never zero.
func fingerprint(parts ...string) uint64 {
	sum := hashOf(parts...)
	return binary.BigEndian.Uint64(sum[:8]) | 1
}

// operationTarget returns the first half of the ids of all operations on one target.
func operationTarget(parts ...string) string {
	sum := hashOf(parts...)
	return base32Lower.EncodeToString(sum[:20])
}

const (
	operationTargetLen = 32
	operationTimeLen   = 8 // base 36 milliseconds need 8 digits until 2059
)

func operationTime(ms int64) string {
	s := strconv.FormatInt(ms, 36)
	if len(s) < operationTimeLen {
		s = strings.Repeat("0", operationTimeLen-len(s)) + s
	}
	return s
}

// operationKey returns the key that orders operations by time, or false if id does
// not have the form of an operation id.
func operationKey(id OperationID) (string, bool) {
	if len(id) != operationTargetLen+1+operationTimeLen || id[operationTargetLen] != '-' {
		return "", false
	}
	return string(id[operationTargetLen+1:] + id[:operationTargetLen]), true
}

func operationIDOf(key string) OperationID {
	return OperationID(key[operationTimeLen:] + "-" + key[:operationTimeLen])
}
