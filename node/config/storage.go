package config

import "strings"

// The values of Storage.Store.
const (
	StoreEmbedded = "embedded"
	StoreEtcd     = "etcd"
	StoreCluster  = "cluster"
)

// Storage is where the registry is kept, and how the nodes that keep it find each
// other.
type Storage struct {
	// Store is where the registry is kept: embedded in files of this machine, in an
	// etcd that runs elsewhere, or in a cluster of nodes that have an etcd inside.
	Store string `yaml:"store" check:"oneof=embedded etcd cluster" flag:"embedded|etcd|cluster" usage:"where the registry is kept: on this machine, in an etcd that runs elsewhere, or in an etcd inside a cluster of nodes"`
	// EtcdEndpoints are the URLs of an etcd that runs elsewhere. Only with store
	// etcd.
	EtcdEndpoints []string `yaml:"etcd_endpoints" check:"url" flag:"URL,..." usage:"with --store etcd: the etcd's client URLs"`
	// EtcdPrefix is put before every key, so that several clusters can share one
	// etcd. Only with store etcd.
	EtcdPrefix string `yaml:"etcd_prefix" check:"notempty" flag:"KEY" usage:"with --store etcd: put before every key, so that clusters can share one etcd"`
	// ClusterAddr is where the other nodes reach this one. Only with store
	// cluster.
	ClusterAddr string `yaml:"cluster_addr" check:"listen" flag:"HOST:PORT" usage:"with --store cluster: where the other nodes reach this one"`
	// Join are the cluster addresses of nodes that already run. None starts a new
	// cluster. Only with store cluster.
	Join []string `yaml:"join" check:"listen" flag:"HOST:PORT,..." usage:"with --store cluster: cluster addresses of nodes already there; none starts a new cluster"`
	// Upstream is the URL of the admin listener of a node to follow. This node then has
	// no store, answers reads and DNS from a copy of the state of that node, and refuses
	// writes. It runs no health checks and no tasks.
	Upstream string `yaml:"upstream" check:"url?" flag:"URL" usage:"follow the node with this admin listener: answer reads and DNS, refuse writes, need no store"`
	// UpstreamTokenFile has the admin token of the node to follow. Empty: it needs none.
	UpstreamTokenFile string `yaml:"upstream_token_file" path:"file"`
	// UpstreamCAFile has the certificate authorities of the node to follow, in PEM.
	// Empty: those of the system.
	UpstreamCAFile string `yaml:"upstream_ca_file" path:"file"`
	// NodeName is this node's name, unique in a cluster. Empty means the host
	// name.
	NodeName string `yaml:"node_name" check:"node_name" flag:"NAME" usage:"this node's name, unique in a cluster (default: the host name)"`
}

// Shared reports whether several nodes use the store.
func (s *Storage) Shared() bool { return s.Store != StoreEmbedded }

func defaultStorage() Storage {
	return Storage{
		Store:       StoreEmbedded,
		EtcdPrefix:  "/cairn/",
		ClusterAddr: "127.0.0.1:8057",
	}
}

// check refuses settings of one store together with another.
func (s *Storage) check(k *checker) {
	if s.Upstream != "" && s.Store != StoreEmbedded {
		k.fail("upstream", s.Upstream, "cannot be used with store "+s.Store)
	}
	if s.Upstream == "" && s.UpstreamTokenFile+s.UpstreamCAFile != "" {
		k.fail("upstream_token_file", s.UpstreamTokenFile, "and upstream_ca_file need upstream")
	}
	if s.Store != StoreEtcd && len(s.EtcdEndpoints) > 0 {
		k.fail("etcd_endpoints", strings.Join(s.EtcdEndpoints, ","), "needs store etcd")
	}
	if s.Store == StoreEtcd && len(s.EtcdEndpoints) == 0 {
		k.fail("store", s.Store, "needs etcd_endpoints")
	}
	if s.Store != StoreCluster && len(s.Join) > 0 {
		k.fail("join", strings.Join(s.Join, ","), "needs store cluster")
	}
}

// UpstreamToken returns the admin token of the node to follow. It is empty without one.
func (s *Storage) UpstreamToken() (string, error) {
	if s.UpstreamTokenFile == "" {
		return "", nil
	}
	return readSecretFile(s.UpstreamTokenFile)
}
