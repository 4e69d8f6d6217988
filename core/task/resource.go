package task

import (
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/command"
)

// resource is an entity that can have tags.
type resource struct {
	tags []Tag
	read command.Read
	// put returns the change that gives the entity other tags.
	put func([]Tag) command.Change
	// check returns why the entity cannot have other tags. Nil: it can have all.
	check func(v command.View, tags []Tag) error
}

// findResource returns the resource with an ARN, or the error that AWS gives.
func (s *State) findResource(rules *Rules, account command.AccountID, text string) (resource, error) {
	a, ok := arn.Parse(text)
	kind, rest, hasKind := a.KindAndID()
	if !ok || !hasKind || a.Service != arnService {
		return resource{}, command.Invalid("Invalid resource ARN: resourceArn is %s", quote(text))
	}
	notFound := NewError(ResourceNotFound, "The specified resource was not found: %s", truncate(text))
	if a.Account != account || a.Region != rules.Region {
		return resource{}, notFound
	}
	cluster, name, long := strings.Cut(rest, "/")
	switch kind {
	case "cluster":
		return s.clusterResource(account, rest)
	case "task-definition":
		return s.definitionResource(account, rest, notFound)
	case "service", "task", "container-instance":
		if !long {
			return resource{}, command.Invalid("Long arn format must be used for tagging operations: resourceArn is %s", quote(text))
		}
		if r, ok := s.memberResource(kind, account, cluster, name); ok {
			return r, nil
		}
		return resource{}, notFound
	}
	return resource{}, command.Invalid("Invalid resource ARN: a %s cannot have tags, resourceArn is %s", truncate(kind), quote(text))
}

func (s *State) clusterResource(account command.AccountID, name string) (resource, error) {
	c, err := s.ActiveCluster(account, name)
	if err != nil {
		return resource{}, err
	}
	return resource{tags: c.Tags, read: clusters.Read(c, true), put: func(tags []Tag) command.Change {
		next := *c
		next.Tags = tags
		return clusters.Put(&next)
	}}, nil
}

func (s *State) definitionResource(account command.AccountID, name string, notFound error) (resource, error) {
	family, number, _ := strings.Cut(name, ":")
	revision, err := strconv.Atoi(number)
	d, ok := s.Definition(account, family, revision)
	if err != nil || !ok {
		return resource{}, notFound
	}
	with := func(tags []Tag) *Definition {
		next := *d
		next.Tags = tags
		return &next
	}
	return resource{
		tags: d.Tags, read: definitions.Read(d, true),
		put: func(tags []Tag) command.Change { return definitions.Put(with(tags)) },
		check: func(v command.View, tags []Tag) error {
			_, rules := stateOf(v)
			return with(tags).checkDiscovery(v, rules)
		},
	}, nil
}

// memberResource returns a resource of a cluster.
func (s *State) memberResource(kind string, account command.AccountID, cluster, name string) (resource, bool) {
	switch kind {
	case "service":
		svc, ok := s.Service(account, cluster, name)
		if !ok || svc.Status == Inactive {
			return resource{}, false
		}
		return resource{tags: svc.Tags, read: services.Read(svc, true), put: func(tags []Tag) command.Change {
			next := *svc
			next.Tags = tags
			return services.Put(&next)
		}}, true
	case "task":
		t, ok := s.Task(account, cluster, name)
		if !ok {
			return resource{}, false
		}
		return resource{tags: t.Tags, read: tasks.Read(t, true), put: func(tags []Tag) command.Change {
			next := *t
			next.Tags = tags
			return tasks.Put(&next)
		}}, true
	default:
		i, ok := s.Instance(account, cluster, name)
		if !ok {
			return resource{}, false
		}
		return resource{tags: i.Tags, read: instances.Read(i, true), put: func(tags []Tag) command.Change {
			next := *i
			next.Tags = tags
			return instances.Put(&next)
		}}, true
	}
}

// ResourceTags returns the tags of the resource with an ARN, or the error that AWS gives.
func (s *State) ResourceTags(rules *Rules, account command.AccountID, arn string) ([]Tag, error) {
	r, err := s.findResource(rules, account, arn)
	return r.tags, err
}

// TagResource adds tags to a resource. Those with the same key are replaced.
type TagResource struct {
	ARN  string
	Tags []Tag
}

// Decide implements command.Command.
func (c *TagResource) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	if err := checkTags(c.Tags); err != nil {
		return command.Decision{}, err
	}
	return editTags(v, m, c.ARN, func(tags []Tag) []Tag { return mergeTags(tags, c.Tags) })
}

// UntagResource removes tags from a resource.
type UntagResource struct {
	ARN  string
	Keys []string
}

// Decide implements command.Command.
func (c *UntagResource) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	return editTags(v, m, c.ARN, func(tags []Tag) []Tag { return removeTags(tags, c.Keys) })
}

func editTags(v command.View, m *command.Meta, arn string, edit func([]Tag) []Tag) (command.Decision, error) {
	s, rules := stateOf(v)
	r, err := s.findResource(rules, m.Account, arn)
	if err != nil {
		return command.Decision{}, err
	}
	tags := edit(r.tags)
	if len(tags) > maxTags {
		return command.Decision{}, command.Invalid("tags can have at most %d items.", maxTags)
	}
	if r.check != nil {
		if err := r.check(v, tags); err != nil {
			return command.Decision{}, err
		}
	}
	return command.Decision{Changes: []command.Change{r.put(tags)}, Reads: []command.Read{r.read}}, nil
}
