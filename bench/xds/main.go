// Command xds measures what a change of one instance costs an xDS server: cairn, and the
// snapshot cache of go-control-plane with the same streams and the same change.
//
//	go run ./bench/xds [-streams 1000] [-services 1000] [-endpoints 10] [-changes 50]
//
// Each server is a process of its own, so that its processor time and memory are not
// those of the clients. It prints the processor time of a change for each stream that is
// interested, of a change that nobody is interested in, the memory of a stream, and the
// time until the last client has the change.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

type size struct{ streams, services, endpoints, changes int }

func main() {
	var s size
	var role string
	flag.IntVar(&s.streams, "streams", 1000, "streams")
	flag.IntVar(&s.services, "services", 1000, "services")
	flag.IntVar(&s.endpoints, "endpoints", 10, "instances of each service")
	flag.IntVar(&s.changes, "changes", 50, "changes of each kind")
	flag.StringVar(&role, "serve", "", "used by the program itself: which server to run")
	flag.Parse()
	err := func() error {
		if role != "" {
			return serve(role, s)
		}
		return compare(s)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// compare measures both servers and prints the ratio.
func compare(s size) error {
	var cost [2]float64
	for i, role := range []string{"cairn", "go-control-plane"} {
		r, err := measure(role, s)
		if err != nil {
			return fmt.Errorf("%s: %w", role, err)
		}
		cost[i] = r.perStream
		fmt.Printf("%-17s %7.1f µs of CPU for each interested stream, %7.1f µs for a change that nobody follows, %5.1f kB for each stream, last of %d streams after p50 %.0f ms, p99 %.0f ms\n",
			role, r.perStream, r.others, r.memory, s.streams, r.p50, r.p99)
	}
	fmt.Printf("go-control-plane / cairn: %.1f\n", cost[1]/cost[0])
	return nil
}

type result struct{ perStream, others, memory, p50, p99 float64 }

// peer is a server in a process of its own.
type peer struct {
	cmd  *exec.Cmd
	in   *bufio.Writer
	out  *bufio.Reader
	addr string
}

func startPeer(role string, s size) (*peer, error) {
	cmd := exec.Command(os.Args[0], "-serve", role, "-services", fmt.Sprint(s.services), "-endpoints", fmt.Sprint(s.endpoints), "-streams", fmt.Sprint(s.streams))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &peer{cmd, bufio.NewWriter(in), bufio.NewReader(out), ""}
	line, err := p.out.ReadString('\n')
	p.addr = strings.TrimSpace(line)
	return p, err
}

// ask sends a command and returns the numbers of the answer.
func (p *peer) ask(command string) (a, b float64, err error) {
	fmt.Fprintln(p.in, command)
	if err := p.in.Flush(); err != nil {
		return 0, 0, err
	}
	_, err = fmt.Fscanln(p.out, &a, &b)
	return a, b, err
}

// measure runs all streams against one server.
func measure(role string, s size) (r result, err error) {
	p, err := startPeer(role, s)
	if err != nil {
		return r, err
	}
	defer func() { _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() }()
	_, before, err := p.ask("memory")
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	clients := newFleet(s.streams)
	defer clients.wait.Wait()
	defer cancel()
	if err := clients.start(ctx, p.addr, s); err != nil {
		return r, err
	}
	clients.until(s.streams, 1)
	_, after, err := p.ask("memory")
	if err != nil {
		return r, err
	}
	r.memory = (after - before) / 1024 / float64(s.streams)
	cpu, _, err := p.ask("usage")
	if err != nil {
		return r, err
	}
	var delays []float64
	for i := range s.changes {
		start := time.Now()
		if _, _, err := p.ask("change"); err != nil {
			return r, err
		}
		clients.until(s.streams, i+2)
		delays = append(delays, float64(time.Since(start).Microseconds())/1000)
	}
	next, _, err := p.ask("usage")
	if err != nil {
		return r, err
	}
	r.perStream = (next - cpu) / float64(s.changes*s.streams)
	for range s.changes {
		if _, _, err := p.ask("other"); err != nil {
			return r, err
		}
	}
	time.Sleep(time.Second) // a server may answer later
	last, _, err := p.ask("usage")
	r.others = (last - next) / float64(s.changes)
	slices.Sort(delays)
	r.p50, r.p99 = delays[len(delays)/2], delays[len(delays)*99/100]
	return r, err
}

// fleet is many clients that count the answers with the service that changes.
type fleet struct {
	mu    sync.Mutex
	more  *sync.Cond
	got   []int // answers of each client
	wait  sync.WaitGroup
	error error
}

func newFleet(n int) *fleet {
	f := &fleet{got: make([]int, n)}
	f.more = sync.NewCond(&f.mu)
	return f
}

// until waits until all clients have had a number of answers.
func (f *fleet) until(streams, answers int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		n := 0
		for _, got := range f.got {
			if got >= answers {
				n++
			}
		}
		if n == streams || f.error != nil {
			return
		}
		f.more.Wait()
	}
}

// start connects each client by a connection of its own. It subscribes to ten services,
// of which the first is the same for all.
func (f *fleet) start(ctx context.Context, addr string, s size) error {
	for i := range s.streams {
		conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return err
		}
		stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(ctx)
		if err != nil {
			return err
		}
		names := []string{serviceName(0)}
		for j := range 9 {
			names = append(names, serviceName(1+(i*9+j)%(s.services-2)))
		}
		f.wait.Go(func() {
			defer conn.Close()
			if err := f.follow(i, stream, names); ctx.Err() == nil {
				f.mu.Lock()
				f.error = err
				f.mu.Unlock()
				f.more.Broadcast()
			}
		})
	}
	return nil
}

func (f *fleet) follow(i int, stream discoveryv3.AggregatedDiscoveryService_StreamAggregatedResourcesClient, names []string) error {
	r := &discoveryv3.DiscoveryRequest{Node: &corev3.Node{Id: "proxy"}, TypeUrl: resource.Endpoints.URL(), ResourceNames: names}
	for {
		if err := stream.Send(r); err != nil {
			return err
		}
		answer, err := stream.Recv()
		if err != nil {
			return err
		}
		r = &discoveryv3.DiscoveryRequest{TypeUrl: answer.TypeUrl, VersionInfo: answer.VersionInfo, ResponseNonce: answer.Nonce, ResourceNames: names}
		f.mu.Lock()
		f.got[i]++
		f.mu.Unlock()
		f.more.Broadcast()
	}
}

func serviceName(i int) string { return fmt.Sprintf("s%d.shop", i) }
