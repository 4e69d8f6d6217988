package mesh

import (
	"fmt"

	"github.com/cairn-discovery/cairn/core/command"
)

// Create creates a resource of any kind. The reply has the *Resource. A request that
// repeats another one, by its Token, is answered as that one, and Reply.Unchanged is set.
type Create struct {
	Ref   Ref
	Spec  Spec
	Tags  []Tag
	Token string // empty: none
}

// Decide implements command.Command.
func (c *Create) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, _ := stateOf(v)
	if err := s.place(v, m.Account, c.Ref); err != nil {
		return command.Decision{}, err
	}
	tags, err := checkTags(c.Tags)
	if err != nil {
		return command.Decision{}, err
	}
	text := specText(c.Spec)
	hash := requestHash("create", m.Account, text, tags)
	if old, ok := s.Get(c.Ref); ok {
		return c.repeat(s, m, old, hash, tags)
	}
	if err := c.check(v, m, tags); err != nil {
		return command.Decision{}, err
	}
	r := &Resource{
		Ref: c.Ref, UID: command.UUID(m.Entropy[:16]), Version: 1, Created: m.Now, Updated: m.Now, Account: m.Account,
		Spec: c.Spec, Tags: tags, text: text,
	}
	r.remember(c.Token, hash, m.Now)
	return s.decided(r, c.Ref.records().Put(r)), nil
}

// place checks that what the resource would be in exists and is seen by the account.
func (s *State) place(v command.View, account command.AccountID, r Ref) error {
	if r.Kind == KindMesh {
		return nil
	}
	if _, err := visible(v, account, r); err != nil {
		return err
	}
	if r.Parent != "" {
		if _, ok := s.Get(r.ParentRef()); !ok {
			return notPresent(r.ParentRef(), account)
		}
	}
	return nil
}

// repeat decides a request for a resource that exists.
func (c *Create) repeat(s *State, m *command.Meta, old *Resource, hash string, tags []Tag) (command.Decision, error) {
	first, err := old.repeated(c.Token, hash, m.Now, c.Spec, tags)
	if err != nil {
		return command.Decision{}, err
	}
	if first == nil {
		return command.Decision{}, &command.AlreadyExists{Message: fmt.Sprintf("%s with name %s already exists%s", c.Ref.Kind, c.Ref.ShortName(), c.Ref.where())}
	}
	return s.decided(first, nil), nil
}

// where says where a resource is, for messages.
func (r Ref) where() string {
	if r.Kind == KindMesh {
		return ""
	}
	if r.Parent != "" {
		return fmt.Sprintf(" in %s %s of mesh %s", r.ParentRef().Kind, r.Parent, r.Mesh)
	}
	return " in mesh " + r.Mesh
}

func (c *Create) check(v command.View, m *command.Meta, tags []Tag) error {
	s, _ := stateOf(v)
	if err := s.mayCreate(m.Account, c.Ref, tags); err != nil {
		return err
	}
	if err := checkName(c.Ref); err != nil {
		return err
	}
	if err := s.checkQuota(v, c.Ref); err != nil {
		return err
	}
	return s.checkSpec(v, c.Ref, c.Spec)
}

// checkSpec checks a spec, alone and together with what it names.
func (s *State) checkSpec(v command.View, r Ref, spec Spec) error {
	if err := spec.check(); err != nil {
		return err
	}
	if node, ok := spec.(*VirtualNodeSpec); ok {
		if limit := v.Quota(r.Owner, &quotaBackends); limit > 0 && len(node.Backends) > limit {
			return &command.LimitExceeded{What: quotaBackends.What, Limit: limit, Setting: "quotas." + quotaBackends.Name}
		}
	}
	return s.fit(r, spec)
}
