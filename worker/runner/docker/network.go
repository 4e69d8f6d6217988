package docker

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/cairn-discovery/cairn/worker/runner"
)

// Options of the bridge driver of the engine.
const (
	optionBridge      = "com.docker.network.bridge.name"
	optionGatewayMode = "com.docker.network.bridge.gateway_mode_ipv" // and 4 or 6
)

// networkName returns the name of the network of a subnet.
func (d *Driver) networkName(subnet string) string {
	return "cairn-" + d.cfg.Node + "-" + subnet
}

// bridgeName returns the name of the interface of a subnet. Names of interfaces have at
// most 15 characters.
func (d *Driver) bridgeName(subnet string) string {
	return bridgePrefix + digest([]byte(d.cfg.Node + "/" + subnet))[:9]
}

// ensureNetwork makes the network of the task's subnet if it is not there, and returns
// its name. The caller holds preparing.
func (d *Driver) ensureNetwork(ctx context.Context, n *runner.NetworkSpec) (string, error) {
	want, err := addressConfig(n)
	if err != nil {
		return "", err
	}
	have, err := d.networks(ctx, n.Subnet)
	if err != nil {
		return "", err
	}
	for _, h := range have {
		if covers(h.IPAM.Config, want) {
			return h.Name, nil
		}
		if err := d.removeNetwork(ctx, h.ID); err != nil {
			return "", fmt.Errorf("the network of subnet %s was made for %s, is needed for %s, and cannot be replaced while tasks use it: %w",
				n.Subnet, describe(h.IPAM.Config), describe(want), err)
		}
	}
	name, err := d.createNetwork(ctx, n.Subnet, want)
	if err != nil {
		return "", err
	}
	d.secure(ctx)
	return name, nil
}

// secure updates the rules of the firewall. Tasks run without them on machines that
// have no nftables.
func (d *Driver) secure(ctx context.Context) {
	if err := d.updateFirewall(ctx); err != nil && ctx.Err() == nil {
		d.cfg.Logger.Warn("the rules of the firewall are not set: tasks of different subnets do not reach each other, and forbidden ports are open to them", "error", err)
	}
}

func (d *Driver) createNetwork(ctx context.Context, subnet string, addresses []network.IPAMConfig) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	o := client.NetworkCreateOptions{
		Driver:     "bridge",
		EnableIPv6: new(slices.ContainsFunc(addresses, func(c network.IPAMConfig) bool { return c.Subnet.Addr().Is6() })),
		IPAM:       &network.IPAM{Config: addresses},
		Options:    map[string]string{optionBridge: d.bridgeName(subnet)},
		Labels:     map[string]string{labelNode: d.cfg.Node, labelSubnet: subnet},
	}
	ipv4 := slices.ContainsFunc(addresses, func(c network.IPAMConfig) bool { return c.Subnet.Addr().Is4() })
	// Engine 28 and later: without this mode it drops packets to tasks that come from
	// other machines.
	if d.engine.atLeast(48) {
		o.Options[optionGatewayMode+"4"] = "nat-unprotected"
		o.Options[optionGatewayMode+"6"] = "nat-unprotected"
		o.EnableIPv4 = &ipv4
	} else if !ipv4 {
		return "", fmt.Errorf("subnet %s has IPv6 addresses only, which needs Docker Engine 28 or later", subnet)
	}
	name := d.networkName(subnet)
	if _, err := d.engine.api().NetworkCreate(ctx, name, o); err != nil {
		return "", fmt.Errorf("make the network of subnet %s (%s): %w", subnet, describe(addresses), err)
	}
	return name, nil
}

// addressConfig returns the subnets and gateways of a task's addresses.
func addressConfig(n *runner.NetworkSpec) ([]network.IPAMConfig, error) {
	var out []network.IPAMConfig
	for _, a := range n.Addresses {
		i := slices.IndexFunc(n.Gateways, a.Masked().Contains)
		if i < 0 {
			return nil, fmt.Errorf("address %s of the task has no gateway in its subnet", a)
		}
		out = append(out, network.IPAMConfig{Subnet: a.Masked(), Gateway: n.Gateways[i]})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("the task has no address in subnet %s", n.Subnet)
	}
	return out, nil
}

func covers(have, want []network.IPAMConfig) bool {
	for _, w := range want {
		if !slices.ContainsFunc(have, func(h network.IPAMConfig) bool { return h.Subnet == w.Subnet && h.Gateway == w.Gateway }) {
			return false
		}
	}
	return true
}

func describe(cs []network.IPAMConfig) string {
	var s []string
	for _, c := range cs {
		s = append(s, c.Subnet.String()+" by "+c.Gateway.String())
	}
	return strings.Join(s, ", ")
}

// networks returns the networks of this node, of one subnet if it is not empty.
func (d *Driver) networks(ctx context.Context, subnet string) ([]network.Summary, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	f := d.ours("")
	if subnet != "" {
		f.Add("label", labelSubnet+"="+subnet)
	}
	r, err := d.engine.api().NetworkList(ctx, client.NetworkListOptions{Filters: f})
	return r.Items, err
}

func (d *Driver) removeNetwork(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	_, err := d.engine.api().NetworkRemove(ctx, id, client.NetworkRemoveOptions{})
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// endpoint returns the settings of a task's addresses in its network.
func endpoint(n *runner.NetworkSpec) *network.EndpointSettings {
	e := &network.EndpointSettings{IPAMConfig: &network.EndpointIPAMConfig{}}
	for _, a := range n.Addresses {
		if a.Addr().Is4() {
			e.IPAMConfig.IPv4Address = a.Addr()
		} else {
			e.IPAMConfig.IPv6Address = a.Addr()
		}
	}
	return e
}

// observedNetwork returns the network that a running pause container has.
func (d *Driver) observedNetwork(settings map[string]*network.EndpointSettings, subnet string) *runner.ObservedNetwork {
	e, ok := settings[d.networkName(subnet)]
	if !ok {
		return nil
	}
	o := &runner.ObservedNetwork{Subnet: subnet, MAC: e.MacAddress.String()}
	for _, a := range []netip.Prefix{
		netip.PrefixFrom(e.IPAddress, e.IPPrefixLen),
		netip.PrefixFrom(e.GlobalIPv6Address, e.GlobalIPv6PrefixLen),
	} {
		if a.IsValid() {
			o.Addresses = append(o.Addresses, a)
		}
	}
	return o
}

// atLeast reports whether the engine's API is 1.minor or later. It is called after a
// call that has negotiated the version.
func (e *engine) atLeast(minor int) bool {
	_, m, _ := strings.Cut(e.api().ClientVersion(), ".")
	n, err := strconv.Atoi(m)
	return err == nil && n >= minor
}
