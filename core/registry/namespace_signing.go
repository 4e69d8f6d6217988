package registry

import (
	"fmt"
	"slices"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/internal/record"
)

// TagDNSSEC is the tag of a namespace that controls the signing of its zone. It is a
// tag so that every AWS client can set it.
const TagDNSSEC = "cairn.dnssec"

// Values of TagDNSSEC. Without the tag a zone is not signed.
const (
	// DNSSECEnabled: the zone is signed with one key.
	DNSSECEnabled = "enabled"
	// DNSSECRolling: a new key is published with the old one, and signs later. The
	// value DNSSECEnabled then ends the roll.
	DNSSECRolling = "rolling"
	// DNSSECDisabled is the same as no tag. The keys are deleted.
	DNSSECDisabled = "disabled"
)

// WantsKey reports whether the tags ask for a signed zone. A command with such tags
// must have a new key, which may be needed.
func WantsKey(tags []Tag) bool {
	return slices.ContainsFunc(tags, func(t Tag) bool {
		return t.Key == TagDNSSEC && (t.Value == DNSSECEnabled || t.Value == DNSSECRolling)
	})
}

// SigningKey is a new key for the signatures of a zone. The edge makes it, because its private
// part is sealed with a secret of the node. The zero value has no key.
type SigningKey struct {
	*dnssec.Key
	// Problem is why there is no key, and the remedy.
	Problem string
}

// sign sets the keys of the namespace according to its tags.
func (ns *Namespace) sign(k SigningKey, now int64) error {
	wanted, tagged := ns.Tags.get(TagDNSSEC)
	switch {
	case !tagged || wanted == DNSSECDisabled:
		ns.Keys = nil
		return nil
	case wanted != DNSSECEnabled && wanted != DNSSECRolling:
		return command.Invalid("Tag %s: %q must be %s, %s or %s", TagDNSSEC, wanted, DNSSECEnabled, DNSSECRolling, DNSSECDisabled)
	case ns.Type != DNSPublic:
		return command.Invalid("Tag %s: only a namespace of type %s can be signed, but it is of type %s", TagDNSSEC, DNSPublic, ns.Type)
	case wanted == DNSSECEnabled && len(ns.Keys) == 0:
		return ns.addKey(k, now)
	case wanted == DNSSECEnabled && len(ns.Keys) > 1:
		return ns.endRoll(now)
	case wanted == DNSSECRolling && len(ns.Keys) == 0:
		return command.Invalid("Tag %s: there is no key to be replaced yet; the value is %s first", TagDNSSEC, DNSSECEnabled)
	case wanted == DNSSECRolling && len(ns.Keys) == 1:
		return ns.addKey(k, now)
	}
	return nil
}

func (ns *Namespace) addKey(k SigningKey, now int64) error {
	if k.Key == nil {
		return command.Invalid("Tag %s: no key can be made: %s", TagDNSSEC, k.Problem)
	}
	key := *k.Key
	key.Created = now
	ns.Keys = append(slices.Clone(ns.Keys), key)
	return nil
}

// endRoll deletes the old key once no resolver can need it.
func (ns *Namespace) endRoll(now int64) error {
	last := ns.Keys[len(ns.Keys)-1]
	if end := last.Created + dnssec.RollTime.Milliseconds(); now < end {
		return command.Invalid("Tag %s: the old key is needed until %s, since resolvers may remember signatures of it",
			TagDNSSEC, time.UnixMilli(end).UTC().Format(time.RFC3339))
	}
	ns.Keys = dnssec.Keys{last}
	return nil
}

// serviceTags returns an error for a tag that has no effect on a service.
func serviceTags(tags Attributes) error {
	if _, ok := tags.get(TagDNSSEC); ok {
		return command.Invalid("Tag %s is for namespaces: a service is signed with its namespace", TagDNSSEC)
	}
	return nil
}

// Fields of a stored key.
const (
	fieldKeyPublic = iota + 1
	fieldKeySealed
	fieldKeyCreated
)

func appendKey(b []byte, k *dnssec.Key) []byte {
	b = record.AppendString(b, fieldKeyPublic, string(k.Public[:]))
	b = record.AppendString(b, fieldKeySealed, k.Sealed)
	return record.AppendUint(b, fieldKeyCreated, uint64(k.Created))
}

func parseKey(value []byte) (dnssec.Key, error) {
	var k dnssec.Key
	n := 0
	err := eachField(value, func(f record.Field) {
		switch f.Number {
		case fieldKeyPublic:
			n = len(f.Bytes)
			copy(k.Public[:], f.Bytes)
		case fieldKeySealed:
			k.Sealed = string(f.Bytes)
		case fieldKeyCreated:
			k.Created = int64(f.Uint)
		}
	})
	if err == nil && n != len(k.Public) {
		err = fmt.Errorf("a DNSSEC key of %d octets", n)
	}
	return k, err
}
