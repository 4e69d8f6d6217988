package config

import "strings"

// The values of Storage.Store.
const (
	StoreEmbedded = "embedded"
	StoreEtcd     = "etcd"
	storeCluster  = "cluster"
)

// Storage is where the registry is kept, and how the nodes that keep it find each
// other.
type Storage struct {
	// Store is where the registry is kept: embedded in files of this machine, in an
	// etcd that runs elsewhere, or in an etcd inside a cluster of nodes, which is not
	// supported yet.
	Store string `yaml:"store" check:"oneof=embedded etcd cluster" flag:"embedded|etcd|cluster" usage:"where the registry is kept: on this machine, in an etcd that runs elsewhere, or in an etcd inside a cluster of nodes (not supported yet)"`
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

// check refuses settings of one store together with another, and the stores that
// this version does not have.
func (s *Storage) check(k *checker) {
	if s.Store != StoreEtcd && len(s.EtcdEndpoints) > 0 {
		k.fail("etcd_endpoints", strings.Join(s.EtcdEndpoints, ","), "needs store etcd")
	}
	if s.Store == StoreEtcd && len(s.EtcdEndpoints) == 0 {
		k.fail("store", s.Store, "needs etcd_endpoints")
	}
	if s.Store != storeCluster && len(s.Join) > 0 {
		k.fail("join", strings.Join(s.Join, ","), "needs store cluster")
	}
	if s.Store == storeCluster {
		k.fail("store", s.Store, "is not supported yet; use embedded or etcd")
	}
}
