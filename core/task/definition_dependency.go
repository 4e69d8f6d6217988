package task

import "slices"

// checkDependencies checks dependsOn of all containers, and that volumesFrom and
// dependsOn have no circle.
func (d *Definition) checkDependencies() error {
	err := d.eachContainer(func(c *ContainerDefinition) error {
		for _, dep := range c.DependsOn {
			if err := d.checkDependency(c, dep); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if name := d.circle(); name != "" {
		return invalid("dependsOn of container '%s' leads back to the container itself", name)
	}
	return nil
}

func (d *Definition) checkDependency(c *ContainerDefinition, dep ContainerDependency) error {
	on := d.container(dep.ContainerName)
	switch {
	case on == nil:
		return invalid("Cannot depend on container + '%s' because it does not exist", truncate(dep.ContainerName))
	case on == c:
		return invalid("dependsOn of container '%s' leads back to the container itself", c.Name)
	case (dep.Condition == "SUCCESS" || dep.Condition == "COMPLETE") && deref(on.Essential):
		return invalid("A dependency container with SUCCESS or COMPLETE condition cannot be an essential container")
	case dep.Condition == "HEALTHY" && on.HealthCheck == nil:
		return invalid("A dependency container with HEALTHY condition must have health check configured")
	}
	return nil
}

// circle returns a container that depends on itself, or "".
func (d *Definition) circle() string {
	done := map[string]bool{}
	var visit func(path []string) string
	visit = func(path []string) string {
		name := path[len(path)-1]
		if slices.Contains(path[:len(path)-1], name) {
			return name
		}
		if done[name] {
			return ""
		}
		for _, dep := range d.container(name).DependsOn {
			if found := visit(append(path, dep.ContainerName)); found != "" {
				return found
			}
		}
		done[name] = true
		return ""
	}
	for i := range d.ContainerDefinitions {
		if found := visit([]string{d.ContainerDefinitions[i].Name}); found != "" {
			return found
		}
	}
	return ""
}

// limit is a number in a definition with its range.
type limit struct {
	what     string
	value    *int64
	from, to int64
}

// checkTimes checks the health check, the restart policy and the timeouts.
func (c *ContainerDefinition) checkTimes() error {
	if err := c.checkHealth(); err != nil {
		return err
	}
	if p := c.RestartPolicy; p != nil {
		if outside(p.RestartAttemptPeriod, 60, 1800) {
			return invalid("The 'restartAttemptPeriod' setting for container '%s' must be between 60 and 1800.", c.Name)
		}
		if len(p.IgnoredExitCodes) > 50 {
			return invalid("The 'ignoredExitCodes' setting for container '%s' can have at most 50 items.", c.Name)
		}
	}
	for _, l := range []limit{{"startTimeout", c.StartTimeout, 0, maxSeconds}, {"stopTimeout", c.StopTimeout, 0, maxSeconds}} {
		if outside(l.value, l.from, l.to) {
			return invalid("The '%s' setting for container '%s' must be between %d and %d.", l.what, c.Name, l.from, l.to)
		}
	}
	return nil
}

func (c *ContainerDefinition) checkHealth() error {
	h := c.HealthCheck
	if h == nil {
		return nil
	}
	if len(h.Command) < 2 || h.Command[0] != "CMD" && h.Command[0] != "CMD-SHELL" {
		return invalid("Health check command for container '%s' must begin with CMD or CMD-SHELL and have a command after it", c.Name)
	}
	for _, l := range []limit{
		{"interval", h.Interval, 5, 300},
		{"timeout", h.Timeout, 2, 60},
		{"retries", h.Retries, 1, 10},
		{"startPeriod", h.StartPeriod, 0, 300},
	} {
		switch {
		case l.value == nil:
		case *l.value > l.to:
			return invalid("Health check %s must be less than or equal to the maximum allowed value %d for container '%s'", l.what, l.to, c.Name)
		case *l.value < l.from:
			return invalid("Health check %s must be greater than or equal to the minimum allowed value %d for container '%s'", l.what, l.from, c.Name)
		}
	}
	return nil
}
