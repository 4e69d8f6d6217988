package runner

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/task"
)

// merged returns the definition of a task with the overrides of the task.
func merged(d *task.Definition, o *task.TaskOverride) *task.Definition {
	if o == nil {
		return d
	}
	m := *d
	m.CPU, m.Memory = or(o.CPU, d.CPU), or(o.Memory, d.Memory)
	m.TaskRoleARN, m.ExecutionRoleARN = or(o.TaskRoleARN, d.TaskRoleARN), or(o.ExecutionRoleARN, d.ExecutionRoleARN)
	m.ContainerDefinitions = slices.Clone(d.ContainerDefinitions)
	for i := range m.ContainerDefinitions {
		c := &m.ContainerDefinitions[i]
		for j := range o.ContainerOverrides {
			if by := &o.ContainerOverrides[j]; by.Name == c.Name {
				override(c, by)
			}
		}
	}
	return &m
}

func override(c *task.ContainerDefinition, by *task.ContainerOverride) {
	if by.Command != nil {
		c.Command = by.Command
	}
	if by.CPU != nil {
		c.CPU = by.CPU
	}
	if by.Memory != nil {
		c.Memory = by.Memory
	}
	if by.MemoryReservation != nil {
		c.MemoryReservation = by.MemoryReservation
	}
	if by.EnvironmentFiles != nil {
		c.EnvironmentFiles = by.EnvironmentFiles
	}
	if len(by.ResourceRequirements) > 0 {
		c.ResourceRequirements = by.ResourceRequirements
	}
	// Later variables have precedence.
	c.Environment = append(slices.Clone(c.Environment), by.Environment...)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// size returns the number of a size such as "1024", 0 if there is none.
func size(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func number(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// networkMode returns the mode of a definition; bridge is the default of ECS.
func networkMode(d *task.Definition) string { return or(d.NetworkMode, ModeBridge) }

// spec returns the task with everything resolved but its addresses. d has the
// overrides of the task.
func (r *Runner) spec(t *task.Task, d *task.Definition) (*Spec, error) {
	s := &Spec{Task: t, Definition: d, CPULimit: size(d.CPU), MemoryLimit: size(d.Memory) << 20}
	s.Network.Mode = networkMode(d)
	if d.TaskRoleARN != "" && s.Network.Mode != ModeAWSVPC {
		r.cfg.Logger.Warn("a task gets no credentials of its role: they are there in network mode awsvpc only", "task", t.ID, "mode", s.Network.Mode)
	}
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		env, err := r.environment(t, d, c)
		if err != nil {
			return nil, err
		}
		s.Containers = append(s.Containers, Container{
			Definition: c, Environment: env, Labels: r.labels(t, c),
			CPUShares: number(c.CPU), MemoryLimit: number(c.Memory) << 20, MemoryReservation: number(c.MemoryReservation) << 20,
			Log: r.logTarget(t, c),
		})
	}
	return s, nil
}

// labels returns the labels of a container. Those of ECS have precedence.
func (r *Runner) labels(t *task.Task, c *task.ContainerDefinition) map[string]string {
	rules := r.cfg.Rules()
	all := maps.Clone(c.DockerLabels)
	if all == nil {
		all = map[string]string{}
	}
	all["com.amazonaws.ecs.task-arn"] = rules.Task.TaskARN(t.Account, t.Cluster, t.ID)
	all["com.amazonaws.ecs.container-name"] = c.Name
	all["com.amazonaws.ecs.task-definition-family"] = t.Family
	all["com.amazonaws.ecs.task-definition-version"] = strconv.Itoa(t.Revision)
	all["com.amazonaws.ecs.cluster"] = rules.Task.ClusterARN(t.Account, t.Cluster)
	return all
}

// logTarget says where the output of a container goes.
func (r *Runner) logTarget(t *task.Task, c *task.ContainerDefinition) LogTarget {
	target := LogTarget{Driver: "json-file", MaxBytes: r.cfg.LogBytes, MaxFiles: r.cfg.LogFiles}
	stream := filepath.Join("tasks", fileName(t.Cluster), fileName(t.ID), fileName(c.Name))
	if l := c.LogConfiguration; l != nil {
		target.Driver, target.Options = or(l.LogDriver, target.Driver), l.Options
	}
	if target.Driver == "awslogs" {
		stream = filepath.Join("groups", fileName(target.Options["awslogs-group"]), logStream(t, c, target.Options["awslogs-stream-prefix"]))
	}
	target.File = filepath.Join(r.cfg.LogDir, string(t.Account), stream)
	return target
}

// logStream returns the file of a stream: PREFIX/CONTAINER/TASK, as awslogs names it.
func logStream(t *task.Task, c *task.ContainerDefinition, prefix string) string {
	if prefix == "" {
		return filepath.Join(fileName(c.Name), fileName(t.ID))
	}
	return filepath.Join(fileName(prefix), fileName(c.Name), fileName(t.ID))
}

// fileName returns a text as the name of a file. Characters that a plain name does not have
// are escaped, such as a slash as "%2F".
func fileName(text string) string {
	const longest = 200
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_#:", c) >= 0 || c == '.' && i > 0
		if plain {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
		if b.Len() > longest {
			break
		}
	}
	if b.Len() == 0 {
		return "%"
	}
	return b.String()
}
