package task

import (
	"regexp"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/arn"
)

// rolePattern matches the resource in the ARN of a role; see the API reference of IAM.
var rolePattern = regexp.MustCompile(`^role/([!-~]+/)*[\w+=,.@-]{1,64}$`)

var capabilityPattern = newPattern(`[A-Z_]`, 64)

// checkLogging checks log drivers and secrets.
func (d *Definition) checkLogging() error {
	return d.eachContainer(func(c *ContainerDefinition) error {
		if l := c.LogConfiguration; l != nil {
			if l.LogDriver == "awslogs" && l.Options["awslogs-group"] == "" {
				return invalid("Log driver awslogs requires options: awslogs-group")
			}
			if err := checkMap("logConfiguration.options", c.Name, l.Options); err != nil {
				return err
			}
			if err := d.checkSecrets("logConfiguration.secretOptions", c, l.SecretOptions); err != nil {
				return err
			}
		}
		return d.checkSecrets("secrets", c, c.Secrets)
	})
}

// Prefixes of the sources of secrets that AWS does not have: a file, or a variable of
// the environment, of the node that runs the task.
const (
	secretFile        = "file:"
	secretEnvironment = "env:"
)

func (d *Definition) checkSecrets(member string, c *ContainerDefinition, secrets []Secret) error {
	for _, s := range secrets {
		if err := checkVariable(member, c.Name, s.Name); err != nil {
			return err
		}
		path, isFile := strings.CutPrefix(s.ValueFrom, secretFile)
		name, isVariable := strings.CutPrefix(s.ValueFrom, secretEnvironment)
		switch {
		case isFile:
			if err := checkPath(member+"."+s.Name+" of container '"+c.Name+"'", path); err != nil {
				return err
			}
		case isVariable:
			if err := checkVariable(member, c.Name, name); err != nil {
				return err
			}
		case s.ValueFrom == "" || len(s.ValueFrom) > 2048 || control(s.ValueFrom, ""):
			return invalid("%s of container '%s' has %s from %s: valueFrom must be the ARN or the name of a secret, file:PATH or env:NAME",
				member, c.Name, quote(s.Name), quote(s.ValueFrom))
		case d.ExecutionRoleARN == "":
			return invalid("When you are specifying container secrets, you must also specify a value for 'executionRoleArn'")
		}
	}
	return nil
}

// checkVariable checks the name of a variable of the environment.
func checkVariable(member, container, name string) error {
	if name == "" || strings.Contains(name, "=") || control(name, "") {
		return invalid("%s of container '%s' has the name %s: it must not be empty and must not have '=' or control characters", member, container, quote(name))
	}
	return nil
}

// checkText checks a text that is an argument or a value: it cannot have NUL.
func checkText(member, container, text string) error {
	if strings.ContainsRune(text, 0) {
		return invalid("%s of container '%s' has %s: it must not have the character NUL", member, container, quote(text))
	}
	return nil
}

func checkMap(member, container string, m map[string]string) error {
	for key, value := range m {
		if key == "" || control(key, "") {
			return invalid("%s of container '%s' has the name %s: it must not be empty and must not have control characters", member, container, quote(key))
		}
		if err := checkText(member+"."+truncate(key), container, value); err != nil {
			return err
		}
	}
	return nil
}

// checkRest checks what is not about another container.
func (d *Definition) checkRest() error {
	if len(d.PlacementConstraints) > maxPlacementRules {
		return invalid("placementConstraints can have at most %d items.", maxPlacementRules)
	}
	for _, c := range d.PlacementConstraints {
		if _, err := ParseExpression(c.Expression); err != nil {
			return invalid("%s", err)
		}
	}
	for _, member := range []struct{ name, role string }{{"taskRoleArn", d.TaskRoleARN}, {"executionRoleArn", d.ExecutionRoleARN}} {
		if err := d.checkRole(member.name, member.role); err != nil {
			return err
		}
	}
	if p := d.ProxyConfiguration; p != nil && d.container(p.ContainerName) == nil {
		return invalid("proxyConfiguration.containerName is %s: it must name a container of the task definition", quote(p.ContainerName))
	}
	return d.eachContainer(func(c *ContainerDefinition) error {
		return firstError(c.checkProcess, c.checkEnvironment, c.checkLimits, c.checkLinux, func() error { return c.checkControls(d.NetworkMode) })
	})
}

// checkRole checks the ARN of a role, which must be of the account: tasks get its
// credentials.
func (d *Definition) checkRole(member, text string) error {
	if text == "" {
		return nil
	}
	a, ok := arn.Parse(text)
	if !ok || a.Service != "iam" || a.Account != d.Account || !rolePattern.MatchString(a.Resource) || len(text) > 2048 {
		return invalid("Role is not valid: %s is %s, which must be the name or the ARN of a role of the account", member, quote(text))
	}
	return nil
}

// checkProcess checks how the process of the container is started.
func (c *ContainerDefinition) checkProcess() error {
	for _, list := range []struct {
		member string
		texts  []string
	}{{"command", c.Command}, {"entryPoint", c.EntryPoint}, {"dockerSecurityOptions", c.DockerSecurityOptions}} {
		for _, text := range list.texts {
			if err := checkText(list.member, c.Name, text); err != nil {
				return err
			}
		}
	}
	if c.HealthCheck != nil {
		for _, text := range c.HealthCheck.Command {
			if err := checkText("healthCheck.command", c.Name, text); err != nil {
				return err
			}
		}
	}
	if strings.ContainsFunc(c.User, func(r rune) bool { return r <= ' ' || r == 0x7f }) || strings.HasPrefix(c.User, "-") {
		return invalid("user %s of container '%s' must be a user or an id, with an optional group after ':'", quote(c.User), c.Name)
	}
	if c.WorkingDirectory != "" {
		return checkPath("workingDirectory of container '"+c.Name+"'", c.WorkingDirectory)
	}
	return nil
}

func (c *ContainerDefinition) checkEnvironment() error {
	for _, e := range c.Environment {
		if err := checkVariable("environment", c.Name, e.Name); err != nil {
			return err
		}
		if err := checkText("environment."+truncate(e.Name), c.Name, deref(e.Value)); err != nil {
			return err
		}
	}
	if len(c.EnvironmentFiles) > 10 {
		return invalid("environmentFiles of container '%s' can have at most 10 items.", c.Name)
	}
	if text, ok := c.DockerLabels[drainLabel]; ok {
		if err := checkDrain("The label "+drainLabel+" of container '"+c.Name+"'", text); err != nil {
			return err
		}
	}
	return checkMap("dockerLabels", c.Name, c.DockerLabels)
}

func (c *ContainerDefinition) checkLimits() error {
	seen := map[string]bool{}
	for _, u := range c.Ulimits {
		soft, hard := deref(u.SoftLimit), deref(u.HardLimit)
		if seen[u.Name] || soft < -1 || hard < -1 || hard >= 0 && (soft > hard || soft < 0) {
			return invalid("ulimits of container '%s' has %s with softLimit %d and hardLimit %d: softLimit cannot be above hardLimit, and there can be one of each name",
				c.Name, quote(u.Name), soft, hard)
		}
		seen[u.Name] = true
	}
	return nil
}

func (c *ContainerDefinition) checkLinux() error {
	l := c.LinuxParameters
	if l == nil {
		return nil
	}
	if l.Capabilities != nil {
		for _, name := range slices.Concat(l.Capabilities.Add, l.Capabilities.Drop) {
			if !capabilityPattern.MatchString(name) {
				return invalid("linuxParameters.capabilities of container '%s' has %s: it must match %s", c.Name, quote(name), capabilityPattern)
			}
		}
	}
	for _, v := range l.Devices {
		if err := checkPath("linuxParameters.devices.hostPath of container '"+c.Name+"'", v.HostPath); err != nil {
			return err
		}
		if v.ContainerPath != "" {
			if err := checkPath("linuxParameters.devices.containerPath of container '"+c.Name+"'", v.ContainerPath); err != nil {
				return err
			}
		}
	}
	for _, v := range l.Tmpfs {
		if err := checkPath("linuxParameters.tmpfs.containerPath of container '"+c.Name+"'", v.ContainerPath); err != nil {
			return err
		}
		if outside(v.Size, 1, maxTaskMemory) || v.Size == nil {
			return invalid("linuxParameters.tmpfs.size of container '%s' is %d MiB: it must be from 1 to %d", c.Name, deref(v.Size), maxTaskMemory)
		}
	}
	for _, n := range []limit{
		{"maxSwap", l.MaxSwap, 0, maxTaskMemory},
		{"sharedMemorySize", l.SharedMemorySize, 1, maxTaskMemory},
		{"swappiness", l.Swappiness, 0, 100},
	} {
		if outside(n.value, n.from, n.to) {
			return invalid("linuxParameters.%s of container '%s' is %d: it must be from %d to %d", n.what, c.Name, *n.value, n.from, n.to)
		}
	}
	return nil
}

func (c *ContainerDefinition) checkControls(networkMode string) error {
	for _, s := range c.SystemControls {
		if s.Namespace == "" || strings.ContainsFunc(s.Namespace, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '/' }) || control(s.Value, "\t") {
			return invalid("systemControls of container '%s' has %s with the value %s: it must be the name of a kernel parameter", c.Name, quote(s.Namespace), quote(s.Value))
		}
		if networkMode == "host" && strings.HasPrefix(s.Namespace, "net.") {
			return invalid("systemControls of container '%s' has %s, which is not supported when networkMode=host.", c.Name, quote(s.Namespace))
		}
	}
	return nil
}
