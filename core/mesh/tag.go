package mesh

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cairn-discovery/cairn/core/command"
)

// maxTags is the largest number of tags of a resource.
const maxTags = 50

// checkTags checks tags that a client gives to a resource, and returns them in the order
// of their keys. See "Tagging your resources" in the user guide.
func checkTags(tags []Tag) ([]Tag, error) {
	tags = slices.Clone(tags)
	slices.SortFunc(tags, func(a, b Tag) int { return strings.Compare(a.Key, b.Key) })
	if len(tags) > maxTags {
		return nil, &TooManyTags{"A resource can have at most 50 tags"}
	}
	for i, t := range tags {
		switch n := utf8.RuneCountInString(t.Key); {
		case n < 1 || n > 128:
			return nil, command.Invalid("The tag key %q has %d characters: it must have from 1 to 128", t.Key, n)
		case utf8.RuneCountInString(t.Value) > 256:
			return nil, command.Invalid("The value of the tag %q has %d characters: it can have at most 256", t.Key, utf8.RuneCountInString(t.Value))
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return nil, command.Invalid("The tag key %q is not allowed: the prefix aws: is reserved", t.Key)
		case i > 0 && tags[i-1].Key == t.Key:
			return nil, command.Invalid("The tag key %q is there twice", t.Key)
		}
	}
	return tags, nil
}

// TagResource adds tags to a resource, and replaces those with the same keys. Only the owner of
// the mesh can tag, and only what it created.
type TagResource struct {
	Ref  Ref
	Tags []Tag
}

// Decide implements command.Command.
func (c *TagResource) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	added, err := checkTags(c.Tags)
	if err != nil {
		return command.Decision{}, err
	}
	return retag(v, m, c.Ref, func(tags []Tag) ([]Tag, error) {
		tags = slices.DeleteFunc(tags, func(t Tag) bool {
			return slices.ContainsFunc(added, func(a Tag) bool { return a.Key == t.Key })
		})
		return checkTags(append(tags, added...))
	})
}

// UntagResource removes tags from a resource.
type UntagResource struct {
	Ref  Ref
	Keys []string
}

// Decide implements command.Command.
func (c *UntagResource) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	return retag(v, m, c.Ref, func(tags []Tag) ([]Tag, error) {
		return slices.DeleteFunc(tags, func(t Tag) bool { return slices.Contains(c.Keys, t.Key) }), nil
	})
}

func retag(v command.View, m *command.Meta, r Ref, edit func([]Tag) ([]Tag, error)) (command.Decision, error) {
	s, rules := stateOf(v)
	old, err := s.Tagged(rules, m.Account, r)
	if err != nil {
		return command.Decision{}, err
	}
	tags, err := edit(slices.Clone(old.Tags))
	if err != nil {
		return command.Decision{}, err
	}
	if slices.Equal(tags, old.Tags) {
		return s.decided(old, nil), nil
	}
	next := *old
	next.Tags = tags
	return s.decided(&next, r.records().Put(&next)), nil
}

// Tagged returns a resource whose tags an account may read and change.
func (s *State) Tagged(rules *Rules, account command.AccountID, r Ref) (*Resource, error) {
	if account != r.Owner {
		return nil, forbidden("Account %s cannot read or change the tags of %s: only the owner of the mesh can", account, r.Path())
	}
	found, err := s.Find(rules, account, r)
	if err != nil {
		return nil, err
	}
	return found, mayChange(account, found)
}
