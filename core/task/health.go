package task

// essential reports whether the task ends with the container.
func (c *ContainerDefinition) essential() bool { return c.Essential == nil || *c.Essential }

// hasCheck reports whether the container has a health check that says how healthy the task
// is. ["NONE"] switches it off. That of a proxy says nothing about the program that the task
// runs, so it only counts when it fails.
func (c *ContainerDefinition) hasCheck() bool {
	return !c.proxy && c.HealthCheck != nil && len(c.HealthCheck.Command) > 0 && c.HealthCheck.Command[0] != "NONE"
}

// hasChecks reports whether an essential container has a health check.
func (d *Definition) hasChecks() bool {
	for i := range d.ContainerDefinitions {
		if c := &d.ContainerDefinitions[i]; c.essential() && c.hasCheck() {
			return true
		}
	}
	return false
}

// healthOf returns the health of a task as the API defines it: an essential container
// without a health check keeps it UNKNOWN.
func healthOf(d *Definition, x *Task) string {
	all, checked := combinedHealth(d, x)
	if checked == len(essentials(d)) {
		return all
	}
	if all == HealthUnhealthy {
		return all
	}
	return HealthUnknown
}

// checkedHealth returns the health of the essential containers that have a health
// check. Without any it is UNKNOWN.
func checkedHealth(d *Definition, x *Task) string {
	health, _ := combinedHealth(d, x)
	return health
}

func combinedHealth(d *Definition, x *Task) (health string, checked int) {
	unknown := false
	if x.brokenProxy() {
		health = HealthUnhealthy
	}
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		if !c.essential() || !c.hasCheck() {
			continue
		}
		checked++
		switch x.containerHealth(c.Name) {
		case HealthUnhealthy:
			health = HealthUnhealthy
		case HealthHealthy:
		default:
			unknown = true
		}
	}
	switch {
	case health != "":
		return health, checked
	case checked == 0 || unknown:
		return HealthUnknown, checked
	}
	return HealthHealthy, checked
}

func essentials(d *Definition) []string {
	var names []string
	for i := range d.ContainerDefinitions {
		if c := &d.ContainerDefinitions[i]; c.essential() && !c.proxy {
			names = append(names, d.ContainerDefinitions[i].Name)
		}
	}
	return names
}

// brokenProxy reports whether the task has a proxy that fails its health check.
func (x *Task) brokenProxy() bool {
	return x.Proxy != "" && x.containerHealth(x.Proxy) == HealthUnhealthy
}

func (x *Task) containerHealth(name string) string {
	if c := x.container(name); c != nil {
		return c.Health
	}
	return ""
}

// container returns the state of a container, or nil.
func (x *Task) container(name string) *ContainerState {
	for i := range x.Containers {
		if x.Containers[i].Name == name {
			return &x.Containers[i]
		}
	}
	return nil
}
