package task

// enabled reports whether Service Connect is used.
func (c *ServiceConnectConfiguration) enabled() bool {
	return c != nil && c.Enabled != nil && *c.Enabled
}

// discoveryName returns the name of a service of Service Connect in Cloud Map.
func (s *ServiceConnectService) discoveryName() string { return or(s.DiscoveryName, s.PortName) }

// namedPort returns the container and the port of a named port mapping.
func (d *Definition) namedPort(name string) (container string, port int, ok bool) {
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		for j := range c.PortMappings {
			if p := &c.PortMappings[j]; p.Name == name && name != "" {
				return c.Name, int(deref(p.ContainerPort)), true
			}
		}
	}
	return "", 0, false
}

// connectPort returns the container and port of a service of Service Connect.
func (c *runContext) connectPort(discoveryName string) (container string, port int) {
	if c.workload == nil || c.workload.ServiceConnect == nil {
		return "", 0
	}
	for i := range c.workload.ServiceConnect.Services {
		s := &c.workload.ServiceConnect.Services[i]
		if s.discoveryName() == discoveryName {
			container, port, _ = c.definition.namedPort(s.PortName)
		}
	}
	return container, port
}
