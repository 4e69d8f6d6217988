package config

import "net"

// Cluster is how the nodes of a cluster speak to each other. cluster_addr, join and
// node_name are beside it. Without certificates, cluster_addr must be a loopback address:
// who reaches it can read and change everything.
type Cluster struct {
	// ClientAddr is where nodes that join ask to be added, as HOST:PORT. Empty means
	// the host of cluster_addr and a free port; give it where a firewall needs to know.
	ClientAddr string `yaml:"client_addr"`
	// CertFile is the certificate of this node, in PEM, for both sides of a
	// connection: it needs the host of cluster_addr as a name.
	CertFile string `yaml:"cert_file" path:"file"`
	// KeyFile is the private key of cert_file, in PEM.
	KeyFile string `yaml:"key_file" path:"file"`
	// CAFile has the authority that signs the certificates of all nodes, in PEM. It
	// must sign nothing else.
	CAFile string `yaml:"ca_file" path:"file"`
}

func (c *Cluster) check(k *checker, s *Storage) {
	files := 0
	for _, f := range []string{c.CertFile, c.KeyFile, c.CAFile} {
		if f != "" {
			files++
		}
	}
	if files != 0 && files != 3 {
		k.failHidden("cluster", "needs cert_file, key_file and ca_file together")
	}
	if c.ClientAddr != "" {
		if _, _, err := net.SplitHostPort(c.ClientAddr); err != nil {
			k.fail("cluster.client_addr", c.ClientAddr, "must be HOST:PORT")
		}
	}
	if s.Store != StoreCluster {
		return
	}
	host, port, err := net.SplitHostPort(s.ClusterAddr)
	switch {
	case err != nil:
		return // said already
	case host == "" || net.ParseIP(host).IsUnspecified():
		k.fail("cluster_addr", s.ClusterAddr, "must name the address at which the other nodes reach this one")
	case port == "0":
		k.fail("cluster_addr", s.ClusterAddr, "must have a port that stays the same")
	case files == 0 && host != "localhost" && !net.ParseIP(host).IsLoopback():
		k.fail("cluster_addr", s.ClusterAddr, "is reachable from other machines: give cluster.cert_file, cluster.key_file and cluster.ca_file, or use a loopback address")
	}
}
