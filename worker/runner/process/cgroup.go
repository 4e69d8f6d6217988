//go:build linux

package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cgroups makes control groups. Each controller may be in the unified hierarchy
// (version 2) or in one of its own (version 1); both occur together ("hybrid").
type cgroups struct {
	parent string
	// v2 is where the unified hierarchy is mounted, "" if it is not.
	v2 string
	// inV2 are the controllers of the unified hierarchy that are used.
	inV2 []string
	// v1 has the mount point of the hierarchy of each controller. "systemd" is a
	// hierarchy without a controller.
	v1 map[string]string
}

// neededControllers limit CPU, memory and processes.
func neededControllers() []string { return []string{"cpu", "memory", "pids"} }

// findCgroups reads which hierarchies are mounted.
func findCgroups(mountinfo, parent string) (*cgroups, error) {
	c := &cgroups{parent: parent, v1: map[string]string{}}
	for line := range strings.Lines(mountinfo) {
		before, after, ok := strings.Cut(line, " - ")
		fields, rest := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 5 || len(rest) < 3 {
			continue
		}
		switch point := fields[4]; rest[0] {
		case "cgroup2":
			c.v2 = point
		case "cgroup":
			for option := range strings.SplitSeq(rest[2], ",") {
				c.v1[strings.TrimPrefix(option, "name=")] = point
			}
		}
	}
	var missing []string
	available := c.controllers()
	for _, name := range neededControllers() {
		_, separate := c.v1[name]
		switch {
		case slices.Contains(available, name):
			c.inV2 = append(c.inV2, name)
			delete(c.v1, name)
		case !separate:
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("control groups: the controllers %s are not available", strings.Join(missing, ", "))
	}
	return c, nil
}

func (c *cgroups) controllers() []string {
	if c.v2 == "" {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(c.v2, "cgroup.controllers"))
	if err != nil {
		return nil
	}
	return strings.Fields(string(data))
}

// folders returns the folder of a group in each hierarchy.
func (c *cgroups) folders(group ...string) []string {
	path := filepath.Join(append([]string{c.parent}, group...)...)
	var all []string
	if c.v2 != "" {
		all = append(all, filepath.Join(c.v2, path))
	}
	for _, name := range []string{"cpu", "memory", "pids", "systemd"} {
		if point, ok := c.v1[name]; ok {
			if folder := filepath.Join(point, path); !slices.Contains(all, folder) {
				all = append(all, folder)
			}
		}
	}
	return all
}

// members returns the files that take the id of a process of a group: those of the
// hierarchies that count or limit something. Each write waits for the kernel, so there
// are no others.
func (c *cgroups) members(group ...string) []string {
	return c.files([]string{"cpu", "memory", "pids"}, group...)
}

// keepers returns the same for a group of processes that watch others: those of the
// hierarchies by which a service manager knows what belongs to a service, and of CPU time.
func (c *cgroups) keepers(group ...string) []string {
	return c.files([]string{"cpu", "systemd"}, group...)
}

func (c *cgroups) files(controllers []string, group ...string) []string {
	path := filepath.Join(append([]string{c.parent}, group...)...)
	var all []string
	if c.v2 != "" {
		all = append(all, filepath.Join(c.v2, path, "cgroup.procs"))
	}
	for _, name := range controllers {
		if point, ok := c.v1[name]; ok {
			if file := filepath.Join(point, path, "cgroup.procs"); !slices.Contains(all, file) {
				all = append(all, file)
			}
		}
	}
	return all
}

// folder returns the folder of a group in the hierarchy of a controller, and whether
// that is version 2.
func (c *cgroups) folder(controller string, group ...string) (path string, v2 bool) {
	path = filepath.Join(append([]string{c.parent}, group...)...)
	if slices.Contains(c.inV2, controller) {
		return filepath.Join(c.v2, path), true
	}
	return filepath.Join(c.v1[controller], path), false
}

// limits of a control group. 0 means none.
type limits struct {
	// quota is CPU time in units of 1/1024 of a CPU, shares the weight in the same unit.
	quota, shares int64
	memory        int64 // bytes
	low           int64 // bytes that are reclaimed last
	swap          int64 // bytes; -1: no limit
	pids          int64
}

// create makes a group and those above it, and sets its limits.
func (c *cgroups) create(l limits, group ...string) error {
	for _, folder := range c.folders(group...) {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return c.explain(err)
		}
	}
	if len(c.inV2) > 0 {
		if err := c.delegate(group); err != nil {
			return c.explain(err)
		}
	}
	for _, set := range c.settings(l, group) {
		if err := os.WriteFile(set.file, []byte(set.value), 0); err != nil && !set.optional {
			return c.explain(err)
		}
	}
	return nil
}

// delegate enables the controllers in all groups above a group.
func (c *cgroups) delegate(group []string) error {
	all := strings.Split(filepath.Join(append([]string{c.parent}, group...)...), "/")
	text := []byte("+" + strings.Join(c.inV2, " +"))
	for i := range all {
		above := filepath.Join(append([]string{c.v2}, all[:i]...)...)
		if err := os.WriteFile(filepath.Join(above, "cgroup.subtree_control"), text, 0); err != nil {
			return err
		}
	}
	return nil
}

// weigh gives the groups above those of tasks a weight that follows from the number of
// CPUs. Without it all tasks together would have that of one process.
func (c *cgroups) weigh(cpus int) error {
	file, value := "cpu.shares", 1024*cpus
	if slices.Contains(c.inV2, "cpu") {
		file, value = "cpu.weight", min(100*cpus, 10_000)
	}
	for above := c.parent; above != "."; above = filepath.Dir(above) {
		folder := filepath.Join(c.v1["cpu"], above)
		if slices.Contains(c.inV2, "cpu") {
			folder = filepath.Join(c.v2, above)
		}
		if err := os.WriteFile(filepath.Join(folder, file), strconv.AppendInt(nil, int64(value), 10), 0); err != nil {
			return c.explain(err)
		}
	}
	return nil
}

// explain adds what an operator can do.
func (c *cgroups) explain(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS) || errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("control groups cannot be made: %w; give the program a writable hierarchy of control groups, or set runner.cgroups to false to run tasks without limits", err)
	}
	return fmt.Errorf("control groups: %w", err)
}

type setting struct {
	file, value string
	optional    bool
}

// cpuPeriod is the period of CPU quotas in microseconds, the default of the kernel.
const cpuPeriod = 100_000

func (c *cgroups) settings(l limits, group []string) []setting {
	var all []setting
	add := func(folder, file, value string, optional bool) {
		all = append(all, setting{filepath.Join(folder, file), value, optional})
	}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	cpu, v2 := c.folder("cpu", group...)
	if l.quota > 0 && v2 {
		add(cpu, "cpu.max", fmt.Sprintf("%d %d", l.quota*cpuPeriod/1024, cpuPeriod), false)
	} else if l.quota > 0 {
		add(cpu, "cpu.cfs_period_us", number(cpuPeriod), false)
		add(cpu, "cpu.cfs_quota_us", number(max(l.quota*cpuPeriod/1024, 1000)), false)
	}
	if shares := max(l.shares, 2); v2 {
		add(cpu, "cpu.weight", number(weightOf(shares)), false)
	} else {
		add(cpu, "cpu.shares", number(shares), false)
	}
	memory, v2 := c.folder("memory", group...)
	switch {
	case v2 && l.memory > 0:
		add(memory, "memory.max", number(l.memory), false)
		swap := number(l.swap)
		if l.swap < 0 {
			swap = "max"
		}
		add(memory, "memory.swap.max", swap, true) // kernels without swap accounting lack it
	case l.memory > 0:
		add(memory, "memory.limit_in_bytes", number(l.memory), false)
		total := number(l.memory + l.swap)
		if l.swap < 0 {
			total = "-1"
		}
		add(memory, "memory.memsw.limit_in_bytes", total, true)
	}
	if l.low > 0 && v2 {
		add(memory, "memory.low", number(l.low), false)
	} else if l.low > 0 {
		add(memory, "memory.soft_limit_in_bytes", number(l.low), false)
	}
	if l.pids > 0 {
		pids, _ := c.folder("pids", group...)
		add(pids, "pids.max", number(l.pids), false)
	}
	return all
}

// weightOf converts shares, 2 to 262144, to the weight of version 2, 1 to 10000, as
// systemd and the Open Container Initiative do.
func weightOf(shares int64) int64 { return 1 + (min(shares, 262144)-2)*9999/262142 }

// processes returns the ids of the processes of a group.
func (c *cgroups) processes(group ...string) []int {
	folder, _ := c.folder("pids", group...)
	data, err := os.ReadFile(filepath.Join(folder, "cgroup.procs"))
	if err != nil {
		return nil
	}
	var pids []int
	for line := range strings.Lines(string(data)) {
		if pid, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}

// remove kills what is in a group, and deletes the group and those below it. It gives up
// when ctx ends, since the kernel may need a while.
func (c *cgroups) remove(ctx context.Context, group ...string) error {
	const attempts = 200
	var err error
	for range attempts {
		for _, pid := range c.allProcesses(group...) {
			_ = unix.Kill(pid, unix.SIGKILL) // it may have ended
		}
		err = nil
		for _, folder := range c.folders(group...) {
			err = errors.Join(err, removeTree(folder))
		}
		if err == nil {
			return nil
		}
		select { // the kernel is still ending processes
		case <-ctx.Done():
			return fmt.Errorf("control groups: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return fmt.Errorf("control groups: %w", err)
}

// allProcesses returns the processes of a group and of those directly below it.
func (c *cgroups) allProcesses(group ...string) []int {
	pids := c.processes(group...)
	folder, _ := c.folder("pids", group...)
	below, _ := os.ReadDir(folder)
	for _, e := range below {
		if e.IsDir() {
			pids = append(pids, c.processes(append(slices.Clone(group), e.Name())...)...)
		}
	}
	return pids
}

// removeParent deletes a group above those of this driver, unless others are in it.
func (c *cgroups) removeParent(group string) error {
	for _, folder := range c.parents(group) {
		err := unix.Rmdir(folder)
		if err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EBUSY) && !errors.Is(err, unix.ENOTEMPTY) {
			return err
		}
	}
	return nil
}

// parents returns the folders of a group above those of drivers.
func (c *cgroups) parents(group string) []string {
	var all []string
	if c.v2 != "" {
		all = append(all, filepath.Join(c.v2, group))
	}
	for _, point := range c.v1 {
		all = append(all, filepath.Join(point, group))
	}
	return all
}

// abandonedAfter is the age at which the group of a driver counts as abandoned, if it is
// empty and the folder of the driver does not exist. A driver of another container may be
// about to use a younger one.
const abandonedAfter = time.Hour

// removeAbandoned deletes the groups below parent that are not used: those of drivers whose
// processes were killed and whose folders were deleted. The kernel keeps groups that have
// processes.
func (c *cgroups) removeAbandoned(parent string, used []string) {
	for _, folder := range c.parents(parent) {
		entries, err := os.ReadDir(folder)
		if err != nil {
			continue // there are none
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil || !e.IsDir() || slices.Contains(used, e.Name()) || time.Since(info.ModTime()) < abandonedAfter {
				continue
			}
			_ = removeTree(filepath.Join(folder, e.Name())) // it may have processes
		}
	}
}

// removeTree deletes a folder of a hierarchy with the groups below it. The files in it
// belong to the kernel.
func removeTree(folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeTree(filepath.Join(folder, e.Name())); err != nil {
				return err
			}
		}
	}
	if err := unix.Rmdir(folder); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("rmdir %s: %w", folder, err)
	}
	return nil
}

// oomFile returns the file that counts the processes of a group that the kernel killed
// because of the memory limit.
func (c *cgroups) oomFile(group ...string) string {
	folder, v2 := c.folder("memory", group...)
	if v2 {
		return filepath.Join(folder, "memory.events")
	}
	return filepath.Join(folder, "memory.oom_control")
}

// oomKills reads such a file.
func oomKills(file string) int64 {
	n, _ := keyedNumber(file, "oom_kill")
	return n
}

// keyedNumber returns the number after a key in a file with a key and a number a line.
func keyedNumber(file, key string) (n int64, ok bool) {
	f, err := os.Open(file)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		k, v, _ := strings.Cut(s.Text(), " ")
		if k == key {
			n, err := strconv.ParseInt(v, 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// number returns the number in a file, 0 if there is none.
func number(file string) int64 {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
