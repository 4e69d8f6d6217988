package task

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/arn"
)

// Defaults of task definitions; see "Task definition parameters" in the ECS developer
// guide.
const (
	defaultHealthInterval = 30 // seconds
	defaultHealthTimeout  = 5  // seconds
	defaultHealthRetries  = 3
)

// normalize gives the members of a definition the form in which they are stored and echoed.
// Members that Terraform compares are not filled in: see "Default echoes" in
// docs/divergences/ecs-task-definitions.md.
func (d *Definition) normalize() {
	d.CPU = normalizeSize(d.CPU, cpuUnits...)
	d.Memory = normalizeSize(d.Memory, memoryUnits...)
	d.TaskRoleARN = d.roleARN(d.TaskRoleARN)
	d.ExecutionRoleARN = d.roleARN(d.ExecutionRoleARN)
	d.ContainerDefinitions = slices.Clone(d.ContainerDefinitions)
	for i := range d.ContainerDefinitions {
		d.ContainerDefinitions[i].normalize(d.NetworkMode)
	}
}

// Units of the CPU and the memory of a task, in lower case.
var (
	cpuUnits    = []string{"vcpu", "v cpu"}
	memoryUnits = []string{"gb"}
)

// normalizeSize returns "1 vCPU" as "1024" and "0.5 GB" as "512". The units are in lower
// case. Another text is returned unchanged.
func normalizeSize(text string, units ...string) string {
	lower := strings.ToLower(strings.TrimSpace(text))
	for _, unit := range units {
		number, has := strings.CutSuffix(lower, unit)
		if !has {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if whole := int64(n * 1024); err == nil && n > 0 && n < 1<<20 && float64(whole) == n*1024 {
			return strconv.FormatInt(whole, 10)
		}
	}
	return text
}

// roleARN returns the ARN of a role that is given by name or by ARN.
func (d *Definition) roleARN(role string) string {
	if role == "" || arn.Is(role) {
		return role
	}
	return arn.Format("iam", "", d.Account, "role/"+role)
}

func (c *ContainerDefinition) normalize(networkMode string) {
	setDefault(&c.CPU, 0)
	setDefault(&c.Essential, true)
	c.PortMappings = slices.Clone(c.PortMappings)
	for i := range c.PortMappings {
		c.PortMappings[i].normalize(networkMode)
	}
	if c.HealthCheck != nil {
		check := *c.HealthCheck
		setDefault(&check.Interval, defaultHealthInterval)
		setDefault(&check.Timeout, defaultHealthTimeout)
		setDefault(&check.Retries, defaultHealthRetries)
		c.HealthCheck = &check
	}
}

func (p *PortMapping) normalize(networkMode string) {
	if p.Protocol == "" {
		p.Protocol = "tcp"
	}
	if p.ContainerPortRange != "" {
		return
	}
	if p.ContainerPort == nil && p.HostPort != nil && *p.HostPort != 0 {
		return // the check says what is missing
	}
	switch {
	case p.ContainerPort == nil:
	case sharesPorts(networkMode):
		setDefaultOrZero(&p.HostPort, *p.ContainerPort)
	default:
		setDefault(&p.HostPort, 0)
	}
}

// sharesPorts reports whether a port of a container is a port of the task's network as
// it is, without a mapping.
func sharesPorts(networkMode string) bool { return networkMode == "awsvpc" || networkMode == "host" }

func setDefault[T any](p **T, value T) {
	if *p == nil {
		*p = &value
	}
}

func setDefaultOrZero(p **int64, value int64) {
	if *p == nil || **p == 0 {
		*p = &value
	}
}

// deref returns what p points to, or the zero value for nil.
func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
