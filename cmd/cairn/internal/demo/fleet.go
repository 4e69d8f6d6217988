package demo

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"
)

// fleet runs the instances of the shop.
type fleet interface {
	// name says how the instances run.
	name() string
	// port is where instances listen, each on its own address.
	port() int
	// scale starts or stops instances of a service until n are registered.
	scale(ctx context.Context, s service, n int) error
	// close ends all instances.
	close(ctx context.Context) error
}

// localFleet runs instances within this process, each on its own loopback address, and
// registers them through the API. It needs no privileges.
type localFleet struct {
	api      *api
	dns      string
	services map[string]string // ids of the Cloud Map services, by name
	number   int               // the port

	next      int // of the loopback address
	running   map[string][]*localInstance
	instances sync.WaitGroup
}

// localInstance is an instance of a localFleet.
type localInstance struct {
	id   string
	stop context.CancelFunc
}

// newLocalFleet finds a free port.
func newLocalFleet(a *api, dns string, services map[string]string) (*localFleet, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return &localFleet{api: a, dns: dns, services: services, number: portOf(l), running: map[string][]*localInstance{}}, nil
}

func (f *localFleet) name() string {
	return "within this process, on loopback addresses (as root on Linux they are tasks of ECS)"
}

func (f *localFleet) port() int { return f.number }

func (f *localFleet) scale(ctx context.Context, s service, n int) error {
	for len(f.running[s.name]) < n {
		if err := f.start(ctx, s); err != nil {
			return err
		}
	}
	return f.stop(ctx, s.name, f.running[s.name][n:])
}

// start starts an instance and registers it once it listens.
func (f *localFleet) start(ctx context.Context, s service) error {
	f.next++
	ip := fmt.Sprintf("127.83.%d.%d", f.next/250, 1+f.next%250)
	l, err := net.Listen("tcp", listenAddress(ip, f.number))
	if err != nil {
		return err
	}
	b := &backend{service: s, id: fmt.Sprintf("%s-%d", s.name, f.next), finder: newFinder(f.dns, f.api.endpoint, f.number)}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	f.instances.Go(func() { _ = b.serve(running, l) }) // its clients notice errors
	f.running[s.name] = append(f.running[s.name], &localInstance{b.id, stop})
	return f.api.call(ctx, cloudMap+"RegisterInstance", object{
		"ServiceId": f.services[s.name], "InstanceId": b.id, "CreatorRequestId": b.id,
		"Attributes": object{"AWS_INSTANCE_IPV4": ip, "AWS_INSTANCE_PORT": strconv.Itoa(f.number)},
	}, nil)
}

// stop takes instances out of the registry, waits until no client that honours TTLs
// uses them, and ends them.
func (f *localFleet) stop(ctx context.Context, service string, instances []*localInstance) error {
	if len(instances) == 0 {
		return nil
	}
	for _, i := range instances {
		if err := f.api.call(ctx, cloudMap+"DeregisterInstance", object{"ServiceId": f.services[service], "InstanceId": i.id}, nil); err != nil {
			return err
		}
	}
	f.running[service] = f.running[service][:len(f.running[service])-len(instances)]
	if err := sleep(ctx, ttl+time.Second); err != nil {
		return err
	}
	for _, i := range instances {
		i.stop()
	}
	return nil
}

func (f *localFleet) close(context.Context) error {
	for _, all := range f.running {
		for _, i := range all {
			i.stop()
		}
	}
	f.instances.Wait()
	return nil
}
