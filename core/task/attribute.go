package task

import (
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// maxAttributesPerCall is the largest number of attributes in one request.
const maxAttributesPerCall = 10

// PutAttributes sets attributes of container instances. TargetID of each is the id of the
// instance.
type PutAttributes struct {
	Cluster    string
	Attributes []Attribute
}

// Decide implements command.Command.
func (c *PutAttributes) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	if err := checkAttributes(c.Attributes, maxAttributesPerCall); err != nil {
		return command.Decision{}, err
	}
	for _, a := range c.Attributes {
		if strings.HasPrefix(a.Name, "ecs.") || strings.HasPrefix(a.Name, "com.amazonaws.ecs.") {
			return command.Decision{}, command.Invalid("The attribute name %s is not allowed: the prefixes ecs. and com.amazonaws.ecs. are reserved", a.Name)
		}
	}
	return editAttributes(v, m, c.Cluster, c.Attributes, func(i *ContainerInstance, a Attribute) error {
		i.Attributes = slices.DeleteFunc(i.Attributes, func(x Attribute) bool { return x.Name == a.Name })
		i.Attributes = append(i.Attributes, Attribute{Name: a.Name, Value: a.Value})
		if customAttributes(i.Attributes) > maxCustomAttributes {
			return NewError(AttributeLimitExceeded, "A container instance can have at most %d custom attributes.", maxCustomAttributes)
		}
		return nil
	})
}

// customAttributes counts the attributes that users have added.
func customAttributes(list []Attribute) int {
	n := 0
	for _, a := range list {
		if !strings.HasPrefix(a.Name, "ecs.") && !strings.HasPrefix(a.Name, "com.amazonaws.ecs.") {
			n++
		}
	}
	return n
}

// DeleteAttributes removes attributes of container instances: those with the name, and
// with the value if it is not empty.
type DeleteAttributes struct {
	Cluster    string
	Attributes []Attribute
}

// Decide implements command.Command.
func (c *DeleteAttributes) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	if len(c.Attributes) > maxAttributesPerCall {
		return command.Decision{}, command.Invalid("attributes can have at most %d items.", maxAttributesPerCall)
	}
	return editAttributes(v, m, c.Cluster, c.Attributes, func(i *ContainerInstance, a Attribute) error {
		i.Attributes = slices.DeleteFunc(i.Attributes, func(x Attribute) bool {
			return x.Name == a.Name && (a.Value == "" || x.Value == a.Value)
		})
		return nil
	})
}

// editAttributes changes each instance that an attribute has as its target.
func editAttributes(v command.View, m *command.Meta, cluster string, list []Attribute, edit func(*ContainerInstance, Attribute) error) (command.Decision, error) {
	s, _ := stateOf(v)
	if _, err := s.ActiveCluster(m.Account, cluster); err != nil {
		return command.Decision{}, err
	}
	var decision command.Decision
	changed := map[string]*ContainerInstance{}
	for _, a := range list {
		i := changed[a.TargetID]
		if i == nil {
			old, ok := s.Instance(m.Account, cluster, a.TargetID)
			if !ok {
				return command.Decision{}, NewError(TargetNotFound, "The specified target wasn't found: %s. You can view your available container instances with ListContainerInstances.", quote(a.TargetID))
			}
			c := *old
			c.Attributes = slices.Clone(c.Attributes)
			c.Version++
			i = &c
			changed[a.TargetID] = i
			decision.Changes = append(decision.Changes, instances.Put(i))
			decision.Reads = append(decision.Reads, instances.Read(i, true))
		}
		if err := edit(i, a); err != nil {
			return command.Decision{}, err
		}
	}
	return decision, nil
}
