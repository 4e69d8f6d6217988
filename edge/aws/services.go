package aws

import (
	"github.com/cairn-discovery/cairn/core/access"
	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/aws/appmesh"
	"github.com/cairn-discovery/cairn/edge/aws/cloudmap"
	"github.com/cairn-discovery/cairn/edge/aws/ecs"
	"github.com/cairn-discovery/cairn/edge/aws/route53"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/sts"
)

// services makes the APIs that are served. A new API is added here. Errors of
// requests that name no API are in the protocol of the first.
func services(cfg *Config) ([]*service.API, error) {
	tokens := sts.Config{Providers: cfg.Providers}
	if cfg.Auth != nil {
		tokens.Sessions = cfg.Auth.Sessions
	}
	return collect(
		func() (*service.API, error) { return cloudmap.New(cfg.NewKey) },
		func() (*service.API, error) { return sts.New(tokens) },
		ecs.New,
		appmesh.New,
		func() (*service.API, error) { return route53.New(cfg.Route53) },
	)
}

func collect(makers ...func() (*service.API, error)) ([]*service.API, error) {
	var all []*service.API
	for _, newAPI := range makers {
		api, err := newAPI()
		if err != nil {
			return nil, err
		}
		all = append(all, api)
	}
	return all, nil
}

// Catalog returns the actions and condition keys of all APIs, for policies, and
// those of IAM that their operations ask for.
func Catalog() (*access.Catalog, error) {
	apis, err := services(new(Config))
	if err != nil {
		return nil, err
	}
	all := []access.Service{service.IAM()}
	for _, api := range apis {
		all = append(all, api.Access())
	}
	return access.NewCatalog(all...)
}

// Known returns what a state has of the resource with an ARN, to simulate policies.
func Known(s *state.State, rules *state.Rules, resource string) (service.Known, error) {
	apis, err := services(new(Config))
	if err != nil {
		return service.Known{}, err
	}
	a, ok := arn.Parse(resource)
	for _, api := range apis {
		if ok && a.Service == api.Name && api.Known != nil {
			return api.Known(s, rules, resource), nil
		}
	}
	return service.Known{}, nil
}
