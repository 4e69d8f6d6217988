//go:build linux

package process

import "github.com/google/nftables"

// Tables returns the tables of rules in this network namespace.
func Tables() ([]*nftables.Table, error) {
	c, err := nftables.New()
	if err != nil {
		return nil, err
	}
	return c.ListTables()
}
