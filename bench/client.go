//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/cairn-discovery/cairn/bench/server"
)

// load is what a turn of requests came to.
type load struct {
	rate float64 // requests per second
	cpu  float64 // microseconds of the server per request
}

// request is the bytes of one call of the API.
func request(operation, body string) []byte {
	return fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n"+
		"Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: Route53AutoNaming_v20170314.%s\r\n"+
		"X-Amz-Date: 20260101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/us-east-1/servicediscovery/aws4_request, "+
		"SignedHeaders=host;x-amz-date;x-amz-target, Signature=0000000000000000000000000000000000000000000000000000000000000000\r\n"+
		"Content-Length: %d\r\n\r\n%s", operation, len(body), body)
}

// drive sends requests on a number of connections for a time and measures the
// server. next gives the n-th request of a connection; it must be answered 200.
func drive(ctx context.Context, p *process, clients int, period time.Duration, next func(client, n int) []byte) (load, error) {
	ctx, cancel := context.WithTimeout(ctx, period)
	defer cancel()
	counts, errs := make([]int, clients), make([]error, clients)
	before, start := server.CPU(p.cmd.Process.Pid), time.Now()
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			counts[i], errs[i] = driveOne(ctx, p.addr, func(n int) []byte { return next(i, n) })
		})
	}
	wg.Wait()
	took, cpu := time.Since(start), server.CPU(p.cmd.Process.Pid)-before
	total := 0
	for _, n := range counts {
		total += n
	}
	if err := errors.Join(errs...); err != nil || total == 0 {
		return load{}, fmt.Errorf("%d requests answered: %w", total, err)
	}
	return load{float64(total) / took.Seconds(), cpu.Seconds() * 1e6 / float64(total)}, nil
}

func driveOne(ctx context.Context, addr string, next func(n int) []byte) (int, error) {
	c, err := server.Dial(addr)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	n := 0
	for ctx.Err() == nil {
		if _, err := c.Call(next(n)); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// once makes a single call on a connection of its own.
func once(addr, operation, body string) ([]byte, error) {
	c, err := server.Dial(addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Call(request(operation, body))
}

// get fetches a page of cairn's admin listener.
func (p *process) get(path string) ([]byte, error) {
	resp, err := http.Get("http://" + p.admin + path)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// metric returns the value of a metric without labels, or 0.
func (p *process) metric(name string) float64 {
	page, err := p.get("/metrics")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(page) {
		if value, ok := bytes.CutPrefix(line, []byte(name+" ")); ok {
			v, _ := strconv.ParseFloat(string(bytes.TrimSpace(value)), 64)
			return v
		}
	}
	return 0
}
