package cloudmap

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// defaultDiscoverResults is how many instances DiscoverInstances returns where
// MaxResults is left out.
const defaultDiscoverResults = 100

// matches are reused: a discovery allocates nothing for its candidates.
var matches = sync.Pool{New: func() any { return new([]*registry.Instance) }}

// DiscoverInstances returns instances of a service in random order. The answer
// is put together from what was encoded when the instances changed.
func (a *api) DiscoverInstances(_ context.Context, c *service.Call, in *DiscoverInstancesRequest, out []byte) ([]byte, error) {
	svc, err := discoverable(c, *in.NamespaceName, *in.ServiceName, in.OwnerAccount)
	if err != nil {
		return out, err
	}
	q := registry.Query{Parameters: in.QueryParameters, Optional: in.OptionalParameters}
	if in.HealthStatus != nil {
		q.Health = registry.HealthFilter(*in.HealthStatus)
	}
	buf := matches.Get().(*[]*registry.Instance)
	defer func() {
		clear(*buf)
		matches.Put(buf)
	}()
	*buf = svc.Discover(&q, (*buf)[:0])
	limit := defaultDiscoverResults
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	return appendDiscovered(out, svc, pick(*buf, limit)), nil
}

// pick moves a random selection of at most n, in random order, to the front.
func pick(found []*registry.Instance, n int) []*registry.Instance {
	n = min(n, len(found))
	for i := range n {
		j := i + rand.IntN(len(found)-i)
		found[i], found[j] = found[j], found[i]
	}
	return found[:n]
}

func appendDiscovered(out []byte, svc *registry.Service, found []*registry.Instance) []byte {
	out = append(out, `{"Instances":[`...)
	for i, inst := range found {
		if i > 0 {
			out = append(out, ',')
		}
		out = svc.AppendSummary(out, inst)
	}
	out = append(out, `],"InstancesRevision":`...)
	out = strconv.AppendUint(out, svc.InstancesRevision(), 10)
	return append(out, '}')
}

// DiscoverInstancesRevision returns the number that rises when instances come
// or go.
func (a *api) DiscoverInstancesRevision(_ context.Context, c *service.Call, in *DiscoverInstancesRevisionRequest, out []byte) ([]byte, error) {
	svc, err := discoverable(c, *in.NamespaceName, *in.ServiceName, in.OwnerAccount)
	if err != nil {
		return out, err
	}
	out = append(out, `{"InstancesRevision":`...)
	out = strconv.AppendUint(out, svc.InstancesRevision(), 10)
	return append(out, '}'), nil
}

func discoverable(c *service.Call, namespace, service string, owner *string) (*registry.Service, error) {
	return c.State.Registry.FindForDiscovery(&c.Rules.Registry, c.Account, c.Owner(owner), namespace, service)
}
