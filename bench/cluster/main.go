//go:build linux

// Command cluster measures nodes that share an etcd: writes against raw puts of etcd,
// the time from one node to another, reads, and the start with many instances. It needs
// etcd in PATH, such as Debian's etcd-server.
//
//	go run ./bench/cluster                    # all of it, some minutes
//	go run ./bench/cluster -run writes -short
//
// What is compared takes turns in one run, so that what else the machine does meets both
// alike. Only ratios mean something on another machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// run is one call of the program.
type run struct {
	ctx       context.Context
	dir       string // for data and the binary; removed at the end
	cairn     string // the binary
	turn      time.Duration
	turns     int
	instances int
	cases     *regexp.Regexp // of the section writes
}

var sections = []struct {
	name    string
	measure func(*run) error
}{
	{"writes", measureWrites},
	{"propagation", measurePropagation},
	{"reads", measureReads},
	{"start", measureStart},
}

func main() {
	short := flag.Bool("short", false, "short turns: shows orders of magnitude")
	only := flag.String("run", "", "measure only the sections that match `REGEXP`")
	instances := flag.Int("instances", 1_000_000, "instances for the section start")
	binary := flag.String("cairn", "", "`FILE` of the program; empty: it is built")
	cases := flag.String("case", "", "measure only the cases of the section writes that match `REGEXP`")
	flag.Parse()
	if err := bench(*short, *only, *cases, *instances, *binary); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(short bool, only, cases string, instances int, binary string) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	casePattern, err := regexp.Compile(cases)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir, err := os.MkdirTemp("", "cairn-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r := &run{ctx: ctx, dir: dir, cairn: binary, turn: 2 * time.Second, turns: 5, instances: instances, cases: casePattern}
	if short {
		r.turn, r.turns = time.Second, 2
	}
	if binary == "" {
		r.cairn = filepath.Join(dir, "cairn")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", r.cairn, "./cmd/cairn").CombinedOutput(); err != nil {
			return fmt.Errorf("build cairn: %w\n%s", err, out)
		}
	}
	for _, s := range sections {
		if !pattern.MatchString(s.name) {
			continue
		}
		fmt.Println(s.name)
		if err := s.measure(r); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// compare prints the medians of two sides and their ratio.
func compare(what string, cairn []float64, other string, others []float64) {
	c, o := median(cairn), median(others)
	fmt.Printf("  %-44s %8.0f/s  %s %8.0f/s  ratio %.2f\n", what, c, other, o, c/o)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
