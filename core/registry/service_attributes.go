package registry

import "maps"

// UpdateServiceAttributes adds attributes to a service or replaces their values.
type UpdateServiceAttributes struct {
	Ref        string // id or ARN
	Attributes map[string]string
}

func (c *UpdateServiceAttributes) decide(s *State, r *Rules, m *Meta) (Decision, error) {
	svc, err := s.FindService(r, m.Account, c.Ref)
	if err != nil {
		return Decision{}, err
	}
	if err := r.mayChange(m, svc); err != nil {
		return Decision{}, err
	}
	all := svc.Attributes.Map()
	maps.Copy(all, c.Attributes)
	if len(all) > maxServiceAttributes {
		return Decision{}, &ServiceAttributesLimitExceeded{Service: svc.ID}
	}
	if !r.Strict {
		if err := checkServiceAttributes(svc, c.Attributes, all); err != nil {
			return Decision{}, err
		}
	}
	return svc.withAttributes(NewAttributes(all)), nil
}

// DeleteServiceAttributes removes attributes; keys that are not there do not
// matter.
type DeleteServiceAttributes struct {
	Ref  string // id or ARN
	Keys []string
}

func (c *DeleteServiceAttributes) decide(s *State, r *Rules, m *Meta) (Decision, error) {
	svc, err := s.FindService(r, m.Account, c.Ref)
	if err != nil {
		return Decision{}, err
	}
	if err := r.mayChange(m, svc); err != nil {
		return Decision{}, err
	}
	all := svc.Attributes.Map()
	for _, k := range c.Keys {
		delete(all, k)
	}
	return svc.withAttributes(NewAttributes(all)), nil
}

func (svc *Service) withAttributes(attrs Attributes) Decision {
	if attrs == svc.Attributes {
		return Decision{}
	}
	next := *svc
	next.Attributes = attrs
	return Decision{Changes: []Change{putService{&next}}, Reads: []Read{svc.read()}}
}
