package hostedzone

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// Limits of tags; see "Tag restrictions" in the AWS guides.
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

// ChangeTags adds and removes tags of a zone or a health check.
type ChangeTags struct {
	Kind, ID string
	Add      []Tag
	Remove   []string // keys
}

// Decide implements command.Command.
func (c *ChangeTags) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, none := stateOf(v), command.Decision{}
	read, err := s.tagged(v, m, c.Kind, c.ID)
	if err != nil {
		return none, err
	}
	tags := slices.Clone(s.Tags(c.Kind, c.ID))
	for _, key := range c.Remove {
		tags = slices.DeleteFunc(tags, func(t Tag) bool { return t.Key == key })
	}
	for _, tag := range c.Add {
		switch {
		case tag.Key == "" || utf8.RuneCountInString(tag.Key) > maxTagKey:
			return none, refuse(InvalidInput, "Tag key %q must have 1 to %d characters", tag.Key, maxTagKey)
		case utf8.RuneCountInString(tag.Value) > maxTagValue:
			return none, refuse(InvalidInput, "The value of tag %q must have at most %d characters", tag.Key, maxTagValue)
		case strings.HasPrefix(strings.ToLower(tag.Key), "aws:"):
			return none, refuse(InvalidInput, "Tag key %q: the prefix aws: is reserved", tag.Key)
		}
		tags = slices.DeleteFunc(tags, func(t Tag) bool { return t.Key == tag.Key })
		tags = append(tags, tag)
	}
	if len(tags) > maxTags {
		return none, refuse(InvalidInput, "A resource can have at most %d tags", maxTags)
	}
	slices.SortFunc(tags, func(a, b Tag) int { return strings.Compare(a.Key, b.Key) })
	all := &resourceTags{c.Kind, c.ID, tags}
	var change command.Change = put{all}
	if len(tags) == 0 {
		change = remove{all}
	}
	// The record of the tags is read too, so that two changes do not undo each other.
	reads := []command.Read{read, {Key: all.key(), Exists: s.tags.Has(all.order())}}
	return command.Decision{Changes: []command.Change{change}, Reads: reads}, nil
}

// tagged checks that the account has a resource.
func (s *State) tagged(v command.View, m *command.Meta, kind, id string) (command.Read, error) {
	if kind == kindCheck {
		_, read, err := s.myCheck(m, id)
		return read, err
	}
	_, read, err := s.mine(m, ID(id))
	if err == nil {
		return read, nil
	}
	namespaces, _ := registryOf(v)
	if ns, ok := namespaceOf(namespaces, ID(id)); ok && ns.Account == m.Account && ns.Type != registry.HTTP {
		return ns.Read(), nil
	}
	return read, err
}
