package ecs

import (
	"context"
	"fmt"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// capacityProviders are those that every account has. It is never changed.
var capacityProviders = []string{task.ProviderFargate, task.ProviderFargateSpot}

// DescribeCapacityProviders describes FARGATE and FARGATE_SPOT.
func (a *api) DescribeCapacityProviders(_ context.Context, c *service.Call, in *DescribeCapacityProvidersRequest) (*DescribeCapacityProvidersResponse, error) {
	names := in.CapacityProviders
	if len(names) == 0 {
		names = capacityProviders
	}
	if in.Cluster != nil {
		cluster, err := activeCluster(c, in.Cluster)
		if err != nil {
			return nil, err
		}
		if len(in.CapacityProviders) == 0 {
			names = cluster.CapacityProviders
		}
	}
	if err := checkItems("capacityProviders", len(names), maxPage); err != nil {
		return nil, err
	}
	p, err := newPage(c, []any{in.CapacityProviders, in.Cluster}, 10, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &DescribeCapacityProvidersResponse{CapacityProviders: []CapacityProvider{}, Failures: []Failure{}}
	for i, text := range names {
		position := fmt.Sprintf("%03d", i)
		if position <= p.After {
			continue
		}
		if !p.Add(position) {
			break
		}
		name := text
		if arn.Is(text) {
			r, err := parseRef(c, "capacityProviders", kindCapacityProvider, text)
			if err != nil {
				return nil, err
			}
			name = r.Name
		}
		if name != task.ProviderFargate && name != task.ProviderFargateSpot {
			out.Failures = append(out.Failures, missing(c, kindCapacityProvider, "", text))
			continue
		}
		out.CapacityProviders = append(out.CapacityProviders, CapacityProvider{
			CapacityProviderArn: ownARN(c, kindCapacityProvider, name), Name: name, Status: CapacityProviderStatusActive, Tags: []*Tag{},
		})
	}
	out.NextToken = p.Next
	return out, nil
}
