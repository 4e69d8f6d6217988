package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
)

// defaultTTL is the TTL of a DNS record that is given without one. AWS has no
// default.
const defaultTTL = 60

// parseDNSConfig reads --dns-config; nil if it was not given.
func parseDNSConfig(text string) (*types.DnsConfig, error) {
	config, err := parseConfig[types.DnsConfig]("--dns-config", text)
	if config == nil || err != nil {
		return nil, err
	}
	policy := types.RoutingPolicyMultivalue
	for i := range config.DnsRecords {
		r := &config.DnsRecords[i]
		if r.TTL == nil {
			r.TTL = aws.Int64(defaultTTL)
		}
		if r.Type == types.RecordTypeCname {
			policy = types.RoutingPolicyWeighted
		}
	}
	if config.RoutingPolicy == "" {
		config.RoutingPolicy = policy
	}
	return config, nil
}

// parseConfig reads a flag that takes one of AWS's structures, in JSON or in
// the AWS CLI's shorthand; nil if the flag was not given.
func parseConfig[T any](flag, text string) (*T, error) {
	if text == "" {
		return nil, nil
	}
	if !isJSON(text) {
		long, err := expandShorthand(text)
		if err != nil {
			return nil, usagef("%s: %v", flag, err)
		}
		text = long
	}
	config := new(T)
	if err := decodeStrict(text, config); err != nil {
		return nil, usagef("%s: %v", flag, err)
	}
	return config, nil
}

// parseMap reads a flag that takes keys and values, as a JSON object or as
// k=v,k2=v2; nil if the flag was not given.
func parseMap(flag, text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	if !isJSON(text) {
		return parsePairs(flag, text)
	}
	var loose map[string]any
	if err := decodeStrict(text, &loose); err != nil {
		return nil, usagef("%s: %v", flag, err)
	}
	m := make(map[string]string, len(loose))
	for k, v := range loose {
		switch v := v.(type) {
		case string:
			m[k] = v
		case json.Number: // a port, most likely
			m[k] = v.String()
		default:
			return nil, usagef("%s: the value of %q must be a text", flag, k)
		}
	}
	return m, nil
}

// parsePairs reads k=v,k2=v2. A comma in a value is written as \, as in the
// AWS CLI.
func parsePairs(flag, text string) (map[string]string, error) {
	m := map[string]string{}
	for _, part := range splitPairs(text) {
		k, v, ok := strings.Cut(part, "=")
		if !ok || k == "" {
			return nil, usagef("%s: %q must be KEY=VALUE", flag, part)
		}
		if _, twice := m[k]; twice {
			return nil, usagef("%s: %q is given twice", flag, k)
		}
		m[k] = v
	}
	return m, nil
}

func splitPairs(text string) []string {
	var parts []string
	var part strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == ',' || text[i+1] == '\\'):
			i++
			part.WriteByte(text[i])
		case text[i] == ',':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(text[i])
		}
	}
	return append(parts, part.String())
}

func parseTags(text string) ([]types.Tag, error) {
	m, err := parseMap("--tags", text)
	if err != nil {
		return nil, err
	}
	var tags []types.Tag
	for _, k := range slices.Sorted(maps.Keys(m)) {
		tags = append(tags, types.Tag{Key: aws.String(k), Value: aws.String(m[k])})
	}
	return tags, nil
}

func isJSON(text string) bool { return strings.HasPrefix(strings.TrimSpace(text), "{") }

// decodeStrict reads exactly one JSON value, and no keys that into lacks.
func decodeStrict(text string, into any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return plainJSONError(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}

// plainJSONError drops the Go types from what encoding/json says.
func plainJSONError(err error) error {
	if bad, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s cannot be a JSON %s", bad.Field, bad.Value)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the JSON value ends too early")
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}
