package task

import (
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// blocks returns the discovery blocks of a definition. It was checked when it was
// registered, so there is no error.
func (d *Definition) blocks() []DiscoveryBlock {
	if !d.hasDiscovery() {
		return nil
	}
	blocks, _ := d.discoveryBlocks()
	return blocks
}

// onlyPort returns the container and port of the only port mapping of the definition, or
// "" and 0 if there is not exactly one.
func (d *Definition) onlyPort() (container string, port int) {
	n := 0
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		n += len(c.PortMappings)
		if len(c.PortMappings) > 0 && c.PortMappings[0].ContainerPort != nil {
			container, port = c.Name, int(*c.PortMappings[0].ContainerPort)
		}
	}
	if n != 1 {
		return "", 0
	}
	return container, port
}

// networkMode returns the network mode, "bridge" without one.
func (d *Definition) networkMode() string {
	if d.NetworkMode == "" {
		return "bridge"
	}
	return d.NetworkMode
}

// awsvpc reports whether tasks have addresses of their own.
func (d *Definition) awsvpc() bool { return d.NetworkMode == "awsvpc" }

// blockTTL is the TTL in seconds of the records of a Cloud Map service that a block
// creates.
const blockTTL = 60

// ensureBlock returns the Cloud Map service of a block. In extended mode it is created
// if it does not exist.
func (t *transaction) ensureBlock(account command.AccountID, d *Definition, b *DiscoveryBlock) (*registry.Service, error) {
	ns, err := t.registry().FindNamespace(t.cloudMap, account, b.NamespaceID)
	if err != nil {
		return nil, err
	}
	if svc, ok := ns.Service(b.ServiceName); ok {
		return svc, nil
	}
	if t.rules.Strict || t.keep {
		return nil, &registry.ServiceNotFound{ID: b.ServiceName}
	}
	if err := registry.CheckServiceName(ns, b.ServiceName); err != nil {
		return nil, err // a definition that is older than the check
	}
	create := &registry.CreateService{Name: b.ServiceName, NamespaceRef: b.NamespaceID, CustomHealth: true}
	if ns.IsDNS() {
		kind := registry.RecordSRV
		if d.awsvpc() {
			kind = registry.RecordA
		}
		create.DNS = &registry.DNSConfig{Records: []registry.DNSRecord{{Type: kind, TTL: blockTTL}}}
	}
	reply, err := t.call(account, create)
	if err != nil {
		return nil, err
	}
	return reply.Value.(*registry.Service), nil
}
