package endpoint

import (
	"maps"
	"net/netip"
	"strconv"
	"time"

	"github.com/cairn-discovery/cairn/core/task"
)

// taskMetadata is the answer about a task; see "Amazon ECS task metadata endpoint
// version 4" in the ECS developer guide.
type taskMetadata struct {
	Cluster            string
	TaskARN            string
	Family             string
	Revision           string
	ServiceName        string `json:",omitempty"`
	DesiredStatus      string
	KnownStatus        string
	Limits             *taskLimits         `json:",omitempty"`
	PullStartedAt      string              `json:",omitempty"`
	PullStoppedAt      string              `json:",omitempty"`
	ExecutionStoppedAt string              `json:",omitempty"`
	AvailabilityZone   string              `json:",omitempty"`
	VPCID              string              `json:",omitempty"`
	LaunchType         string              `json:",omitempty"`
	Containers         []containerMetadata `json:",omitempty"`
	TaskTags           map[string]string   `json:",omitempty"`
	// ContainerInstanceTags is in answers with tags only.
	ContainerInstanceTags map[string]string `json:",omitempty"`
}

type taskLimits struct {
	CPU    float64 `json:",omitempty"` // vCPU
	Memory int64   `json:",omitempty"` // MiB
}

type containerLimits struct {
	CPU    int64 // units
	Memory int64 `json:",omitempty"` // MiB
}

type containerMetadata struct {
	DockerID      string `json:"DockerId"`
	Name          string
	DockerName    string
	Image         string
	ImageID       string
	Ports         []port            `json:",omitempty"`
	Labels        map[string]string `json:",omitempty"`
	DesiredStatus string
	KnownStatus   string
	ExitCode      *int64 `json:",omitempty"`
	Limits        containerLimits
	CreatedAt     string `json:",omitempty"`
	StartedAt     string `json:",omitempty"`
	FinishedAt    string `json:",omitempty"`
	Type          string
	Health        *health           `json:",omitempty"`
	Volumes       []volume          `json:",omitempty"`
	LogDriver     string            `json:",omitempty"`
	LogOptions    map[string]string `json:",omitempty"`
	ContainerARN  string            `json:",omitempty"`
	RestartCount  *int              `json:",omitempty"`
	Networks      []network         `json:",omitempty"`
}

type port struct {
	ContainerPort int
	Protocol      string
	HostPort      int    `json:",omitempty"`
	HostIP        string `json:"HostIp,omitempty"`
}

type health struct {
	Status      string `json:"status"`
	StatusSince string `json:"statusSince,omitempty"`
	Output      string `json:"output,omitempty"`
}

// volume is a mount point.
type volume struct {
	DockerName  string `json:",omitempty"` // of a volume that is not a folder of the node
	Source      string `json:",omitempty"` // the folder of the node
	Destination string
}

type network struct {
	NetworkMode              string
	IPv4Addresses            []string `json:",omitempty"`
	IPv6Addresses            []string `json:",omitempty"`
	AttachmentIndex          *int     `json:",omitempty"`
	MACAddress               string   `json:",omitempty"`
	IPv4SubnetCIDRBlock      string   `json:",omitempty"`
	IPv6SubnetCIDRBlock      string   `json:",omitempty"`
	DomainNameServers        []string `json:",omitempty"`
	DomainNameSearchList     []string `json:",omitempty"`
	PrivateDNSName           string   `json:",omitempty"`
	SubnetGatewayIpv4Address string   `json:",omitempty"` // with the length of the prefix
}

func timeText(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano)
}

// taskResponse returns the metadata of the task. Version 3 lacks some of it.
func (v *view) taskResponse(old, tags bool) taskMetadata {
	t, rules := v.task, v.h.cfg.Rules()
	m := taskMetadata{
		Cluster: rules.Task.ClusterARN(t.Account, t.Cluster), TaskARN: rules.Task.TaskARN(t.Account, t.Cluster, t.ID),
		Family: t.Family, Revision: strconv.Itoa(t.Revision), DesiredStatus: t.DesiredStatus, KnownStatus: t.LastStatus,
		PullStartedAt: timeText(t.PullStarted), PullStoppedAt: timeText(t.PullStopped), ExecutionStoppedAt: timeText(t.ExecutionStopped),
		AvailabilityZone: t.Zone,
	}
	if !old {
		m.ServiceName, m.LaunchType = t.Service, t.LaunchType
		if n := v.subnet(); n != nil {
			m.VPCID = n.VPC
		}
	}
	if l := v.limits(); l != (taskLimits{}) {
		m.Limits = &l
	}
	for _, c := range t.Containers {
		m.Containers = append(m.Containers, v.container(c.Name, old))
	}
	if tags {
		m.TaskTags, m.ContainerInstanceTags = tagMap(t.Tags), v.instanceTags()
	}
	return m
}

func (v *view) limits() taskLimits {
	cpu, memory := v.definition.CPU, v.definition.Memory
	if o := v.task.Overrides; o != nil {
		if o.CPU != "" {
			cpu = o.CPU
		}
		if o.Memory != "" {
			memory = o.Memory
		}
	}
	units, _ := strconv.ParseFloat(cpu, 64)          // 0 without
	mebibytes, _ := strconv.ParseInt(memory, 10, 64) // 0 without
	return taskLimits{CPU: units / 1024, Memory: mebibytes}
}

func (v *view) instanceTags() map[string]string {
	i, ok := v.h.cfg.Replica.Current().Task.Instance(v.task.Account, v.task.Cluster, v.task.Instance)
	if !ok {
		return nil
	}
	return tagMap(i.Tags)
}

func tagMap(tags []task.Tag) map[string]string {
	m := map[string]string{}
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}

// container returns the metadata of a container of the task.
func (v *view) container(name string, old bool) containerMetadata {
	t := v.task
	m := containerMetadata{Name: name, Type: "NORMAL", DesiredStatus: t.DesiredStatus}
	for i := range v.definition.ContainerDefinitions {
		if d := &v.definition.ContainerDefinitions[i]; d.Name == name {
			v.describe(&m, d, old)
		}
	}
	for i := range t.Containers {
		if s := &t.Containers[i]; s.Name == name {
			v.observe(&m, s, old)
		}
	}
	if n := t.Network; n != nil {
		m.Networks = []network{v.network(n, old)}
	}
	return m
}

// leastCPU is what a container has without a value of its own, in units; see "cpu" of
// ContainerDefinition.
const leastCPU = 2

// describe fills in what the definition says.
func (v *view) describe(m *containerMetadata, d *task.ContainerDefinition, old bool) {
	t, rules := v.task, v.h.cfg.Rules()
	m.Image = d.Image
	m.Labels = maps.Clone(d.DockerLabels)
	if m.Labels == nil {
		m.Labels = map[string]string{}
	}
	m.Labels["com.amazonaws.ecs.cluster"] = rules.Task.ClusterARN(t.Account, t.Cluster)
	m.Labels["com.amazonaws.ecs.container-name"] = d.Name
	m.Labels["com.amazonaws.ecs.task-arn"] = rules.Task.TaskARN(t.Account, t.Cluster, t.ID)
	m.Labels["com.amazonaws.ecs.task-definition-family"] = t.Family
	m.Labels["com.amazonaws.ecs.task-definition-version"] = strconv.Itoa(t.Revision)
	m.Limits = containerLimits{CPU: max(leastCPU, number(d.CPU)), Memory: number(d.Memory)}
	for _, p := range d.MountPoints {
		m.Volumes = append(m.Volumes, v.volume(p))
	}
	for _, p := range d.PortMappings {
		m.Ports = append(m.Ports, port{ContainerPort: int(number(p.ContainerPort)), Protocol: p.Protocol, HostPort: int(number(p.HostPort))})
	}
	if l := d.LogConfiguration; l != nil && !old {
		m.LogDriver, m.LogOptions = l.LogDriver, l.Options
	}
}

func number(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// observe fills in what is known of the container.
func (v *view) observe(m *containerMetadata, s *task.ContainerState, old bool) {
	t, rules := v.task, v.h.cfg.Rules()
	m.DockerID, m.ImageID, m.KnownStatus, m.ExitCode = s.RuntimeID, s.ImageDigest, s.LastStatus, s.ExitCode
	m.DockerName = "ecs-" + t.Family + "-" + strconv.Itoa(t.Revision) + "-" + s.Name
	m.CreatedAt, m.StartedAt, m.FinishedAt = timeText(s.Created), timeText(s.Started), timeText(s.Finished)
	if s.Health != "" && s.Health != task.HealthUnknown {
		m.Health = &health{Status: s.Health, StatusSince: timeText(s.HealthSince), Output: s.HealthOutput}
	}
	if old {
		return
	}
	m.ContainerARN = rules.Task.ARN(t.Account, "container/"+t.Cluster+"/"+t.ID+"/"+s.ID)
	m.RestartCount = &s.Restarts
}

// volume returns a mount point as version 4 shows it.
func (v *view) volume(p task.MountPoint) volume {
	m := volume{DockerName: p.SourceVolume, Destination: p.ContainerPath}
	for i := range v.definition.Volumes {
		if d := &v.definition.Volumes[i]; d.Name == p.SourceVolume && d.Host != nil && d.Host.SourcePath != "" {
			m.DockerName, m.Source = "", d.Host.SourcePath
		}
	}
	return m
}

func (v *view) network(n *task.Network, old bool) network {
	m := network{NetworkMode: "awsvpc"}
	if n.IPv4 != "" {
		m.IPv4Addresses = []string{n.IPv4}
	}
	if n.IPv6 != "" {
		m.IPv6Addresses = []string{n.IPv6}
	}
	if old {
		return m
	}
	index := 0
	m.AttachmentIndex, m.MACAddress = &index, n.MAC
	if n.IPv4 != "" {
		m.PrivateDNSName = v.h.cfg.Rules().Task.PrivateName(n.IPv4)
	}
	if s := v.subnet(); s != nil {
		m.describe(s)
	}
	return m
}

// describe fills in what is known of the subnet.
func (m *network) describe(s *Subnet) {
	m.IPv4SubnetCIDRBlock = s.IPv4.Masked().String()
	m.SubnetGatewayIpv4Address = netip.PrefixFrom(s.Gateway, s.IPv4.Bits()).String()
	if s.IPv6.IsValid() && len(m.IPv6Addresses) > 0 {
		m.IPv6SubnetCIDRBlock = s.IPv6.Masked().String()
	}
	for _, a := range s.DNS {
		m.DomainNameServers = append(m.DomainNameServers, a.String())
	}
	m.DomainNameSearchList = s.Search
}

// subnet returns the subnet of the task, or nil if it is not known.
func (v *view) subnet() *Subnet {
	if v.task.Network == nil {
		return nil
	}
	a, err := netip.ParseAddr(v.task.Network.IPv4)
	if err != nil {
		return nil
	}
	for i := range v.h.cfg.Subnets {
		if s := &v.h.cfg.Subnets[i]; s.IPv4.Contains(a) {
			return s
		}
	}
	return nil
}
