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

// The checks that hang are those of another account.
const (
	account        command.AccountID = "000000000000"
	hangingAccount command.AccountID = "111111111111"
)

// register fills the registry. The first services are those that hang.
func register(ctx context.Context, rep *replica.Replica, o options, b *backends) error {
	namespaces := map[command.AccountID]string{}
	for _, a := range []command.AccountID{account, hangingAccount} {
		if _, err := rep.Propose(ctx, a, &registry.CreateNamespace{Type: registry.HTTP, Name: "bench"}); err != nil {
			return err
		}
		for id := range rep.Current().Registry.Namespaces(a, "") {
			namespaces[a] = string(id)
		}
	}
	hanging := int(o.hang * float64(o.services))
	for i := range o.services {
		owner, addrs := account, b.good
		if i < hanging {
			owner, addrs = hangingAccount, b.hanging
		}
		if err := registerService(ctx, rep, o, owner, namespaces[owner], i, addrs); err != nil {
			return err
		}
	}
	return nil
}

func registerService(ctx context.Context, rep *replica.Replica, o options, owner command.AccountID, ns string, i int, addrs []address) error {
	check := &registry.HealthCheck{Type: registry.HealthCheckType(o.kind), FailureThreshold: 3}
	reply, err := rep.Propose(ctx, owner, &registry.CreateService{Name: fmt.Sprint("s", i), NamespaceRef: ns, HealthCheck: check})
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make(chan error, o.checks)
	slots := make(chan struct{}, 256)
	for j := i; j < o.checks; j += o.services {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			a := addrs[j%len(addrs)]
			_, err := rep.Propose(ctx, owner, &registry.RegisterInstance{ServiceRef: string(reply.Value.(*registry.Service).ID), ID: registry.InstanceID("i-" + strconv.Itoa(j)),
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
