package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
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
	files    int                // the most open files seen, sockets nearly all
	routines int                // the most goroutines seen
	rates    []float64          // probes that ended in each second
}

// watch measures for a time.
func watch(metrics prometheus.Gatherer, d time.Duration) figures {
	first, cpu, start := sample(metrics), cpuTime(), time.Now()
	var most figures
	last, ended := start, first.total()
	for time.Since(start) < d {
		time.Sleep(100 * time.Millisecond)
		now := sample(metrics)
		most.running = max(most.running, now.running)
		most.files, most.routines = max(most.files, openFiles()), max(most.routines, runtime.NumGoroutine())
		if past := time.Since(last); past >= time.Second {
			most.rates = append(most.rates, (now.total()-ended)/past.Seconds())
			last, ended = time.Now(), now.total()
		}
	}
	f := sample(metrics)
	f.cpu, f.took, f.running, f.files, f.routines, f.rates = cpuTime()-cpu, time.Since(start), most.running, most.files, most.routines, most.rates
	for k := range f.probes {
		f.probes[k] -= first.probes[k]
	}
	for k := range f.lateness {
		f.lateness[k] -= first.lateness[k]
	}
	return f
}

// total is how many probes have ended.
func (f figures) total() (n float64) {
	for _, k := range f.probes {
		n += k
	}
	return n
}

func openFiles() int {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0 // not Linux
	}
	return len(files)
}

// spread is the coefficient of variation of the rates: their standard deviation
// by their mean.
func (f figures) spread() float64 {
	sum, squares := 0.0, 0.0
	for _, r := range f.rates {
		sum, squares = sum+r, squares+r*r
	}
	n := float64(len(f.rates))
	mean := sum / n
	return math.Sqrt(max(squares/n-mean*mean, 0)) / mean
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
	total := f.total()
	fmt.Printf("probes per second       %.0f of %.0f, from %.0f to %.0f, coefficient of variation %.3f\n", total/f.took.Seconds(),
		float64(o.checks)/o.interval.Seconds(), slices.Min(f.rates), slices.Max(f.rates), f.spread())
	fmt.Printf("CPU                     %.1f %% of a core, %.0f µs per probe\n", 100*f.cpu.Seconds()/f.took.Seconds(), f.cpu.Seconds()/total*1e6)
	fmt.Printf("most at a time          %.0f probes, %d goroutines, %d open files\n", f.running, f.routines, f.files)
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
