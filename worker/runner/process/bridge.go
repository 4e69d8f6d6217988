//go:build linux

package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/worker/runner"
)

// bridgeContainer gives a container in bridge mode its own network namespace, an
// address, and ports of this machine. A restart keeps them.
func (d *Driver) bridgeContainer(s *runner.Spec, c *runner.Container, dir containerDir, r *containerRecord, spec *containerSpec) error {
	d.network.Lock()
	defer d.network.Unlock()
	gateway := d.cfg.Bridge.Masked().Addr().Next()
	name := d.modeBridge()
	if err := ensureBridge(name, d.alias(), []netip.Prefix{netip.PrefixFrom(gateway, d.cfg.Bridge.Bits())}); err != nil {
		return err
	}
	used := d.bridged(s.Task.ID, c.Definition.Name)
	if !r.Address.IsValid() {
		address, err := freeAddress(d.cfg.Bridge, gateway, used)
		if err != nil {
			return err
		}
		r.Address = address
		if r.Bindings, err = bindPorts(c.Definition.PortMappings, used); err != nil {
			return err
		}
	}
	if err := newNamespace(dir.netns()); err != nil {
		return err
	}
	host := d.hostInterface(s.Task.ID, c.Definition.Name)
	mac := hardwareAddr(r.Address.String())
	err := attach(&attachment{
		namespace: dir.netns(), bridge: name, host: host, mac: mac,
		addresses: []netip.Prefix{netip.PrefixFrom(r.Address, d.cfg.Bridge.Bits())}, gateways: []netip.Addr{gateway},
	})
	if err != nil {
		return err
	}
	if err := writeRecord(dir.record(), r); err != nil { // the rules are made from the records
		return err
	}
	return d.updateFirewall()
}

func (d *Driver) modeBridge() string { return shortName("cb-", d.cfg.RunDir, "bridge mode") }

// bridged returns the records of all containers in bridge mode but one.
func (d *Driver) bridged(id, container string) []containerRecord {
	var all []containerRecord
	ids, err := d.Tasks(context.Background())
	if err != nil {
		return nil
	}
	for _, other := range ids {
		for _, name := range d.containerNames(other) {
			var r containerRecord
			ok, err := readRecord(d.files.container(other, name).record(), &r)
			if ok && err == nil && r.Address.IsValid() && (other != id || name != container) {
				all = append(all, r)
			}
		}
	}
	return all
}

// freeAddress returns the first address that no container has.
func freeAddress(subnet netip.Prefix, gateway netip.Addr, used []containerRecord) (netip.Addr, error) {
	taken := map[netip.Addr]bool{gateway: true}
	for _, r := range used {
		taken[r.Address] = true
	}
	for a := gateway.Next(); subnet.Contains(a) && subnet.Contains(a.Next()); a = a.Next() { // not broadcast
		if !taken[a] {
			return a, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no address is free in %v, the network of bridge mode", subnet)
}

// firstPort and lastPort are the range of dynamic ports, as ECS does with Docker.
const firstPort, lastPort = 32768, 60999

// bindPorts chooses the ports of this machine that lead to a container.
func bindPorts(all []task.PortMapping, used []containerRecord) ([]task.Binding, error) {
	taken := map[string]bool{}
	for _, r := range used {
		for _, b := range r.Bindings {
			taken[fmt.Sprint(b.Protocol, b.HostPort)] = true
		}
	}
	var bindings []task.Binding
	for _, m := range all {
		if m.ContainerPort == nil {
			return nil, errors.New("containerPortRange is not supported by the process driver")
		}
		b := task.Binding{BindIP: "0.0.0.0", ContainerPort: int(*m.ContainerPort), HostPort: int(value(m.HostPort, 0)), Protocol: orElse(m.Protocol, "tcp")}
		if b.HostPort == 0 {
			if b.HostPort = freePort(b.Protocol, taken); b.HostPort == 0 {
				return nil, errors.New("no port of this node is free")
			}
		} else if taken[fmt.Sprint(b.Protocol, b.HostPort)] || !portFree(b.Protocol, b.HostPort) {
			return nil, fmt.Errorf("port %d/%s of this node is in use", b.HostPort, b.Protocol)
		}
		taken[fmt.Sprint(b.Protocol, b.HostPort)] = true
		bindings = append(bindings, b)
	}
	return bindings, nil
}

func freePort(protocol string, taken map[string]bool) int {
	for port := firstPort; port <= lastPort; port++ {
		if !taken[fmt.Sprint(protocol, port)] && portFree(protocol, port) {
			return port
		}
	}
	return 0
}

// hostPortsFree checks that nothing listens on the ports of a container in host mode.
// Otherwise it would be registered with the port of another program.
func hostPortsFree(all []task.PortMapping) error {
	for _, m := range all {
		port, protocol := int(value(m.ContainerPort, 0)), orElse(m.Protocol, "tcp")
		if port != 0 && !portFree(protocol, port) {
			return fmt.Errorf("port %d/%s of this node is in use", port, protocol)
		}
	}
	return nil
}

// portFree reports whether nothing on this machine listens on a port.
func portFree(protocol string, port int) bool {
	address := fmt.Sprintf(":%d", port)
	if protocol == "udp" {
		c, err := net.ListenPacket("udp4", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	}
	ln, err := net.Listen("tcp4", address)
	if err == nil {
		ln.Close()
	}
	return err == nil
}

// emptyFirewall returns the table of rules without tasks.
func (d *Driver) emptyFirewall() *firewall {
	return &firewall{table: d.table, forbidden: d.cfg.Forbidden, outbound: !d.cfg.NoOutbound}
}

// updateFirewall makes the rules that the tasks of this moment need. The caller holds
// d.network.
func (d *Driver) updateFirewall() error {
	ids, err := d.Tasks(context.Background())
	if err != nil {
		return err
	}
	fw := d.emptyFirewall()
	byBridge := map[string]*bridged{}
	add := func(bridge string, subnet netip.Prefix, mapped bool) {
		b := byBridge[bridge]
		if b == nil {
			b = &bridged{bridge: bridge}
			byBridge[bridge] = b
		}
		b.mapped = b.mapped || mapped
		if !slices.Contains(b.subnets, subnet) {
			b.subnets = append(b.subnets, subnet)
		}
	}
	for _, id := range ids {
		var t taskRecord
		if ok, err := readRecord(d.files.record(id), &t); !ok || err != nil {
			continue
		}
		if t.Mode == runner.ModeAWSVPC {
			for _, a := range t.Addresses {
				add(shortName("cb-", d.cfg.RunDir, t.Subnet), a.Masked(), false)
			}
		}
	}
	for _, r := range d.bridged("", "") {
		add(d.modeBridge(), d.cfg.Bridge.Masked(), true)
		for _, b := range r.Bindings {
			m := mapping{protocol: unix.IPPROTO_TCP, port: uint16(b.HostPort), to: netip.AddrPortFrom(r.Address, uint16(b.ContainerPort))}
			if b.Protocol == "udp" {
				m.protocol = unix.IPPROTO_UDP
			}
			fw.mappings = append(fw.mappings, m)
		}
	}
	for _, b := range byBridge {
		fw.networks = append(fw.networks, *b)
	}
	return fw.apply()
}
