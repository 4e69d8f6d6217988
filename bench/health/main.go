// Command health measures what health checks cost: CPU and memory of the prober,
// and how late its probes begin. Backends run in a process of their own, on
// loopback addresses; a share of them hangs.
//
//	go run ./bench/health                       # 5,000 checks for ten seconds
//	go run ./bench/health -checks 100000 -interval 30s -time 60s -hang 0.1
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store/memory"
	"github.com/cairn-discovery/cairn/worker/prober"
)

type options struct {
	checks, services int
	interval, time   time.Duration
	hang             float64
	kind             string
}

func main() {
	var o options
	backends := flag.Bool("backends", false, "run the backends; the benchmark starts itself so")
	flag.IntVar(&o.checks, "checks", 5000, "how many checks")
	flag.IntVar(&o.services, "services", 100, "over how many services they are spread")
	flag.DurationVar(&o.interval, "interval", 5*time.Second, "between two probes of an instance")
	flag.DurationVar(&o.time, "time", 10*time.Second, "how long to measure, after one interval")
	flag.Float64Var(&o.hang, "hang", 0, "share of the services whose backends accept and never answer")
	flag.StringVar(&o.kind, "type", "HTTP", "HTTP or TCP")
	flag.Parse()
	var err error
	if *backends {
		err = serveBackends()
	} else {
		err = measure(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/health:", err)
		os.Exit(1)
	}
}

func measure(o options) error {
	b, err := startBackends()
	if err != nil {
		return err
	}
	defer b.stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	log := slog.New(slog.DiscardHandler)
	// Strict: instances are healthy from the beginning, so that the steady state
	// can be measured without waiting for first verdicts.
	rules := func() *state.Rules { return &state.Rules{Registry: registry.Rules{Region: "us-east-1", Strict: true}} }
	rep, err := replica.New(replica.Config{Store: memory.New(), Rules: rules, Logger: log})
	if err != nil {
		return err
	}
	done := make(chan error, 2)
	go func() { done <- rep.Run(ctx) }()
	<-rep.Loaded()
	if err := register(ctx, rep, o, b); err != nil {
		return err
	}
	metrics := prometheus.NewRegistry()
	p, err := prober.New(prober.Config{Replica: rep, Logger: log, Registerer: metrics,
		Interval: o.interval, InitialInterval: time.Second})
	if err != nil {
		return err
	}
	before := heap()
	go func() { done <- p.Run(ctx) }()
	p.Reports(ctx, "") // answered once all checks are known
	fmt.Printf("%d checks in %d services, every %v, %.0f %% hanging\n", o.checks, o.services, o.interval, 100*o.hang)
	fmt.Printf("memory per check        %d bytes\n", (int64(heap())-int64(before))/int64(o.checks))
	time.Sleep(o.interval)
	report(o, watch(metrics, o.time))
	cancel()
	<-done
	return <-done
}

// heap is what is alive.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
