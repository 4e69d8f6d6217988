//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a server under measurement.
type process struct {
	cmd   *exec.Cmd
	addr  string // of its API
	admin string // of cairn's admin listener
	up    time.Duration
}

func buildCairn(ctx context.Context, dir string) (string, error) {
	bin := filepath.Join(dir, "cairn")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", bin, "./cmd/cairn")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build cairn: %w\n%s", err, out)
	}
	return bin, nil
}

// startCairn starts a node on a data folder, without quotas.
func (r *run) startCairn(dataDir string, env ...string) (*process, error) {
	config := filepath.Join(r.dir, "config.yaml")
	quotas := "quotas: {namespaces_per_account: 0, services_per_namespace: 0, instances_per_service: 0}\n"
	if err := os.WriteFile(config, []byte(quotas), 0o644); err != nil {
		return nil, err
	}
	cmd := exec.Command(r.cairn, "serve", "--config", config, "--data-dir", dataDir,
		"--api-addr", "127.0.0.1:0", "--dns-addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0", "--xds-addr", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), env...)
	return startPinned(cmd, regexp.MustCompile(`msg=ready.* api=(\S+)(?:.* admin=(\S+))?`))
}

// startPinned starts a server on the last processor and waits for the line on
// stderr that holds its addresses.
func startPinned(cmd *exec.Cmd, ready *regexp.Regexp) (*process, error) {
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := onLastCPU(cmd.Start); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd}
	lines := bufio.NewScanner(stderr)
	var seen []string
	for lines.Scan() {
		if m := ready.FindStringSubmatch(lines.Text()); m != nil {
			p.addr, p.up = m[1], time.Since(start)
			if len(m) > 2 {
				p.admin = m[2]
			}
			go io.Copy(io.Discard, stderr) // ends with the process
			return p, nil
		}
		seen = append(seen, lines.Text())
	}
	return nil, fmt.Errorf("%s did not get ready: %w\n%s", cmd.Path, cmd.Wait(), strings.Join(seen, "\n"))
}

// onLastCPU calls start so that the process it makes runs on the last of this
// machine's processors only: a child inherits from the thread that makes it.
func onLastCPU(start func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, last unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return err
	}
	for cpu := range 1024 {
		if all.IsSet(cpu) {
			last.Zero()
			last.Set(cpu)
		}
	}
	if err := unix.SchedSetaffinity(0, &last); err != nil {
		return err
	}
	return errors.Join(start(), unix.SchedSetaffinity(0, &all))
}

// stop ends the process and waits for it.
func (p *process) stop() error {
	p.cmd.Process.Signal(syscall.SIGTERM)
	return p.cmd.Wait()
}

// resident returns the bytes of memory that the process occupies.
func (p *process) resident() float64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseFloat(fields[1], 64)
	return pages * float64(os.Getpagesize())
}
