package config

import "fmt"

// Update lets the holders of a key change the records of a hosted zone by dynamic
// updates (RFC 2136).
type Update struct {
	// Zone is the name of the hosted zone.
	Zone string `yaml:"zone" check:"host"`
	// VPC selects the private hosted zone of this name in it. Empty: the public one.
	VPC string `yaml:"vpc"`
	// TSIGKey is the name of the key that updates must be signed with.
	TSIGKey string `yaml:"tsig_key"`
}

func checkUpdates(k *checker, d *DNS) {
	keys := map[string]bool{}
	for _, key := range d.TSIGKeys {
		keys[key.Name] = true
	}
	for i, u := range d.Update {
		if !keys[u.TSIGKey] {
			k.fail(fmt.Sprintf("dns.update[%d].tsig_key", i), u.TSIGKey, "is not in dns.tsig_keys: updates must be signed")
		}
	}
}
