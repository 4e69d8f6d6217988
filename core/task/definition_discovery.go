package task

import (
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// The names of dockerLabels and of tags that are a "ServiceDiscoveryRegistry" block.
const (
	discoveryPrefix    = "cairn.discovery."
	discoveryNamespace = discoveryPrefix + "namespace-id"
	discoveryService   = discoveryPrefix + "service-name"
	discoveryContainer = discoveryPrefix + "container-name"
	discoveryPort      = discoveryPrefix + "container-port"
)

// discoveryBlocks returns the blocks "ServiceDiscoveryRegistry" of the definition from
// all carriers: JSON members, then dockerLabels, then tags. A block that says the same as
// an earlier one is left out. ContainerName and ContainerPort are filled in where they
// have a default: the container that holds the block, or the first one with a port
// mapping, and its first port.
func (d *Definition) discoveryBlocks() ([]DiscoveryBlock, error) {
	blocks := append([]DiscoveryBlock(nil), d.Registries...)
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		b, ok, err := blockOf(func(name string) string { return c.DockerLabels[name] }, "dockerLabels of container '"+c.Name+"'")
		if err != nil {
			return nil, err
		}
		if b.Holder = c.Name; ok {
			blocks = append(blocks, b)
		}
	}
	b, ok, err := blockOf(func(name string) string { return tagValue(d.Tags, name) }, "tags of the task definition")
	if err != nil {
		return nil, err
	}
	if ok {
		blocks = append(blocks, b)
	}
	return d.completeBlocks(blocks)
}

// blockOf reads a block from labels or tags. It returns false if there is none.
func blockOf(value func(name string) string, where string) (DiscoveryBlock, bool, error) {
	b := DiscoveryBlock{NamespaceID: value(discoveryNamespace), ServiceName: value(discoveryService), ContainerName: value(discoveryContainer)}
	port := value(discoveryPort)
	if b == (DiscoveryBlock{}) && port == "" {
		return b, false, nil
	}
	if port != "" {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > maxUint16 {
			return b, false, invalid("%s has %s %s: it must be a port from 1 to %d", where, discoveryPort, quote(port), maxUint16)
		}
		b.ContainerPort = n
	}
	return b, true, nil
}

// tagValue returns the value of a tag, or "".
func tagValue(tags []Tag, key string) string {
	for _, t := range tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}

// completeBlocks checks blocks and fills in what they leave out.
func (d *Definition) completeBlocks(blocks []DiscoveryBlock) ([]DiscoveryBlock, error) {
	var complete []DiscoveryBlock
	seen := map[DiscoveryBlock]bool{}
	for _, b := range blocks {
		if err := d.completeBlock(&b); err != nil {
			return nil, err
		}
		key := b
		key.Holder = ""
		if !seen[key] {
			seen[key] = true
			complete = append(complete, b)
		}
	}
	return complete, nil
}

func (d *Definition) completeBlock(b *DiscoveryBlock) error {
	where := "ServiceDiscoveryRegistry of the task definition"
	if b.Holder != "" {
		where = "ServiceDiscoveryRegistry of container '" + b.Holder + "'"
	}
	switch {
	case b.NamespaceID == "":
		return invalid("%s has no NamespaceId", where)
	case b.ServiceName == "":
		return invalid("%s has no ServiceName", where)
	case control(b.NamespaceID, "") || control(b.ServiceName, "") || len(b.NamespaceID) > 255 || len(b.ServiceName) > 255:
		return invalid("%s has the NamespaceId %s and the ServiceName %s: they must have at most 255 characters and no control characters", where, quote(b.NamespaceID), quote(b.ServiceName))
	case d.NetworkMode == "none":
		return invalid("%s is not supported when networkMode=none.", where)
	case b.ContainerPort < 0 || b.ContainerPort > maxUint16:
		return invalid("%s has the ContainerPort %d: it must be from 1 to %d", where, b.ContainerPort, maxUint16)
	}
	if b.ContainerName == "" {
		b.ContainerName = b.Holder
	}
	if b.ContainerName == "" {
		b.ContainerName = d.listener(b.ContainerPort)
	}
	return d.completePort(b, where)
}

// listener returns the first container that has a port mapping, with that port if it
// is not 0, or "".
func (d *Definition) listener(port int) string {
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		if port == 0 && len(c.PortMappings) > 0 || port != 0 && c.hasPort(port) {
			return c.Name
		}
	}
	return ""
}

func (d *Definition) completePort(b *DiscoveryBlock, where string) error {
	if b.ContainerName == "" {
		if b.ContainerPort != 0 {
			return invalid("%s has the ContainerPort %d, which no container has in its portMappings", where, b.ContainerPort)
		}
		return nil
	}
	c := d.container(b.ContainerName)
	if c == nil {
		return invalid("%s has the ContainerName %s: it must name a container of the task definition", where, quote(b.ContainerName))
	}
	if b.ContainerPort != 0 && !c.hasPort(b.ContainerPort) {
		return invalid("%s has the ContainerPort %d, which is not in portMappings of container '%s'", where, b.ContainerPort, c.Name)
	}
	if b.ContainerPort == 0 && len(c.PortMappings) > 0 {
		b.ContainerPort = int(deref(c.PortMappings[0].ContainerPort))
	}
	return nil
}

func (c *ContainerDefinition) hasPort(port int) bool {
	for _, p := range c.PortMappings {
		if deref(p.ContainerPort) == int64(port) {
			return true
		}
	}
	return false
}

// checkDiscovery checks that the namespaces of the blocks exist, and in strict mode the
// services too: otherwise they are created when a task registers, and must have a name with
// which that is possible.
func (d *Definition) checkDiscovery(v command.View, rules *Rules) error {
	blocks, err := d.discoveryBlocks()
	if err != nil || len(blocks) == 0 {
		return err
	}
	reg, regRules := cloudMapOf(v)
	for _, b := range blocks {
		ns, err := reg.FindNamespace(regRules, d.Account, b.NamespaceID)
		if err != nil {
			return invalid("ServiceDiscoveryRegistry has the NamespaceId %s: there is no such namespace", quote(b.NamespaceID))
		}
		if _, ok := ns.Service(b.ServiceName); ok {
			continue
		}
		if rules.Strict {
			return invalid("ServiceDiscoveryRegistry has the ServiceName %s: there is no such service in namespace %s", quote(b.ServiceName), b.NamespaceID)
		}
		if err := registry.CheckServiceName(ns, b.ServiceName); err != nil {
			return invalid("ServiceDiscoveryRegistry has a ServiceName that cannot be created: %s", err.Error())
		}
	}
	return nil
}

// hasDiscovery reports whether a definition has any block, without checks.
func (d *Definition) hasDiscovery() bool {
	for _, t := range d.Tags {
		if strings.HasPrefix(t.Key, discoveryPrefix) {
			return true
		}
	}
	for i := range d.ContainerDefinitions {
		for name := range d.ContainerDefinitions[i].DockerLabels {
			if strings.HasPrefix(name, discoveryPrefix) {
				return true
			}
		}
	}
	return len(d.Registries) > 0
}

// cloudMapOf returns the registry of Cloud Map in a view, and its rules.
func cloudMapOf(v command.View) (*registry.State, *registry.Rules) {
	s, r := v.Slice(registry.Slice{}.Name())
	return s.(*registry.State), r.(*registry.Rules)
}
