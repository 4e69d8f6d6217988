package registry

import (
	"maps"

	"github.com/cairn-discovery/cairn/core/command"
)

// UpdateServiceAttributes adds attributes to a service or replaces their values.
type UpdateServiceAttributes struct {
	Ref        string // id or ARN
	Attributes map[string]string
}

func (c *UpdateServiceAttributes) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := stateOf(v)
	svc, err := s.FindService(r, m.Account, c.Ref)
	if err != nil {
		return command.Decision{}, err
	}
	if err := r.mayChange(m, svc); err != nil {
		return command.Decision{}, err
	}
	all := svc.Attributes.Map()
	maps.Copy(all, c.Attributes)
	if len(all) > maxServiceAttributes {
		return command.Decision{}, &ServiceAttributesLimitExceeded{Service: svc.ID}
	}
	if !r.Strict {
		if err := checkServiceAttributes(svc, c.Attributes, all); err != nil {
			return command.Decision{}, err
		}
	}
	return svc.withAttributes(newAttributes(all)), nil
}

// DeleteServiceAttributes removes attributes and ignores unknown keys.
type DeleteServiceAttributes struct {
	Ref  string // id or ARN
	Keys []string
}

func (c *DeleteServiceAttributes) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := stateOf(v)
	svc, err := s.FindService(r, m.Account, c.Ref)
	if err != nil {
		return command.Decision{}, err
	}
	if err := r.mayChange(m, svc); err != nil {
		return command.Decision{}, err
	}
	all := svc.Attributes.Map()
	for _, k := range c.Keys {
		delete(all, k)
	}
	return svc.withAttributes(newAttributes(all)), nil
}

func (svc *Service) withAttributes(attrs Attributes) command.Decision {
	if attrs == svc.Attributes {
		return command.Decision{}
	}
	next := *svc
	next.Attributes = attrs
	return command.Decision{Changes: []command.Change{putService{&next}}, Reads: []command.Read{svc.read()}}
}
