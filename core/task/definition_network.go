package task

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

var (
	portNamePattern = regexp.MustCompile(`^[a-z0-9_][a-z0-9_-]{0,63}$`)
	hostNamePattern = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,253}[a-zA-Z0-9])?$`)
)

// network is what containers share in the task's network while they are checked.
type network struct {
	mode  string
	names map[string]bool // of port mappings
	ports map[string]bool // PORT/PROTOCOL of the host, or of the task
}

func (d *Definition) checkNetwork() error {
	n := network{mode: d.NetworkMode, names: map[string]bool{}, ports: map[string]bool{}}
	return d.eachContainer(func(c *ContainerDefinition) error {
		if err := n.checkSettings(c); err != nil {
			return err
		}
		for i := range c.PortMappings {
			if err := n.checkPort(c, &c.PortMappings[i]); err != nil {
				return err
			}
		}
		return d.checkLinks(c)
	})
}

// checkSettings checks what a container sets of its network beside ports.
func (n *network) checkSettings(c *ContainerDefinition) error {
	awsvpc := n.mode == "awsvpc"
	switch {
	case awsvpc && c.Hostname != "":
		return invalid("hostname is not supported on container when networkMode=awsvpc.")
	case awsvpc && len(c.ExtraHosts) > 0:
		return invalid("Extra hosts are not supported on container when networkMode=awsvpc.")
	case awsvpc && len(c.DNSServers) > 0:
		return invalid("DNS servers are not supported on container when networkMode=awsvpc.")
	case awsvpc && len(c.DNSSearchDomains) > 0:
		return invalid("DNS search domains are not supported on container when networkMode=awsvpc.")
	case n.mode != "" && n.mode != "bridge" && len(c.Links) > 0:
		return invalid("Links are not supported when networkMode=%s.", n.mode)
	case n.mode == "none" && len(c.PortMappings) > 0:
		return invalid("Port mappings are not supported on container when networkMode=none.")
	case c.Hostname != "" && !hostNamePattern.MatchString(c.Hostname):
		return invalid("hostname %s of container '%s' must match %s", quote(c.Hostname), c.Name, hostNamePattern)
	}
	for _, h := range c.ExtraHosts {
		if _, err := netip.ParseAddr(h.IpAddress); err != nil || !hostNamePattern.MatchString(h.Hostname) {
			return invalid("extraHosts of container '%s' has the host %s with the address %s: it needs a host name and an IP address",
				c.Name, quote(h.Hostname), quote(h.IpAddress))
		}
	}
	for _, s := range c.DNSServers {
		if _, err := netip.ParseAddr(s); err != nil {
			return invalid("dnsServers of container '%s' has %s: it must be an IP address", c.Name, quote(s))
		}
	}
	for _, s := range c.DNSSearchDomains {
		if !hostNamePattern.MatchString(s) {
			return invalid("dnsSearchDomains of container '%s' has %s: it must be a DNS name", c.Name, quote(s))
		}
	}
	return nil
}

func (n *network) checkPort(c *ContainerDefinition, p *PortMapping) error {
	if p.Name != "" {
		if !portNamePattern.MatchString(p.Name) {
			return invalid("The name %s of a port mapping of container '%s' must match %s", quote(p.Name), c.Name, portNamePattern)
		}
		if n.names[p.Name] {
			return invalid("When networkMode=%s, port mapping name is already used", n.modeName())
		}
		n.names[p.Name] = true
	}
	if p.ContainerPortRange != "" {
		return n.checkRange(c, p)
	}
	if outside(p.ContainerPort, 1, maxUint16) || p.ContainerPort == nil {
		return invalid("Invalid 'containerPort' setting for container '%s'. %d is not from 1 to %d", c.Name, deref(p.ContainerPort), maxUint16)
	}
	if outside(p.HostPort, 0, maxUint16) {
		return invalid("Invalid 'hostPort' setting for container '%s'. %d is not from 0 to %d", c.Name, *p.HostPort, maxUint16)
	}
	if host := deref(p.HostPort); sharesPorts(n.mode) && host != *p.ContainerPort {
		return invalid("When networkMode=%s, the host ports and container ports in port mappings must match.", n.mode)
	}
	return n.usePort(c, deref(p.HostPort), p.Protocol)
}

// usePort notes a port of the host, or of the task's network, which two mappings cannot
// have. Port 0 is chosen when the task starts.
func (n *network) usePort(c *ContainerDefinition, port int64, protocol string) error {
	if port == 0 {
		return nil
	}
	key := strconv.FormatInt(port, 10) + "/" + protocol
	if n.ports[key] {
		return invalid("The host port %s of container '%s' is already used by another port mapping", key, c.Name)
	}
	n.ports[key] = true
	return nil
}

func (n *network) checkRange(c *ContainerDefinition, p *PortMapping) error {
	from, to, _ := strings.Cut(p.ContainerPortRange, "-")
	first, err1 := strconv.Atoi(from)
	last, err2 := strconv.Atoi(to)
	switch {
	case err1 != nil || err2 != nil || first < 1 || last < first || last > maxUint16:
		return invalid("Invalid 'containerPortRange' setting for container '%s'. %s must be FIRST-LAST, from 1 to %d", c.Name, quote(p.ContainerPortRange), maxUint16)
	case p.ContainerPort != nil || p.HostPort != nil:
		return invalid("A port mapping of container '%s' has 'containerPortRange' with 'containerPort' or 'hostPort'. Remove one of them", c.Name)
	case n.mode == "host" || n.mode == "none":
		return invalid("'containerPortRange' is not supported on container when networkMode=%s.", n.mode)
	}
	return nil
}

func (n *network) modeName() string {
	if n.mode == "" {
		return "bridge"
	}
	return n.mode
}

// checkLinks checks the names of links, which are CONTAINER or CONTAINER:ALIAS.
func (d *Definition) checkLinks(c *ContainerDefinition) error {
	for _, link := range c.Links {
		name, alias, has := strings.Cut(link, ":")
		if d.container(name) == nil || name == c.Name || has && !namePattern.MatchString(alias) {
			return invalid("links of container '%s' has %s: it must name another container of the task definition", c.Name, quote(link))
		}
	}
	return nil
}
