package task

import (
	"slices"
	"strings"
)

// Launch types and compatibilities.
const (
	LaunchEC2      = "EC2"
	LaunchFargate  = "FARGATE"
	LaunchExternal = "EXTERNAL"
)

// fargateSize is the range of memory for a number of CPU units, in MiB.
type fargateSize struct{ from, to, step int64 }

// fargateSizes is the table in "Amazon ECS task definition parameters for Fargate".
var fargateSizes = map[int64]fargateSize{
	512:   {1 << 10, 4 << 10, 1 << 10},
	1024:  {2 << 10, 8 << 10, 1 << 10},
	2048:  {4 << 10, 16 << 10, 1 << 10},
	4096:  {8 << 10, 30 << 10, 1 << 10},
	8192:  {16 << 10, 60 << 10, 4 << 10},
	16384: {32 << 10, 120 << 10, 8 << 10},
}

// hasFargateSize reports whether Fargate has tasks of that size, in CPU units and MiB.
func hasFargateSize(cpu, memory int64) bool {
	if cpu == 256 {
		return memory == 512 || memory == 1024 || memory == 2048
	}
	s, ok := fargateSizes[cpu]
	return ok && memory >= s.from && memory <= s.to && memory%s.step == 0
}

// checkFargate checks what only definitions for Fargate have to keep.
func (d *Definition) checkFargate() error {
	if !slices.Contains(d.RequiresCompatibilities, LaunchFargate) {
		return nil
	}
	switch {
	case d.NetworkMode != "awsvpc":
		return invalid("Fargate only supports network mode 'awsvpc'.")
	case d.CPU == "":
		return invalid("Fargate requires that 'cpu' be defined at the task level.")
	case d.Memory == "":
		return invalid("Fargate requires that 'memory' be defined at the task level.")
	case !hasFargateSize(d.taskCPU(), d.taskMemory()):
		return invalid("No Fargate configuration exists for given values.")
	case d.IPCMode != "":
		return invalid("Tasks using the Fargate launch type do not support ipcMode.")
	case d.PIDMode == "host":
		return invalid("Tasks using the Fargate launch type do not support pidMode 'host'.")
	case len(d.PlacementConstraints) > 0:
		return invalid("Tasks using the Fargate launch type do not support placementConstraints.")
	case d.RuntimePlatform != nil && strings.HasPrefix(d.RuntimePlatform.OperatingSystemFamily, "WINDOWS"):
		return invalid("Fargate with operatingSystemFamily %s is not supported by cairn", d.RuntimePlatform.OperatingSystemFamily)
	}
	if err := d.checkFargateVolumes(); err != nil {
		return err
	}
	return d.eachContainer(d.checkFargateContainer)
}

func (d *Definition) checkFargateVolumes() error {
	for _, v := range d.Volumes {
		if v.Host != nil && v.Host.SourcePath != "" {
			return invalid("Tasks using the Fargate launch type do not support host.sourcePath of volume '%s'.", v.Name)
		}
		if v.DockerVolumeConfiguration != nil {
			return invalid("Tasks using the Fargate launch type do not support dockerVolumeConfiguration of volume '%s'.", v.Name)
		}
	}
	return nil
}

func (d *Definition) checkFargateContainer(c *ContainerDefinition) error {
	if l := c.LogConfiguration; l != nil && l.LogDriver == "awslogs" {
		if l.Options["awslogs-stream-prefix"] == "" {
			return invalid("Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs.")
		}
		if d.ExecutionRoleARN == "" {
			return invalid("Fargate requires task definition to have execution role ARN to support log driver awslogs.")
		}
	}
	unsupported := ""
	switch l := c.LinuxParameters; {
	case deref(c.Privileged):
		unsupported = "privileged"
	case len(c.DockerSecurityOptions) > 0:
		unsupported = "dockerSecurityOptions"
	case l != nil && len(l.Devices) > 0:
		unsupported = "linuxParameters.devices"
	case l != nil && l.SharedMemorySize != nil:
		unsupported = "linuxParameters.sharedMemorySize"
	case l != nil && len(l.Tmpfs) > 0:
		unsupported = "linuxParameters.tmpfs"
	}
	if unsupported != "" {
		return invalid("Tasks using the Fargate launch type do not support %s of container '%s'.", unsupported, c.Name)
	}
	if outside(c.StopTimeout, 0, 120) {
		return invalid("The 'stopTimeout' setting for container '%s' must be between 0 and 120.", c.Name)
	}
	return nil
}

// setCompatibilities computes the launch types that can run the definition.
func (d *Definition) setCompatibilities() {
	awsvpc := d.NetworkMode == "awsvpc"
	d.Compatibilities = nil
	if !awsvpc {
		d.Compatibilities = append(d.Compatibilities, LaunchExternal)
	}
	d.Compatibilities = append(d.Compatibilities, LaunchEC2)
	as := *d
	as.RequiresCompatibilities = []string{LaunchFargate}
	if awsvpc && as.checkFargate() == nil {
		d.Compatibilities = append(d.Compatibilities, LaunchFargate)
	}
}
