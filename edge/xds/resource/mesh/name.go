package mesh

import (
	"fmt"
	"strconv"
	"strings"

	model "github.com/cairn-discovery/cairn/core/mesh"
)

// The ports of a proxy to which iptables redirect connections.
const (
	ingressPort = 15000
	egressPort  = 15001
)

// The parts of names.
const (
	ingressPrefix = "cds_ingress_"
	egressPrefix  = "cds_egress_"
	// variant precedes the number of a cluster of a virtual node that differs from
	// another one in the client policy alone. Names of nodes cannot have it.
	variant = "~"
	// nowhere ends the name of a cluster that never exists.
	nowhere = "_none"
)

// listenerName returns the name of a listener. Names always have 0.0.0.0, except
// without iptables.
func (v *view) listenerName(direction string, port int64) string {
	host := "0.0.0.0"
	if v.listen.IsValid() && port != egressPort {
		host = v.listen.String()
	}
	return fmt.Sprintf("lds_%s_%s_%d", direction, host, port)
}

// routeName returns the name of a route configuration.
func routeName(direction, protocol string, port int64) string {
	return fmt.Sprintf("rds_%s_%s_%d", direction, protocol, port)
}

// ingressName returns the name of the cluster of the application behind a listener.
func (v *view) ingressName(m *model.PortMapping) string {
	return fmt.Sprintf("%s%s_%s_%s_%d", ingressPrefix, v.mesh.Mesh, v.self.Name, m.Protocol, m.Port)
}

// egressName returns the name of the cluster of a listener of a virtual node.
func (v *view) egressName(node string, m *model.PortMapping) string {
	return fmt.Sprintf("%s%s_%s_%s_%d", egressPrefix, v.mesh.Mesh, node, m.Protocol, m.Port)
}

// allowAllName and amazonAWSName return the names of the clusters for hosts outside the
// mesh.
func (v *view) allowAllName() string  { return egressPrefix + v.mesh.Mesh + "_mesh-allow-all" }
func (v *view) amazonAWSName() string { return egressPrefix + v.mesh.Mesh + "_amazonaws" }

// nowhereName returns the name of a cluster that never exists: that of a node without a
// listener. Requests to it are answered 503.
func (v *view) nowhereName(node string) string {
	return egressPrefix + v.mesh.Mesh + "_" + node + nowhere
}

// parseEgress returns the node and the port of a name of egressName, with or without a
// variant.
func (v *view) parseEgress(name string) (node, protocol string, port int64, ok bool) {
	rest, ok := strings.CutPrefix(name, egressPrefix+v.mesh.Mesh+"_")
	if !ok {
		return "", "", 0, false
	}
	rest, _, _ = strings.Cut(rest, variant)
	i := strings.LastIndexByte(rest, '_')
	if i < 0 {
		return "", "", 0, false
	}
	port, err := strconv.ParseInt(rest[i+1:], 10, 32)
	rest = rest[:i]
	if i = strings.LastIndexByte(rest, '_'); err != nil || i <= 0 {
		return "", "", 0, false
	}
	return rest[:i], rest[i+1:], port, true
}

// redirectName returns the name of the cluster with which a gateway sends requests to
// its own egress listener. With several listeners, or a port of the target, it says
// them.
func (v *view) redirectName(several bool, listener, target *model.PortMapping) string {
	base := ingressPrefix + v.mesh.Mesh + "_" + v.self.Name + "_self_redirect_"
	if !several {
		return base + "http_" + strconv.Itoa(egressPort)
	}
	return fmt.Sprintf("%s%d_%s_%d", base, listener.Port, target.Protocol, target.Port)
}
