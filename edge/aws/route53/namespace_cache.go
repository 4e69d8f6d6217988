package route53

import (
	"sync"

	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/registry"
)

// namespaceCache keeps the record sets of services, so that the cost of a page of a
// namespace's zone depends on the page and not on the zone. An entry is used only for the
// same pointer to a namespace or service that it was made from. It is safe for concurrent
// use.
type namespaceCache struct {
	mu       sync.Mutex
	services map[registry.ServiceID]cachedService
	counts   map[registry.NamespaceID]cachedCount
	total    int // record sets in services
}

type cachedService struct {
	svc  *registry.Service
	sets *hostedzone.ServiceSets
}

type cachedCount struct {
	ns *registry.Namespace
	n  int64
}

// Bounds of what is kept: record sets, and counts of zones. When one is reached, all are
// dropped.
const (
	maxCachedSets   = 1 << 18
	maxCachedCounts = 1 << 12
)

func newNamespaceCache() *namespaceCache {
	return &namespaceCache{services: map[registry.ServiceID]cachedService{}, counts: map[registry.NamespaceID]cachedCount{}}
}

// zone returns the zone of a namespace.
func (n *namespaceCache) zone(ns *registry.Namespace, r *hostedzone.Rules) *hostedzone.NamespaceZone {
	return hostedzone.NewNamespaceZone(ns, r, func(svc *registry.Service) *hostedzone.ServiceSets {
		n.mu.Lock()
		have := n.services[svc.ID]
		n.mu.Unlock()
		if have.svc == svc {
			return have.sets
		}
		made := cachedService{svc, hostedzone.SetsOfService(ns, svc)}
		n.keep(made)
		return made.sets
	})
}

func (n *namespaceCache) keep(made cachedService) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if old, ok := n.services[made.svc.ID]; ok {
		n.total -= old.sets.Len() + 1
		delete(n.services, made.svc.ID)
	}
	size := made.sets.Len() + 1
	if size > maxCachedSets {
		return
	}
	if n.total+size > maxCachedSets {
		clear(n.services)
		n.total = 0
	}
	n.services[made.svc.ID] = made
	n.total += size
}

// count returns the number of record sets in the zone of a namespace.
func (n *namespaceCache) count(ns *registry.Namespace, r *hostedzone.Rules) int64 {
	n.mu.Lock()
	have := n.counts[ns.ID]
	n.mu.Unlock()
	if have.ns == ns {
		return have.n
	}
	made := cachedCount{ns, int64(n.zone(ns, r).Len())}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.counts) >= maxCachedCounts {
		clear(n.counts)
	}
	n.counts[ns.ID] = made
	return made.n
}
