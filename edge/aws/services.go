package aws

import (
	"github.com/cairn-discovery/cairn/edge/aws/cloudmap"
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
