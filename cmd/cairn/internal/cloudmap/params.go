package cloudmap

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// defaultTTL is the TTL in seconds of a DNS record that is given without one. AWS
// has no default.
const defaultTTL = 60

// parseDNSConfig parses --dns-config. It returns nil if text is empty.
func parseDNSConfig(text string) (*types.DnsConfig, error) {
	config, err := cli.ParseConfig[types.DnsConfig]("--dns-config", text)
	if config == nil || err != nil {
		return nil, err
	}
	setDefaultTTLs(config.DnsRecords)
	policy := types.RoutingPolicyMultivalue
	if slices.ContainsFunc(config.DnsRecords, func(r types.DnsRecord) bool { return r.Type == types.RecordTypeCname }) {
		policy = types.RoutingPolicyWeighted
	}
	if config.RoutingPolicy == "" {
		config.RoutingPolicy = policy
	}
	return config, nil
}

// setDefaultTTLs sets the TTL of records that have none.
func setDefaultTTLs(records []types.DnsRecord) {
	for i := range records {
		if records[i].TTL == nil {
			records[i].TTL = aws.Int64(defaultTTL)
		}
	}
}

// parseTags parses --tags. The tags are in the order of their keys.
func parseTags(text string) ([]types.Tag, error) {
	m, err := cli.ParseMap("--tags", text)
	if err != nil {
		return nil, err
	}
	var tags []types.Tag
	for _, k := range slices.Sorted(maps.Keys(m)) {
		tags = append(tags, types.Tag{Key: aws.String(k), Value: aws.String(m[k])})
	}
	return tags, nil
}
