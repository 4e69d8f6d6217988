package node

import (
	"crypto/ecdsa"

	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/edge/dns/sign"
)

// newSigningKey returns a new key for a zone to be signed.
func (n *Node) newSigningKey() (*dnssec.Key, error) {
	k, err := sign.NewKey(n.sealKey)
	if err == nil {
		n.log.Info("DNSSEC key made", "key_tag", k.Tag())
	}
	return k, err
}

func (w *wiring) newSigner() (*sign.Signer, error) {
	return sign.New(sign.Config{
		Open:       func(k *dnssec.Key) (*ecdsa.PrivateKey, error) { return sign.Open(w.sealKey, k) },
		CacheBytes: w.cfg.DNS.SignatureCacheBytes,
		Logger:     w.log.With("part", "dnssec"),
		Registerer: w.metrics,
	})
}
