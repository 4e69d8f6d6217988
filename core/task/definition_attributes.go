package task

import (
	"slices"
	"strings"
)

// Prefixes of the capabilities of a container instance; see "Amazon ECS container
// instance attributes" in the developer guide.
const (
	ecsCapability   = "ecs.capability."
	agentCapability = "com.amazonaws.ecs.capability."
)

// RequiredAttributes returns the names of the capabilities that a container instance of
// AWS needs to run the definition, sorted. They are informational: nothing is placed by
// them.
func (d *Definition) RequiredAttributes() []string {
	names := map[string]bool{agentCapability + "docker-remote-api.1.18": true}
	if d.NetworkMode == "awsvpc" {
		names[ecsCapability+"task-eni"] = true
	}
	if d.TaskRoleARN != "" {
		names[agentCapability+"task-iam-role"] = true
		if d.NetworkMode == "host" {
			names[agentCapability+"task-iam-role-network-host"] = true
		}
	}
	if d.PIDMode != "" || d.IPCMode != "" {
		names[ecsCapability+"pid-ipc-namespace-sharing"] = true
	}
	if d.CPU != "" || d.Memory != "" {
		names[ecsCapability+"task-cpu-mem-limit"] = true
	}
	for _, v := range d.Volumes {
		if v.EFSVolumeConfiguration != nil {
			names[ecsCapability+"efs"] = true
		}
	}
	for i := range d.ContainerDefinitions {
		d.ContainerDefinitions[i].addAttributes(d, names)
	}
	var sorted []string
	for name := range names {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	return sorted
}

func (c *ContainerDefinition) addAttributes(d *Definition, names map[string]bool) {
	if l := c.LogConfiguration; l != nil {
		names[agentCapability+"logging-driver."+l.LogDriver] = true
		if l.LogDriver == "awslogs" && d.ExecutionRoleARN != "" {
			names[ecsCapability+"execution-role-awslogs"] = true
			names[agentCapability+"docker-remote-api.1.19"] = true
		}
	}
	if deref(c.Privileged) {
		names[agentCapability+"privileged-container"] = true
	}
	if c.HealthCheck != nil {
		names[ecsCapability+"container-health-check"] = true
		names[agentCapability+"docker-remote-api.1.24"] = true
	}
	if len(c.DependsOn) > 0 {
		names[ecsCapability+"container-ordering"] = true
	}
	if c.MemoryReservation != nil {
		names[agentCapability+"docker-remote-api.1.21"] = true
	}
	if len(c.EnvironmentFiles) > 0 {
		names[ecsCapability+"env-files.s3"] = true
	}
	for _, s := range c.Secrets {
		switch {
		case strings.HasPrefix(s.ValueFrom, secretFile), strings.HasPrefix(s.ValueFrom, secretEnvironment):
		case strings.Contains(s.ValueFrom, ":secretsmanager:"):
			names[ecsCapability+"secrets.asm.environment-variables"] = true
		default:
			names[ecsCapability+"secrets.ssm.environment-variables"] = true
		}
	}
	if strings.Contains(c.Image, ".dkr.ecr.") {
		names[agentCapability+"ecr-auth"] = true
		if d.ExecutionRoleARN != "" {
			names[ecsCapability+"execution-role-ecr-pull"] = true
		}
	}
}

// unsupported returns what of the definition cannot be run here, or "". Such a definition
// can be registered and described; tasks and services of it are refused.
func (d *Definition) unsupported() string {
	switch {
	case d.RuntimePlatform != nil && strings.HasPrefix(d.RuntimePlatform.OperatingSystemFamily, "WINDOWS"):
		return "runtimePlatform.operatingSystemFamily " + d.RuntimePlatform.OperatingSystemFamily
	case d.ProxyConfiguration != nil:
		return "proxyConfiguration (App Mesh)"
	case len(d.InferenceAccelerators) > 0:
		return "inferenceAccelerators"
	}
	for _, v := range d.Volumes {
		switch {
		case v.EFSVolumeConfiguration != nil:
			return "efsVolumeConfiguration of volume '" + v.Name + "'"
		case v.FSxWindowsFileServerVolumeConfiguration != nil:
			return "fsxWindowsFileServerVolumeConfiguration of volume '" + v.Name + "'"
		case v.S3filesVolumeConfiguration != nil:
			return "s3filesVolumeConfiguration of volume '" + v.Name + "'"
		case deref(v.ConfiguredAtLaunch):
			return "configuredAtLaunch of volume '" + v.Name + "' (Amazon EBS)"
		}
	}
	for i := range d.ContainerDefinitions {
		if what := d.ContainerDefinitions[i].unsupported(); what != "" {
			return what + " of container '" + d.ContainerDefinitions[i].Name + "'"
		}
	}
	return ""
}

func (c *ContainerDefinition) unsupported() string {
	switch {
	case c.FirelensConfiguration != nil:
		return "firelensConfiguration"
	case len(c.CredentialSpecs) > 0:
		return "credentialSpecs"
	case len(c.ResourceRequirements) > 0:
		return "resourceRequirements (" + c.ResourceRequirements[0].Type + ")"
	}
	return ""
}
