// Package proxy has the commands about clients of xDS: they write the files with which
// Envoy and gRPC start, and run Envoy.
package proxy

import (
	"cmp"
	"net/netip"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/internal/xdsbootstrap"
)

// Commands returns the commands of this package.
func Commands(p *cli.Program) cli.Group {
	return cli.Group{Title: "Proxies:", Commands: []*cobra.Command{newEnvoy(p), newGRPC(p)}}
}

const defaultServer = "127.0.0.1:8056"

// settings are the flags that all clients of xDS have.
type settings struct {
	server, id, cluster, region, zone, account string
	ca, cert, key                              string
	mesh, virtualNode, virtualGateway          string
	listenAddress, applicationAddress          string
	near                                       bool
}

func (s *settings) addTo(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVar(&s.server, "server", defaultServer, "`HOST:PORT` of the xDS listener of the node")
	f.StringVar(&s.id, "id", "", "id of the client, `ID`; by default the name of this machine, or that of --virtual-node")
	f.StringVar(&s.cluster, "cluster", "", "`NAME` of the group of the client (default its id)")
	f.StringVar(&s.mesh, "mesh", "", "the mesh of the client, `MESH` or MESH@OWNER")
	f.StringVar(&s.virtualNode, "virtual-node", "", "with --mesh: the `NAME` of the virtual node that the client is")
	f.StringVar(&s.virtualGateway, "virtual-gateway", "", "with --mesh: the `NAME` of the virtual gateway that the client is")
	f.StringVar(&s.listenAddress, "listen-address", "", "with --mesh: the `IP` at which the proxy listens, where iptables redirects no connections to it")
	f.StringVar(&s.applicationAddress, "application-address", "", "with --mesh: the `IP` of the application behind the proxy (default 127.0.0.1)")
	f.StringVar(&s.region, "region", "", "`REGION` where the client is")
	f.StringVar(&s.zone, "zone", "", "availability `ZONE` where the client is")
	f.BoolVar(&s.near, "prefer-near", false, "use instances in the zone of the client first, then those in its region")
	f.StringVar(&s.account, "account", "", "`ACCOUNT` whose services the client sees, where nobody is authenticated (default 000000000000)")
	f.StringVar(&s.ca, "ca", "", "`FILE` with the authorities of the server's certificate; without it, the client speaks plain text")
	f.StringVar(&s.cert, "cert", "", "`FILE` with the certificate of the client")
	f.StringVar(&s.key, "key", "", "`FILE` with the key of that certificate")
}

// config returns the configuration that the flags give.
func (s *settings) config() (*xdsbootstrap.Config, error) {
	id, err := s.nodeID()
	if err != nil {
		return nil, err
	}
	if (s.cert == "") != (s.key == "") {
		return nil, cli.Usagef("--cert and --key need each other")
	}
	if s.cert != "" && s.ca == "" {
		return nil, cli.Usagef("--cert needs --ca")
	}
	c := &xdsbootstrap.Config{
		Server: s.server, ID: id, Cluster: s.cluster, Region: s.region, Zone: s.zone, Metadata: map[string]any{},
		CAFile: s.ca, CertFile: s.cert, KeyFile: s.key,
	}
	for key, text := range map[string]string{"listen_address": s.listenAddress, "application_address": s.applicationAddress} {
		if text == "" {
			continue
		}
		if _, err := netip.ParseAddr(text); err != nil || s.mesh == "" {
			return nil, cli.Usagef("--%s: %q must be an IP address, and needs --mesh", strings.ReplaceAll(key, "_", "-"), text)
		}
		c.Metadata["cairn."+key] = text
	}
	if s.account != "" {
		c.Metadata["cairn.account"] = s.account
	}
	if s.near {
		c.Metadata["cairn.prefer_near"] = true
	}
	return c, nil
}

// nodeID returns the id of the client, in the form of App Mesh for one in a mesh.
func (s *settings) nodeID() (string, error) {
	switch {
	case s.mesh == "" && (s.virtualNode != "" || s.virtualGateway != ""):
		return "", cli.Usagef("--virtual-node and --virtual-gateway need --mesh")
	case s.mesh != "" && (s.virtualNode == "") == (s.virtualGateway == ""):
		return "", cli.Usagef("--mesh needs either --virtual-node or --virtual-gateway")
	case s.mesh != "" && !meshPattern.MatchString(s.mesh):
		return "", cli.Usagef("--mesh %q: must be MESH, or MESH@OWNER with the 12 digits of an account; names have letters, digits, - and _", s.mesh)
	case s.mesh != "" && !namePattern.MatchString(s.virtualNode+s.virtualGateway):
		return "", cli.Usagef("%q is not the name of a virtual node or gateway: names have letters, digits, - and _", s.virtualNode+s.virtualGateway)
	case s.id != "":
		return s.id, nil
	case s.virtualNode != "":
		return "mesh/" + s.mesh + "/virtualNode/" + s.virtualNode, nil
	case s.virtualGateway != "":
		return "mesh/" + s.mesh + "/virtualGateway/" + s.virtualGateway, nil
	}
	name, err := os.Hostname()
	return cmp.Or(name, "client"), err
}

// Names of App Mesh; see MeshName of CreateMesh, and node ids of shared meshes.
var (
	namePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
	meshPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}(@[0-9]{12})?$`)
)

// services reads the values of --service: NAME, or NAME=PROTOCOL://IP:PORT. A filter of a
// name has a = too.
func services(texts []string) ([]any, error) {
	var all []any
	for _, text := range texts {
		name, where, own := strings.Cut(text, "=")
		protocol, listen, ok := strings.Cut(where, "://")
		if own && !ok && strings.ContainsAny(name, "?|") {
			name, own = text, false
		}
		service, namespace, dot := strings.Cut(name, ".")
		if !dot || service == "" || namespace == "" {
			return nil, cli.Usagef("--service %q: the name must be SERVICE.NAMESPACE or *.NAMESPACE", text)
		}
		if !own {
			all = append(all, name)
			continue
		}
		if !ok || protocol != "tcp" && protocol != "http" {
			return nil, cli.Usagef("--service %q: must be NAME, or NAME=http://IP:PORT or NAME=tcp://IP:PORT", text)
		}
		if _, err := netip.ParseAddrPort(listen); err != nil {
			return nil, cli.Usagef("--service %q: %q must be IP:PORT", text, listen)
		}
		all = append(all, map[string]any{"name": name, "listen": listen, "protocol": protocol})
	}
	return all, nil
}
