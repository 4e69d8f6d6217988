//go:build linux

// Command bench measures cairn against limits and plain peers on this machine
// and prints ratios. Absolute figures drift from day to day and machine to
// machine; what is taken in one interleaved run, in turns, can be compared.
//
//	go run ./bench            # all of it, three to four minutes
//	go run ./bench -short     # a look, half a minute
//	go run ./bench -run load  # one section
//
// Servers run as processes of their own, pinned to one processor; the client
// has the others. "cpu" is the server's processor time per request and the
// steadier figure, "rate" is requests per second.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"time"
)

// run is one call of the program.
type run struct {
	ctx   context.Context
	short bool
	dir   string // for data and the binary; removed at the end
	cairn string // the binary
	report
}

// sections are measured in this order.
var sections = []struct {
	name, title string
	measure     func(*run) error
}{
	{"discover", "DiscoverInstances against net/http returning the same bytes", measureDiscover},
	{"register", "RegisterInstance, durable, against the same disk", measureRegister},
	{"commit", "Commits of store/embedded against the append limit", measureCommit},
	{"scale", "Cost of a write by size of registry and service", measureScale},
	{"load", "Restart with many instances", measureLoad},
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == peerArg {
		os.Exit(servePeer(os.Args[2:]))
	}
	short := flag.Bool("short", false, "a tenth of the work: shows orders of magnitude")
	only := flag.String("run", "", "measure only the sections that match `REGEXP`")
	out := flag.String("json", "", "write the results to `FILE` as JSON")
	flag.Parse()
	if err := bench(*short, *only, *out); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(short bool, only, out string) (err error) {
	pattern, err := regexp.Compile(only)
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
	r := &run{ctx: ctx, short: short, dir: dir}
	if r.cairn, err = buildCairn(ctx, dir); err != nil {
		return err
	}
	for _, s := range sections {
		if !pattern.MatchString(s.name) {
			continue
		}
		r.begin(s.name, s.title)
		if err := s.measure(r); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		r.print(os.Stdout)
	}
	if out == "" {
		return nil
	}
	return r.writeJSON(out)
}

// period is how long one turn of a measurement takes.
func (r *run) period() time.Duration {
	if r.short {
		return 300 * time.Millisecond
	}
	return 600 * time.Millisecond
}

// turns is how often each side of a comparison is measured.
func (r *run) turns() int {
	if r.short {
		return 1
	}
	return 5
}
