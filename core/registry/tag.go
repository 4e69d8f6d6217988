package registry

import (
	"maps"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// Tag is one tag of a namespace or service.
type Tag struct{ Key, Value string }

// newTags returns the tags of a new resource.
func newTags(resource string, tags []Tag) (Attributes, error) {
	return addTags("", resource, tags)
}

// addTags returns the tags of a resource after adding some.
func addTags(old Attributes, resource string, tags []Tag) (Attributes, error) {
	all := old.Map()
	seen := map[string]bool{}
	for _, t := range tags {
		if reservedTag(t.Key) {
			return "", command.Invalid("Tag key %q is not allowed: the prefix aws: is reserved", t.Key)
		}
		if seen[t.Key] {
			return "", command.Invalid("Tag key %q is given twice", t.Key)
		}
		seen[t.Key] = true
		all[t.Key] = t.Value
	}
	if len(all) > maxTags {
		return "", &TooManyTags{Resource: resource}
	}
	return newAttributes(all), nil
}

func reservedTag(key string) bool {
	return len(key) >= 4 && strings.EqualFold(key[:4], "aws:")
}

// TagResource adds tags or replaces their values.
type TagResource struct {
	ARN  string
	Tags []Tag
	// NewKey is needed if the tags ask for a signed zone; see WantsKey.
	NewKey SigningKey
}

func (c *TagResource) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := stateOf(v)
	return replaceTags(s, r, m, c.ARN, c.NewKey, func(old Attributes) (Attributes, error) {
		return addTags(old, c.ARN, c.Tags)
	})
}

// UntagResource removes tags and ignores unknown keys.
type UntagResource struct {
	ARN  string
	Keys []string
}

func (c *UntagResource) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, r := stateOf(v)
	return replaceTags(s, r, m, c.ARN, SigningKey{}, func(old Attributes) (Attributes, error) {
		all := old.Map()
		maps.DeleteFunc(all, func(k, _ string) bool {
			for _, gone := range c.Keys {
				if k == gone {
					return true
				}
			}
			return false
		})
		return newAttributes(all), nil
	})
}

func replaceTags(s *State, r *Rules, m *command.Meta, arn string, k SigningKey, change func(Attributes) (Attributes, error)) (command.Decision, error) {
	ns, svc, err := s.FindResource(r, m.Account, arn)
	if err != nil {
		return command.Decision{}, err
	}
	if ns != nil {
		tags, err := change(ns.Tags)
		if err != nil || tags == ns.Tags {
			return command.Decision{}, err
		}
		next := *ns
		next.Tags = tags
		if err := next.sign(k, m.Now); err != nil {
			return command.Decision{}, err
		}
		return command.Decision{Changes: []command.Change{putNamespace{&next}}, Reads: []command.Read{ns.Read()}}, nil
	}
	tags, err := change(svc.Tags)
	if err != nil || tags == svc.Tags {
		return command.Decision{}, err
	}
	if err := serviceTags(tags); err != nil {
		return command.Decision{}, err
	}
	next := *svc
	next.Tags = tags
	return command.Decision{Changes: []command.Change{putService{&next}}, Reads: []command.Read{svc.read()}}, nil
}
