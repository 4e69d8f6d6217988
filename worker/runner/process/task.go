//go:build linux

package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/worker/runner"
)

// Prepare implements runner.Driver.
func (d *Driver) Prepare(_ context.Context, s *runner.Spec) error {
	if err := d.prepare(s); err != nil {
		return fmt.Errorf("ResourceInitializationError: %w", err)
	}
	return nil
}

func (d *Driver) prepare(s *runner.Spec) error {
	id := s.Task.ID
	if err := checkTask(id); err != nil {
		return err
	}
	if err := os.MkdirAll(d.files.containers(id), 0o700); err != nil {
		return err
	}
	r := taskRecord{Mode: s.Network.Mode, Subnet: s.Network.Subnet, Addresses: s.Network.Addresses, Gateways: s.Network.Gateways, Redirects: s.Network.Redirects, ConnectPort: s.Network.ConnectPort}
	if r.Mode == runner.ModeAWSVPC {
		r.MAC = hardwareAddr(r.Addresses[0].String()).String()
	}
	if err := writeRecord(d.files.record(id), r); err != nil {
		return err
	}
	if err := d.makeNetwork(id, &r); err != nil {
		return err
	}
	if err := d.limitTask(s); err != nil {
		return err
	}
	r.Ready = true
	return writeRecord(d.files.record(id), r)
}

// makeNetwork makes what the containers of the task share.
func (d *Driver) makeNetwork(id string, r *taskRecord) error {
	switch r.Mode {
	case runner.ModeAWSVPC:
		if err := newNamespace(d.files.netns(id)); err != nil {
			return err
		}
		bridge, err := d.subnetBridge(r)
		if err != nil {
			return err
		}
		mac, err := net.ParseMAC(r.MAC)
		if err != nil {
			return err
		}
		return attach(&attachment{
			namespace: d.files.netns(id), bridge: bridge, host: d.hostInterface(id, ""),
			addresses: r.Addresses, gateways: r.Gateways, mac: mac, redirects: r.Redirects, connect: r.ConnectPort,
		})
	case runner.ModeNone:
		return newNamespace(d.files.netns(id))
	case runner.ModeHost, runner.ModeBridge:
		return nil
	}
	return fmt.Errorf("network mode %q is not supported", r.Mode)
}

// hostInterface names the interface of this machine that leads to a task, or to a
// container in bridge mode.
func (d *Driver) hostInterface(id, container string) string {
	return shortName("ct-", d.cfg.RunDir, id, container)
}

// subnetBridge returns the bridge of the subnet of a task, and makes it if it does not
// exist.
func (d *Driver) subnetBridge(r *taskRecord) (string, error) {
	var own []netip.Prefix
	for _, g := range r.Gateways {
		for _, a := range r.Addresses {
			if a.Addr().Is4() == g.Is4() {
				own = append(own, netip.PrefixFrom(g, a.Bits()))
			}
		}
	}
	name := shortName("cb-", d.cfg.RunDir, r.Subnet)
	d.network.Lock()
	defer d.network.Unlock()
	if err := ensureBridge(name, d.alias(), own); err != nil {
		return "", err
	}
	if d.ruled[name] {
		return name, nil
	}
	if err := d.updateFirewall(); err != nil {
		return "", err
	}
	d.ruled[name] = true
	return name, nil
}

// shimShares is the weight of all shims together. It is small against that of tasks, so
// that many starts at the same time do not take the processor from tasks that run.
const shimShares = 256

// limitTask makes the control group of a task.
func (d *Driver) limitTask(s *runner.Spec) error {
	if d.cgroups == nil {
		return nil
	}
	if err := d.cgroups.create(limits{shares: shimShares}, "shims"); err != nil {
		return err
	}
	if err := d.cgroups.weigh(runtime.NumCPU()); err != nil {
		return err
	}
	return d.cgroups.create(limits{quota: s.CPULimit, shares: taskShares(s), memory: s.MemoryLimit}, s.Task.ID)
}

// taskShares returns the weight of a task: its own CPU units, or those of its containers
// together.
func taskShares(s *runner.Spec) int64 {
	shares := s.CPULimit
	if shares == 0 {
		for i := range s.Containers {
			shares += max(s.Containers[i].CPUShares, minShares)
		}
	}
	return shares
}

// minShares is the weight of a container without CPU units, as in ECS.
const minShares = 2

// Observe implements runner.Driver.
func (d *Driver) Observe(_ context.Context, id string) (*runner.Observation, error) {
	o := new(runner.Observation)
	if err := checkTask(id); err != nil {
		return nil, err
	}
	var r taskRecord
	ok, err := readRecord(d.files.record(id), &r)
	if err != nil {
		return nil, err
	}
	if ok && r.Ready && d.networkExists(id, &r) {
		o.Network = &runner.ObservedNetwork{Subnet: r.Subnet, Addresses: r.Addresses, MAC: r.MAC}
	}
	for _, name := range d.containerNames(id) {
		state, err := d.observeContainer(id, name)
		if err != nil {
			return nil, err
		}
		if state != nil {
			o.Containers = append(o.Containers, *state)
		}
	}
	return o, nil
}

func (d *Driver) networkExists(id string, r *taskRecord) bool {
	return r.Mode == runner.ModeHost || r.Mode == runner.ModeBridge || isNamespace(d.files.netns(id))
}

// Remove implements runner.Driver.
func (d *Driver) Remove(ctx context.Context, id string) error {
	if err := checkTask(id); err != nil {
		return err
	}
	var errs []error
	for _, name := range d.containerNames(id) {
		errs = append(errs, d.removeContainer(ctx, id, name))
	}
	if d.cgroups != nil {
		errs = append(errs, d.cgroups.remove(ctx, id))
	}
	errs = append(errs, removeLink(d.hostInterface(id, "")), removeNamespace(d.files.netns(id)))
	if err := errors.Join(errs...); err != nil {
		return err // the record stays, so that it is tried again
	}
	var mapped bool
	for _, name := range d.containerNames(id) {
		var r containerRecord
		_, _ = readRecord(d.files.container(id, name).record(), &r) // without a record there are no rules
		mapped = mapped || len(r.Bindings) > 0
	}
	if err := errors.Join(os.RemoveAll(d.files.big(id)), os.RemoveAll(d.files.task(id))); err != nil {
		return err
	}
	if !mapped {
		return nil
	}
	d.network.Lock()
	defer d.network.Unlock()
	return d.updateFirewall()
}

// hostsFile returns the contents of /etc/hosts.
func hostsFile(n *runner.NetworkSpec, extra []task.HostEntry) string {
	var b strings.Builder
	b.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")
	for _, a := range n.Addresses {
		if n.Hostname != "" {
			fmt.Fprintf(&b, "%s\t%s\n", a.Addr(), n.Hostname)
		}
	}
	for _, h := range append(n.Hosts[:len(n.Hosts):len(n.Hosts)], extra...) {
		fmt.Fprintf(&b, "%s\t%s\n", h.IpAddress, h.Hostname)
	}
	return b.String()
}

// resolverFile returns the contents of /etc/resolv.conf.
func resolverFile(servers []netip.Addr, named []string, search []string) string {
	var b strings.Builder
	for _, s := range servers {
		fmt.Fprintf(&b, "nameserver %s\n", s)
	}
	for _, s := range named {
		fmt.Fprintf(&b, "nameserver %s\n", s)
	}
	if len(search) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(search, " "))
	}
	return b.String()
}
