package node

import (
	"context"
	"errors"
	"strings"

	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/edge/dns/answer"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/replica"
)

// updater carries out dynamic updates of hosted zones.
type updater struct {
	replica *replica.Replica
	// rules are those of the configuration in force.
	rules func() []config.Update
}

// Enabled implements answer.Updater.
func (u *updater) Enabled() bool { return len(u.rules()) > 0 }

// Update implements answer.Updater.
func (u *updater) Update(ctx context.Context, in *answer.Update) error {
	z := u.zone(in)
	if z == nil {
		return &hostedzone.UpdateError{Rcode: dnswire.RcodeNotAuth, Message: "no hosted zone of this name may be updated with the key " + in.Key}
	}
	cmd := in.DynamicUpdate
	cmd.Zone = z.ID
	_, err := u.replica.Propose(ctx, z.Account, &cmd)
	if errors.Is(err, replica.ErrBusy) {
		return &hostedzone.UpdateError{Rcode: dnswire.RcodeServFail, Message: "too many commands wait"}
	}
	return err
}

// zone returns the zone that the key may update, or nil. Of several public ones of a name
// it is the oldest, which answers.
func (u *updater) zone(in *answer.Update) *hostedzone.HostedZone {
	for _, rule := range u.rules() {
		if !sameHost(rule.TSIGKey, in.Key) || !sameHost(rule.Zone, dnswire.Text(in.Apex)) {
			continue
		}
		var found *hostedzone.HostedZone
		for z := range u.replica.Current().HostedZones.AllZones() {
			if z.Apex == in.Apex && inVPC(z, rule.VPC) && (found == nil || z.Created < found.Created) {
				found = z
			}
		}
		return found
	}
	return nil
}

func inVPC(z *hostedzone.HostedZone, vpc string) bool {
	if vpc == "" {
		return !z.Private
	}
	for _, v := range z.VPCs {
		if v.ID == vpc {
			return true
		}
	}
	return false
}

func sameHost(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}
