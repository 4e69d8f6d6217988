package hostedzone

import (
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnssec"
)

// A zone is signed by its active keys. AWS keeps the key in KMS; here it is made under the
// seal key of the node, and the ARN is only remembered.

// maxSigningKeys is the limit of Route 53 for one zone.
const maxSigningKeys = 2

// SignZone changes the signing of a public zone. Reply.ID is the id of the change, and
// Reply.Value the *HostedZone.
type SignZone struct {
	Zone ID
	// Change decides on a copy of the zone.
	Change func(z *HostedZone, now int64) error
}

// Decide implements command.Command.
func (c *SignZone) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, none := stateOf(v), command.Decision{}
	z, read, err := s.mine(m, c.Zone)
	if err != nil {
		return none, err
	}
	if z.Private {
		return none, refuse(InvalidArgument, "Operation is unsupported for private hosted zones: they cannot be signed.")
	}
	next := *z
	next.SigningKeys = slices.Clone(z.SigningKeys)
	if err := c.Change(&next, m.Now); err != nil {
		return none, err
	}
	info, changes := s.record(m, "")
	return command.Decision{Changes: append(changes, put{&next}), Reads: []command.Read{read}, Reply: command.Reply{ID: info.ID, Value: &next}}, nil
}

func (z *HostedZone) signingKey(name string) *SigningKey {
	for i := range z.SigningKeys {
		if z.SigningKeys[i].Name == name {
			return &z.SigningKeys[i]
		}
	}
	return nil
}

// AddKey adds a key-signing key.
func AddKey(k SigningKey, key dnssec.Key) func(*HostedZone, int64) error {
	return func(z *HostedZone, now int64) error {
		if a, ok := arn.Parse(k.KMS); !ok || a.Service != "kms" {
			return refuse(InvalidKMSArn, "The KeyManagementServiceArn that you specified isn't valid to use with DNSSEC signing.")
		}
		if k.Name == "" || len(k.Name) < 3 || len(k.Name) > 128 || strings.Trim(strings.ToLower(k.Name), "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			return refuse(InvalidKeySigningKeyName, "The key-signing key (KSK) name that you specified isn't a valid name: it must have 3 to 128 letters, digits and underscores.")
		}
		if z.signingKey(k.Name) != nil {
			return refuse(KeyExists, "You've already created a key-signing key (KSK) with this name or with the same customer managed key.")
		}
		if len(z.SigningKeys) >= maxSigningKeys {
			return refuse(TooManyKeySigningKeys, "You've reached the limit for the number of key-signing keys (KSKs): %d.", maxSigningKeys)
		}
		k.Key, k.Changed = key, now
		k.Key.Created = now
		z.SigningKeys = append(z.SigningKeys, k)
		return nil
	}
}

// SetKeyActive activates or deactivates a key-signing key.
func SetKeyActive(name string, active bool) func(*HostedZone, int64) error {
	return func(z *HostedZone, now int64) error {
		k := z.signingKey(name)
		if k == nil {
			return noKey(name)
		}
		if !active && z.Signing && z.activeKeys() == 1 && k.Active {
			return refuse(KeyInactive, "The key-signing key (KSK) that you specified can't be deactivated because it is the only KSK for a currently-enabled DNSSEC. Disable DNSSEC signing, or add or enable another KSK.")
		}
		k.Active, k.Changed = active, now
		return nil
	}
}

func noKey(name string) error {
	return refuse(NoSuchKeySigningKey, "The specified key-signing key (KSK) doesn't exist: %s", name)
}

// DeleteKey deletes a key-signing key, which must not be active.
func DeleteKey(name string) func(*HostedZone, int64) error {
	return func(z *HostedZone, _ int64) error {
		i := slices.IndexFunc(z.SigningKeys, func(k SigningKey) bool { return k.Name == name })
		if i < 0 {
			return noKey(name)
		}
		if z.SigningKeys[i].Active {
			return refuse(InvalidKeySigningKeyStatus, "The key-signing key (KSK) status isn't valid or another KSK has the status INTERNAL_FAILURE: deactivate it first.")
		}
		z.SigningKeys = slices.Delete(z.SigningKeys, i, i+1)
		return nil
	}
}

func (z *HostedZone) activeKeys() int {
	n := 0
	for i := range z.SigningKeys {
		if z.SigningKeys[i].Active {
			n++
		}
	}
	return n
}

// SetSigning turns signing on or off.
func SetSigning(on bool) func(*HostedZone, int64) error {
	return func(z *HostedZone, _ int64) error {
		if on && z.activeKeys() == 0 {
			return refuse(KeyMissing, "A key-signing key (KSK) with ACTIVE status wasn't found.")
		}
		z.Signing = on
		return nil
	}
}
