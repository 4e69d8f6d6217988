package main

import (
	"fmt"
	"math"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// figures are what happened in a span of time.
type figures struct {
	probes   map[string]float64
	cpu      time.Duration
	took     time.Duration
	lateness map[float64]uint64 // cumulative, by upper bound in seconds
	running  float64            // the most probes seen at a time
}

// watch measures for a time.
func watch(metrics prometheus.Gatherer, d time.Duration) figures {
	first, cpu, start := sample(metrics), cpuTime(), time.Now()
	most := 0.0
	for time.Since(start) < d {
		time.Sleep(100 * time.Millisecond)
		most = max(most, sample(metrics).running)
	}
	f := sample(metrics)
	f.cpu, f.took, f.running = cpuTime()-cpu, time.Since(start), most
	for k := range f.probes {
		f.probes[k] -= first.probes[k]
	}
	for k := range f.lateness {
		f.lateness[k] -= first.lateness[k]
	}
	return f
}

func sample(metrics prometheus.Gatherer) figures {
	f := figures{probes: map[string]float64{}, lateness: map[float64]uint64{}}
	families, err := metrics.Gather()
	if err != nil {
		panic(err) // the prober's own metrics
	}
	for _, family := range families {
		for _, m := range family.Metric {
			f.add(family.GetName(), m)
		}
	}
	return f
}

func (f *figures) add(name string, m *dto.Metric) {
	switch name {
	case "cairn_health_probes_total":
		f.probes[m.Label[0].GetValue()] = m.Counter.GetValue()
	case "cairn_health_probes_running":
		f.running = m.Gauge.GetValue()
	case "cairn_health_lateness_seconds":
		for _, b := range m.Histogram.Bucket {
			f.lateness[b.GetUpperBound()] = b.GetCumulativeCount()
		}
		f.lateness[math.Inf(1)] = m.Histogram.GetSampleCount()
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// quantile is the least bucket bound that holds a share of the probes.
func (f figures) quantile(q float64) string {
	all := f.lateness[math.Inf(1)]
	best := math.Inf(1)
	for bound, n := range f.lateness {
		if float64(n) >= q*float64(all) {
			best = min(best, bound)
		}
	}
	if math.IsInf(best, 1) {
		return "more"
	}
	return "≤ " + time.Duration(best*float64(time.Second)).String()
}

func report(o options, f figures) {
	total := 0.0
	for _, n := range f.probes {
		total += n
	}
	fmt.Printf("probes per second       %.0f of %.0f\n", total/f.took.Seconds(), float64(o.checks)/o.interval.Seconds())
	fmt.Printf("CPU                     %.1f %% of a core, %.0f µs per probe\n", 100*f.cpu.Seconds()/f.took.Seconds(), f.cpu.Seconds()/total*1e6)
	fmt.Printf("most probes at a time   %.0f\n", f.running)
	fmt.Printf("lateness p50, p99, max  %s, %s, %s\n", f.quantile(0.5), f.quantile(0.99), f.quantile(1))
	for outcome, n := range f.probes {
		if n > 0 {
			fmt.Printf("  %-20s  %.0f\n", outcome, n)
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "VmRSS") || strings.HasPrefix(line, "VmHWM") {
			fmt.Print(line)
		}
	}
}
