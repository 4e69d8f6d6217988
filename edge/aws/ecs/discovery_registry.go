package ecs

import (
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/awsjson"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// DiscoveryRegistries is the member "serviceDiscoveryRegistry" of a container definition
// and of a task definition: one block, or a list of them. AWS does not have it; see
// docs/adr/0027-members-that-aws-does-not-have.md.
type DiscoveryRegistries []DiscoveryRegistry

// DiscoveryRegistry names a service of Cloud Map in which tasks register.
type DiscoveryRegistry struct {
	ContainerName *string
	ContainerPort *int64
	NamespaceId   *string
	ServiceName   *string
}

func decodeDiscoveryRegistries(r *awsjson.Reader) *DiscoveryRegistries {
	switch {
	case r.Null():
		return nil
	case r.AtArray():
		list := DiscoveryRegistries(awsjson.List(r, decodeDiscoveryRegistry))
		return &list
	}
	return &DiscoveryRegistries{decodeDiscoveryRegistry(r)}
}

// decodeDiscoveryRegistry reads names of members with a capital too: task definitions
// in CloudFormation have them so.
func decodeDiscoveryRegistry(r *awsjson.Reader) DiscoveryRegistry {
	var m DiscoveryRegistry
	for r.BeginObject(); r.NextMember(); {
		switch string(r.Name()) {
		case "containerName", "ContainerName":
			m.ContainerName = awsjson.OptionalText[string](r)
		case "containerPort", "ContainerPort":
			m.ContainerPort = awsjson.OptionalInt64(r)
		case "namespaceId", "NamespaceId":
			m.NamespaceId = awsjson.OptionalText[string](r)
		case "serviceName", "ServiceName":
			m.ServiceName = awsjson.OptionalText[string](r)
		default:
			r.Skip()
		}
	}
	return m
}

func (m *DiscoveryRegistries) append(b []byte) []byte {
	if len(*m) == 1 {
		return (*m)[0].append(b)
	}
	return awsjson.AppendStructs(b, *m, (*DiscoveryRegistry).append)
}

func (m *DiscoveryRegistry) append(b []byte) []byte {
	b = append(b, '{')
	text := func(name string, value *string) {
		if value != nil {
			b = awsjson.AppendString(awsjson.AppendName(b, name), *value)
		}
	}
	text("containerName", m.ContainerName)
	if m.ContainerPort != nil {
		b = awsjson.AppendInt(awsjson.AppendName(b, "containerPort"), *m.ContainerPort)
	}
	text("namespaceId", m.NamespaceId)
	text("serviceName", m.ServiceName)
	return append(b, '}')
}

// blocks returns the blocks of a member. The holder is the container that has it.
func (m *DiscoveryRegistries) blocks(holder string) []task.DiscoveryBlock {
	if m == nil {
		return nil
	}
	var list []task.DiscoveryBlock
	for _, r := range *m {
		list = append(list, task.DiscoveryBlock{
			NamespaceID: service.Value(r.NamespaceId), ServiceName: service.Value(r.ServiceName),
			ContainerName: service.Value(r.ContainerName), ContainerPort: int(service.Value(r.ContainerPort)), Holder: holder,
		})
	}
	return list
}

// registriesOf returns the member of a container, or of the task definition if holder is
// empty. It is nil if there was none.
func registriesOf(blocks []task.DiscoveryBlock, holder string) *DiscoveryRegistries {
	var list DiscoveryRegistries
	for _, b := range blocks {
		if b.Holder == holder {
			list = append(list, DiscoveryRegistry{
				ContainerName: optional(b.ContainerName), ContainerPort: optional(int64(b.ContainerPort)),
				NamespaceId: optional(b.NamespaceID), ServiceName: optional(b.ServiceName),
			})
		}
	}
	if list == nil {
		return nil
	}
	return &list
}

// optional returns nil for the zero value.
func optional[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}
