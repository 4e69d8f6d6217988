package task

import (
	"encoding/json"
	"slices"
	"strings"
)

// proxyImage is the image of the proxy of a task as the API shows it. A node runs the
// program of its configuration.
const proxyImage = "envoy"

// Files in the container of a proxy: its folder, with its configuration and its sockets,
// Envoy, and the program that checks its health.
const (
	ProxyFolder  = "/run/cairn-proxy"
	ProxyProgram = "/run/envoy"
	ProxyChecker = "/run/cairn"
	ProxyAdmin   = ProxyFolder + "/admin.sock"
	ProxyXDS     = ProxyFolder + "/xds.sock"
)

// ProxyCheck is the hidden command by which the program checks the proxy of a task.
const ProxyCheck = "runner-proxy-check"

// Times of the container of a proxy, in seconds. The other containers wait for it, so its
// start has a limit.
const (
	proxyInterval, proxyTimeout, proxyRetries = 30, 5, 3
	proxyStart, proxyStop                     = 120, 5
)

// giveProxy gives a task a proxy of Service Connect, if its service wants one and its node
// can run it. The containers of a task in awsvpc mode share a network, in which the proxy
// is.
func (t *transaction) giveProxy(x *Task, d *Definition) {
	node, ok := t.state().Node(x.Node)
	if !ok || !node.Proxy || !d.awsvpc() || x.Proxy != "" {
		return
	}
	if config, _ := t.state().ConnectOf(x); config == nil {
		return
	}
	x.Proxy = "ecs-service-connect-" + x.ID[:min(6, len(x.ID))]
	x.Containers = append(slices.Clip(x.Containers), ContainerState{Name: x.Proxy, ID: t.newUUID(), LastStatus: StatusPending, Health: HealthUnknown})
}

// ConnectOf returns the configuration of Service Connect of a task and its services of
// Cloud Map. It is nil if the task uses no Service Connect.
func (s *State) ConnectOf(x *Task) (*ServiceConnectConfiguration, []ServiceConnectResource) {
	c := contextOf(s, x)
	if c.workload == nil || !c.workload.ServiceConnect.enabled() {
		return nil, nil
	}
	return c.workload.ServiceConnect, c.connect
}

// DefinitionOf returns the definition of a task, with the container of its proxy if it
// has one.
func (s *State) DefinitionOf(x *Task) (*Definition, bool) {
	c := contextOf(s, x)
	return c.definition, c.definition != nil
}

// withProxy returns a definition with the container of the proxy of a task. All others
// start after it and stop before it, as in ECS.
func (d *Definition) withProxy(x *Task, connect *ServiceConnectConfiguration) *Definition {
	if d == nil || x.Proxy == "" {
		return d
	}
	proxy := ContainerDefinition{
		proxy: true, Name: x.Proxy, Image: proxyImage, StartTimeout: new(int64(proxyStart)), StopTimeout: new(int64(proxyStop)),
		HealthCheck: &HealthCheck{
			Command:  []string{"CMD", ProxyChecker, ProxyCheck, ProxyAdmin},
			Interval: new(int64(proxyInterval)), Timeout: new(int64(proxyTimeout)), Retries: new(int64(proxyRetries)),
		},
	}
	if connect != nil {
		proxy.LogConfiguration = connect.LogConfiguration
	}
	with := *d
	with.ContainerDefinitions = slices.Clone(d.ContainerDefinitions)
	for i := range with.ContainerDefinitions {
		c := &with.ContainerDefinitions[i]
		c.DependsOn = append(slices.Clone(c.DependsOn), ContainerDependency{Condition: "HEALTHY", ContainerName: x.Proxy})
	}
	with.ContainerDefinitions = append(with.ContainerDefinitions, proxy)
	return &with
}

// ProxySettings are what the proxy of a task is told when it starts, and what does not
// change as long as it runs.
type ProxySettings struct {
	// Hosts are the addresses of the names of the namespace, as in /etc/hosts of the task.
	Hosts map[string]string `json:"hosts,omitempty"`
	// Ingress are the ports on which the proxy takes what is sent to the ports of the
	// task, by the names of their port mappings.
	Ingress map[string]uint16 `json:"ingress,omitempty"`
	// Egress is the port to which everything is led that is sent to ConnectRange: if the proxy
	// listened there, programs could not listen at the ports of client aliases.
	Egress uint16 `json:"egress"`
}

// ProxyMetadata is the key of ProxySettings in the metadata of a proxy.
const ProxyMetadata = "cairn.service_connect"

// Metadata returns the settings as a value of metadata.
func (p *ProxySettings) Metadata() (map[string]any, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	var value map[string]any
	return value, json.Unmarshal(text, &value)
}

// ParseProxySettings is the reverse of Metadata.
func ParseProxySettings(value map[string]any) (*ProxySettings, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	p := new(ProxySettings)
	return p, json.Unmarshal(text, p)
}

// Redirect is a port of a task that its proxy serves in its place.
type Redirect struct{ Port, To uint16 }

// firstIngress is the first port on which a proxy takes what is sent to its task.
const firstIngress = 15000

// ProxySettingsOf returns the settings of the proxy of a task that starts now, and the ports
// that must lead to it. Endpoints are those of the namespace.
func ProxySettingsOf(d *Definition, c *ServiceConnectConfiguration, endpoints []ConnectEndpoint) (*ProxySettings, []Redirect) {
	p := &ProxySettings{Hosts: hostsOf(endpoints), Ingress: map[string]uint16{}}
	used := usedPorts(d, c, endpoints)
	next := uint16(firstIngress)
	var redirects []Redirect
	defer func() {
		for p.Egress = next; used[p.Egress]; p.Egress++ {
		}
	}()
	for i := range c.Services {
		s := &c.Services[i]
		_, port, ok := d.namedPort(s.PortName)
		if !ok || p.Ingress[s.PortName] != 0 {
			continue
		}
		if o := uint16(deref(s.IngressPortOverride)); o != 0 && o != uint16(port) {
			p.Ingress[s.PortName] = o
			continue
		}
		for used[next] {
			next++
		}
		p.Ingress[s.PortName] = next
		redirects = append(redirects, Redirect{uint16(port), next})
		next++
	}
	return p, redirects
}

// usedPorts returns the ports on which something of the task listens.
func usedPorts(d *Definition, c *ServiceConnectConfiguration, endpoints []ConnectEndpoint) map[uint16]bool {
	used := map[uint16]bool{}
	for i := range d.ContainerDefinitions {
		for _, m := range d.ContainerDefinitions[i].PortMappings {
			used[uint16(deref(m.ContainerPort))] = true
		}
	}
	for i := range c.Services {
		used[uint16(deref(c.Services[i].IngressPortOverride))] = true
	}
	for i := range endpoints {
		used[endpoints[i].Port] = true
	}
	return used
}

// ConnectRange has the addresses of names of Service Connect in a task, as in ECS.
const ConnectRange = "127.255.0.0/16"

// hostsOf gives each name an address of ConnectRange.
func hostsOf(endpoints []ConnectEndpoint) map[string]string {
	var names []string
	for i := range endpoints {
		names = append(names, endpoints[i].Name)
	}
	slices.Sort(names)
	hosts := map[string]string{}
	const most = 255 * 254
	for i, name := range slices.Compact(names) {
		if i == most {
			break
		}
		hosts[name] = connectAddress(i)
	}
	return hosts
}

// lowerName returns a DNS name in the form in which names are compared.
func lowerName(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
