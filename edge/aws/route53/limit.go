package route53

import (
	"context"

	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// noLimit is answered where there is no limit: clients expect a number.
const noLimit = 1<<31 - 1

func limits(c *service.Call) (zones, sets, checks int64) {
	z, s, h := hostedzone.Limits(state.NewView(c.State, c.Rules), c.Account)
	return orNone(z), orNone(s), orNone(h)
}

func orNone(limit int) int64 {
	if limit == 0 {
		return noLimit
	}
	return int64(limit)
}

func (a *api) GetAccountLimit(_ context.Context, c *service.Call, in *GetAccountLimitRequest) (*GetAccountLimitResponse, error) {
	maxZones, _, maxChecks := limits(c)
	limit, count := int64(0), int64(0)
	switch *in.Type {
	case AccountLimitTypeMaxHostedZonesByOwner:
		limit, count = maxZones, int64(len(a.zones(c)))
	case AccountLimitTypeMaxHealthChecksByOwner:
		limit, count = maxChecks, countChecks(c)
	}
	// There are no traffic policies and no reusable delegation sets here: 0 of 0.
	return &GetAccountLimitResponse{Limit: &AccountLimit{Type: *in.Type, Value: &limit}, Count: &count}, nil
}

func (a *api) GetHostedZoneLimit(_ context.Context, c *service.Call, in *GetHostedZoneLimitRequest) (*GetHostedZoneLimitResponse, error) {
	v, err := a.find(c, in.HostedZoneId)
	if err != nil {
		return nil, err
	}
	_, limit, _ := limits(c)
	count := v.count(c)
	if *in.Type == HostedZoneLimitTypeMaxVpcsAssociatedByZone {
		if !v.private {
			return nil, &hostedzone.Error{Code: codeHostedZoneNotPrivate, Message: "The specified hosted zone is a public hosted zone."}
		}
		limit, count = noLimit, int64(len(v.vpcs))
		if c.Rules.HostedZones.Strict {
			limit = hostedzone.MaxVPCs()
		}
	}
	return &GetHostedZoneLimitResponse{Limit: &HostedZoneLimit{Type: *in.Type, Value: &limit}, Count: &count}, nil
}
