package node

import (
	"crypto/ecdsa"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/edge/dns/sign"
)

// newSigningKey makes the key of a zone that is to be signed.
func (n *Node) newSigningKey() (*dnssec.Key, error) {
	k, err := sign.NewKey(n.directory.key)
	if err == nil {
		n.log.Info("DNSSEC key made", "key_tag", k.Tag())
	}
	return k, err
}

func (n *Node) newSigner(metrics prometheus.Registerer) (*sign.Signer, error) {
	return sign.New(sign.Config{
		Open:       func(k *dnssec.Key) (*ecdsa.PrivateKey, error) { return sign.Open(n.directory.key, k) },
		CacheBytes: n.cfg.DNS.SignatureCacheBytes,
		Logger:     n.log.With("part", "dnssec"),
		Registerer: metrics,
	})
}
