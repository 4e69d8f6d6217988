package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/replica"
)

const account command.AccountID = "000000000000"

// register fills the registry. The first services are those that hang.
func register(ctx context.Context, rep *replica.Replica, o options, b *backends) error {
	if _, err := rep.Propose(ctx, account, &registry.CreateNamespace{Type: registry.HTTP, Name: "bench"}); err != nil {
		return err
	}
	var ns string
	for id := range rep.Current().Registry.Namespaces(account, "") {
		ns = string(id)
	}
	hanging := int(o.hang * float64(o.services))
	for i := range o.services {
		addrs := b.good
		if i < hanging {
			addrs = b.hanging
		}
		if err := registerService(ctx, rep, o, ns, i, addrs); err != nil {
			return err
		}
	}
	return nil
}

func registerService(ctx context.Context, rep *replica.Replica, o options, ns string, i int, addrs []address) error {
	check := &registry.HealthCheck{Type: registry.HealthCheckType(o.kind), FailureThreshold: 3}
	reply, err := rep.Propose(ctx, account, &registry.CreateService{Name: fmt.Sprint("s", i), NamespaceRef: ns, HealthCheck: check})
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make(chan error, o.checks)
	turn := make(chan struct{}, 256)
	for j := i; j < o.checks; j += o.services {
		turn <- struct{}{}
		wg.Go(func() {
			defer func() { <-turn }()
			a := addrs[j%len(addrs)]
			_, err := rep.Propose(ctx, account, &registry.RegisterInstance{ServiceRef: string(reply.Value.(*registry.Service).ID), ID: registry.InstanceID("i-" + strconv.Itoa(j)),
				Attributes: map[string]string{registry.AttrIPv4: a.IP, registry.AttrPort: strconv.Itoa(a.Port)}})
			if err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}
