//go:build linux

// Command dns measures how many queries a second cairn's DNS server answers on one core. It
// compares that with the limit of the socket layer, an echo by the same system calls, and
// with Knot and NSD where they are installed. All run as processes of their own, in turns,
// so that what else the machine does meets them alike; only the ratios mean something.
//
//	go run ./bench/dns -services 100000 -instances 8
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

type settings struct {
	services, instances int
	writes              int // registrations a second while it is measured
	rounds              int
	time                time.Duration
	window              int
	kind                string
}

func main() {
	var s settings
	role := flag.String("role", "", "used by the command itself: cairn or echo")
	flag.IntVar(&s.services, "services", 1, "services; each query asks for another one")
	flag.IntVar(&s.instances, "instances", 8, "instances of each service")
	flag.IntVar(&s.writes, "writes", 0, "registrations a second meanwhile")
	flag.IntVar(&s.rounds, "rounds", 5, "how often each server has its turn")
	flag.DurationVar(&s.time, "time", time.Second, "length of a turn")
	flag.IntVar(&s.window, "window", 512, "queries in flight")
	flag.StringVar(&s.kind, "type", "A", "A, AAAA or SRV")
	profile := flag.String("profile", "", "file for a CPU profile of cairn's process")
	flag.Parse()
	var err error
	switch *role {
	case "":
		err = measure(s)
	case "cairn":
		err = serveCairn(s, *profile)
	case "echo":
		err = serveEcho(answerSize(s))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// pin keeps the calling thread, and what it starts, on one core.
func pin(core int) error { return pinThread(0, core) }

func pinThread(tid, core int) error {
	var set unix.CPUSet
	set.Set(core % runtime.NumCPU())
	return unix.SchedSetaffinity(tid, &set)
}

// server is a child process under test.
type server struct {
	name string
	cmd  *exec.Cmd
	port int
	dir  string    // to be removed in the end; may be empty
	rate []float64 // answers a second, by turn
	cpu  []float64 // µs of the server's CPU per answer
	lost int
}

func start(name string) (*server, error) {
	args := append([]string{"-role", name}, os.Args[1:]...)
	cmd := exec.Command(os.Args[0], args...)
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	srv := &server{name: name, cmd: cmd}
	if err := srv.startPinned(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("%s did not start: %w", name, err)
	}
	srv.port, err = strconv.Atoi(strings.TrimSpace(line))
	return srv, err
}

// startPinned starts the process on the first core, as the leader of a group.
func (s *server) startPinned() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return err
	}
	if err := pin(0); err != nil {
		return err
	}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return errors.Join(s.cmd.Start(), unix.SchedSetaffinity(0, &all))
}

// stop ends the process and what it started.
func (s *server) stop() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGINT)
	_ = s.cmd.Wait() // how it ends is of no importance
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// cpuTime is what all threads of the process, and of those that it started, have
// used so far.
func (s *server) cpuTime() (time.Duration, error) {
	var sum time.Duration
	tasks, err := filepath.Glob("/proc/[0-9]*/task/*/schedstat")
	if err != nil {
		return 0, err
	}
	for _, task := range tasks {
		pid, _ := strconv.Atoi(strings.Split(task, "/")[2])
		if group, err := unix.Getpgid(pid); err != nil || group != s.cmd.Process.Pid {
			continue
		}
		b, err := os.ReadFile(task)
		if err != nil {
			continue // the thread is gone
		}
		n, err := strconv.ParseInt(strings.Fields(string(b))[0], 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n)
	}
	return sum, nil
}

func measure(s settings) error {
	servers, err := startAll(s)
	defer func() {
		for _, srv := range servers {
			srv.stop()
		}
	}()
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	if err := pin(1); err != nil {
		return err
	}
	for round := range s.rounds + 1 {
		for _, srv := range servers {
			if err := srv.turn(s, round > 0); err != nil { // the first is to warm up
				return err
			}
		}
	}
	cairn := servers[0]
	for _, srv := range servers {
		fmt.Printf("%-6s %9.0f q/s  %6.3f µs CPU per query  lost %-6d  cairn has %.2f of its rate, %.2f of its CPU\n",
			srv.name, median(srv.rate), median(srv.cpu), srv.lost, median(cairn.rate)/median(srv.rate), median(cairn.cpu)/median(srv.cpu))
	}
	return nil
}

// startAll starts cairn, the echo, and the peers that are installed.
func startAll(s settings) (servers []*server, err error) {
	for _, name := range []string{"cairn", "echo"} {
		srv, err := start(name)
		if err != nil {
			return servers, err
		}
		servers = append(servers, srv)
	}
	for _, p := range peers {
		srv, err := p.start(s)
		if srv != nil {
			servers = append(servers, srv)
		}
		if err != nil {
			return servers, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return servers, nil
}

func (s *server) turn(set settings, count bool) error {
	before, err := s.cpuTime()
	if err != nil {
		return err
	}
	answers, lost, took, err := load(s.port, set)
	if err != nil {
		return err
	}
	after, err := s.cpuTime()
	if err != nil {
		return err
	}
	if count {
		s.rate = append(s.rate, float64(answers)/took.Seconds())
		s.cpu = append(s.cpu, float64((after-before).Nanoseconds())/1000/float64(answers))
		s.lost += lost
	}
	return nil
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}
