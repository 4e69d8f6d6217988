package docker

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/worker/runner"
)

const preparePrefix = "ResourceInitializationError: "

// Prepare makes what the containers of a task share.
func (d *Driver) Prepare(ctx context.Context, s *runner.Spec) error {
	if err := d.prepare(ctx, s); err != nil {
		return fmt.Errorf(preparePrefix+"%w", d.engine.explain(err))
	}
	return nil
}

func (d *Driver) prepare(ctx context.Context, s *runner.Spec) error {
	if err := d.writeFiles(s); err != nil {
		return err
	}
	if err := d.ensureVolumes(ctx, s); err != nil {
		return err
	}
	if !needsPause(s) {
		if err := os.WriteFile(d.preparedFile(s.Task.ID), nil, 0o600); err != nil {
			return fmt.Errorf("mark the task as prepared: %w", pathless(err))
		}
		return nil
	}
	if err := d.ensurePause(ctx, s); err != nil {
		return err
	}
	if s.Network.Mode != runner.ModeAWSVPC {
		return nil
	}
	return waitForGateways(ctx, s.Network.Gateways)
}

// preparedFile marks a task without a pause container as prepared.
func (d *Driver) preparedFile(taskID string) string {
	return filepath.Join(d.taskDir(taskID), "prepared")
}

// needsPause reports whether containers of the task share namespaces.
func needsPause(s *runner.Spec) bool {
	return s.Network.Mode == runner.ModeAWSVPC || s.Definition.PIDMode == "task" || s.Definition.IPCMode == "task"
}

// writeFiles makes the folder of the task and its resolv.conf.
func (d *Driver) writeFiles(s *runner.Spec) error {
	dir := d.taskDir(s.Task.ID)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of the task: %w", pathless(err))
	}
	text := resolvConf(&s.Network)
	if text == "" {
		return nil
	}
	if err := os.WriteFile(filepath.Join(dir, "resolv.conf"), []byte(text), 0o644); err != nil {
		return fmt.Errorf("write resolv.conf of the task: %w", pathless(err))
	}
	return nil
}

// resolvConf returns resolv.conf for a task with addresses of its own. The containers
// get it as a file and not through the resolver of the engine, which works only while
// the engine runs and bounds concurrent queries.
func resolvConf(n *runner.NetworkSpec) string {
	if n.Mode != runner.ModeAWSVPC || len(n.DNS) == 0 {
		return ""
	}
	var b strings.Builder
	for _, a := range n.DNS {
		fmt.Fprintf(&b, "nameserver %s\n", a)
	}
	if len(n.Search) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(n.Search, " "))
	}
	return b.String()
}

// ensurePause creates and starts the pause container if it does not run.
func (d *Driver) ensurePause(ctx context.Context, s *runner.Spec) error {
	c, err := d.find(ctx, s.Task.ID, pauseName)
	if err != nil {
		return err
	}
	if c != nil && c.State == container.StateRunning {
		return nil
	}
	image, net, err := d.ensureShared(ctx, s)
	if err != nil {
		return err
	}
	var id string
	if c != nil {
		id = c.ID
	} else if id, err = d.createPause(ctx, s, image, net); err != nil {
		return fmt.Errorf("create the pause container: %w", err)
	}
	if err := d.startContainer(ctx, id); err != nil {
		return fmt.Errorf("start the pause container: %w", err)
	}
	return nil
}

// ensureShared makes what all tasks share, or those of a subnet: the image of the pause
// container, and the network.
func (d *Driver) ensureShared(ctx context.Context, s *runner.Spec) (image, network string, err error) {
	d.preparing.Lock()
	defer d.preparing.Unlock()
	if image, err = d.ensurePauseImage(ctx); err == nil && s.Network.Mode == runner.ModeAWSVPC {
		network, err = d.ensureNetwork(ctx, &s.Network)
	}
	return image, network, err
}

func (d *Driver) createPause(ctx context.Context, s *runner.Spec, image, net string) (string, error) {
	o := client.ContainerCreateOptions{
		Name: containerName(s, pauseName),
		Config: &container.Config{
			Image:       image,
			User:        "65534:65534",
			Hostname:    s.Network.Hostname,
			Labels:      d.pauseLabels(s),
			Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
		},
		HostConfig: &container.HostConfig{
			NetworkMode:    "none",
			IpcMode:        container.IPCModeShareable,
			ReadonlyRootfs: true,
			CapDrop:        []string{"ALL"},
			SecurityOpt:    []string{"no-new-privileges"},
			LogConfig:      container.LogConfig{Type: "none"},
		},
	}
	if s.Network.Mode == runner.ModeAWSVPC {
		o.HostConfig.NetworkMode = container.NetworkMode(net)
		o.HostConfig.ExtraHosts = extraHosts(s.Network.Hosts)
		o.HostConfig.Sysctls = networkControls(s)
		o.NetworkingConfig = &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{net: endpoint(&s.Network)}}
	}
	return d.createContainer(ctx, o)
}

func (d *Driver) pauseLabels(s *runner.Spec) map[string]string {
	const ecs = "com.amazonaws.ecs."
	l := map[string]string{}
	if len(s.Containers) > 0 {
		maps.Copy(l, s.Containers[0].Labels)
		maps.DeleteFunc(l, func(k, _ string) bool { return !strings.HasPrefix(k, ecs) })
	}
	l[ecs+"container-name"] = pauseName
	l[labelNode], l[labelTask], l[labelContainer] = d.cfg.Node, s.Task.ID, pauseName
	if s.Network.Mode == runner.ModeAWSVPC {
		l[labelSubnet] = s.Network.Subnet
	}
	return l
}

// networkControls returns the settings net.* of all containers: they belong to the
// network namespace, which is that of the pause container.
func networkControls(s *runner.Spec) map[string]string {
	out := map[string]string{}
	for _, c := range s.Containers {
		for _, k := range c.Definition.SystemControls {
			if strings.HasPrefix(k.Namespace, "net.") {
				out[k.Namespace] = k.Value
			}
		}
	}
	return out
}

func extraHosts(hosts []task.HostEntry) []string {
	var out []string
	for _, h := range hosts {
		out = append(out, h.Hostname+":"+h.IpAddress)
	}
	return out
}

// gatewayTimeout bounds the wait for addresses of the bridge. An IPv6 address can be
// used after the kernel has looked for duplicates, about a second after the first task
// has joined the bridge.
const gatewayTimeout = 10 * time.Second

// waitForGateways waits until this machine can listen on its addresses in the subnet.
func waitForGateways(ctx context.Context, gateways []netip.Addr) error {
	ctx, cancel := context.WithTimeout(ctx, gatewayTimeout)
	defer cancel()
	for _, g := range gateways {
		for {
			c, err := net.ListenPacket("udp", netip.AddrPortFrom(g, 0).String())
			if err == nil {
				c.Close()
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("the node cannot use its address %s in the subnet: %w", g, err)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return nil
}
