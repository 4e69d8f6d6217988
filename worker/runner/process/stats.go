//go:build linux

package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
)

// stats is the form of the Docker Engine's statistics (GET /containers/ID/stats), with
// the members that are known here.
type stats struct {
	Read     time.Time               `json:"read"`
	CPU      cpuStats                `json:"cpu_stats"`
	Memory   memoryStats             `json:"memory_stats"`
	PIDs     pidsStats               `json:"pids_stats"`
	Networks map[string]networkStats `json:"networks,omitempty"`
}

type cpuStats struct {
	Usage struct {
		Total  int64 `json:"total_usage"` // nanoseconds
		Kernel int64 `json:"usage_in_kernelmode"`
		User   int64 `json:"usage_in_usermode"`
	} `json:"cpu_usage"`
	System int64 `json:"system_cpu_usage"` // nanoseconds of all CPUs
	Online int   `json:"online_cpus"`
}

type memoryStats struct {
	Usage int64            `json:"usage"`
	Limit int64            `json:"limit"`
	Stats map[string]int64 `json:"stats,omitempty"`
}

type pidsStats struct {
	Current int64 `json:"current"`
}

type networkStats struct {
	RxBytes   uint64 `json:"rx_bytes"`
	RxPackets uint64 `json:"rx_packets"`
	RxErrors  uint64 `json:"rx_errors"`
	RxDropped uint64 `json:"rx_dropped"`
	TxBytes   uint64 `json:"tx_bytes"`
	TxPackets uint64 `json:"tx_packets"`
	TxErrors  uint64 `json:"tx_errors"`
	TxDropped uint64 `json:"tx_dropped"`
}

// Stats implements runner.Driver.
func (d *Driver) Stats(_ context.Context, id, name string) (json.RawMessage, error) {
	if err := errors.Join(checkTask(id), checkContainer(name)); err != nil {
		return nil, err
	}
	dir := d.files.container(id, name)
	if !dir.runs() {
		return nil, fmt.Errorf("container %q of task %s does not run", name, id)
	}
	s := stats{Read: time.Now().UTC(), Networks: map[string]networkStats{}}
	s.CPU.System, s.CPU.Online = systemCPU(), runtime.NumCPU()
	if d.cgroups != nil {
		d.cgroups.usage(&s, id, name)
	}
	for _, file := range []string{d.files.netns(id), dir.netns()} {
		if isNamespace(file) {
			if err := inNamespace(file, s.network); err != nil {
				return nil, err
			}
		}
	}
	return json.Marshal(s)
}

func (s *stats) network() error {
	links, err := complete(netlink.LinkList)
	if err != nil {
		return err
	}
	for _, l := range links {
		if n := l.Attrs().Statistics; n != nil && l.Attrs().Name != "lo" {
			s.Networks[l.Attrs().Name] = networkStats{
				RxBytes: n.RxBytes, RxPackets: n.RxPackets, RxErrors: n.RxErrors, RxDropped: n.RxDropped,
				TxBytes: n.TxBytes, TxPackets: n.TxPackets, TxErrors: n.TxErrors, TxDropped: n.TxDropped,
			}
		}
	}
	return nil
}

// usage fills in what a control group counts.
func (c *cgroups) usage(s *stats, group ...string) {
	cpu, v2 := c.folder("cpu", group...)
	if v2 {
		total, _ := keyedNumber(filepath.Join(cpu, "cpu.stat"), "usage_usec")
		user, _ := keyedNumber(filepath.Join(cpu, "cpu.stat"), "user_usec")
		kernel, _ := keyedNumber(filepath.Join(cpu, "cpu.stat"), "system_usec")
		s.CPU.Usage.Total, s.CPU.Usage.User, s.CPU.Usage.Kernel = total*1000, user*1000, kernel*1000
	} else {
		s.CPU.Usage.Total = number(filepath.Join(cpu, "cpuacct.usage")) // if it is mounted together
		if s.CPU.Usage.Total == 0 {
			total, _ := keyedNumber(filepath.Join(c.v2, c.parent, filepath.Join(group...), "cpu.stat"), "usage_usec")
			s.CPU.Usage.Total = total * 1000
		}
	}
	memory, v2 := c.folder("memory", group...)
	if v2 {
		s.Memory.Usage, s.Memory.Limit = number(filepath.Join(memory, "memory.current")), number(filepath.Join(memory, "memory.max"))
		inactive, _ := keyedNumber(filepath.Join(memory, "memory.stat"), "inactive_file")
		s.Memory.Stats = map[string]int64{"inactive_file": inactive}
	} else {
		s.Memory.Usage, s.Memory.Limit = number(filepath.Join(memory, "memory.usage_in_bytes")), number(filepath.Join(memory, "memory.limit_in_bytes"))
		inactive, _ := keyedNumber(filepath.Join(memory, "memory.stat"), "total_inactive_file")
		s.Memory.Stats = map[string]int64{"total_inactive_file": inactive}
	}
	pids, _ := c.folder("pids", group...)
	s.PIDs.Current = number(filepath.Join(pids, "pids.current"))
}

// systemCPU returns the time that all CPUs have worked, in nanoseconds (proc_stat(5)).
func systemCPU() int64 {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(data), "\n")
	var ticks int64
	const counted = 7 // user to softirq
	for i, f := range strings.Fields(line) {
		if n, err := strconv.ParseInt(f, 10, 64); err == nil && i > 0 && i <= counted {
			ticks += n
		}
	}
	const perSecond = 100 // USER_HZ
	return ticks * int64(time.Second) / perSecond
}
