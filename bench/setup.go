//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// namespace is the one that all measurements over the wire use.
const namespace = "bench"

// makeNamespace creates it and returns its id.
func makeNamespace(addr string) (string, error) {
	answer, err := once(addr, "CreateHttpNamespace", fmt.Sprintf(`{"Name":%q}`, namespace))
	if err != nil {
		return "", err
	}
	var created struct{ OperationId string }
	if err := json.Unmarshal(answer, &created); err != nil {
		return "", err
	}
	answer, err = once(addr, "GetOperation", fmt.Sprintf(`{"OperationId":%q}`, created.OperationId))
	if err != nil {
		return "", err
	}
	var ended struct {
		Operation struct{ Targets struct{ NAMESPACE string } }
	}
	err = json.Unmarshal(answer, &ended)
	return ended.Operation.Targets.NAMESPACE, err
}

// makeService creates a service with a number of instances and returns its id.
func makeService(addr, namespaceID, name string, instances int) (string, error) {
	answer, err := once(addr, "CreateService", fmt.Sprintf(`{"Name":%q,"NamespaceId":%q}`, name, namespaceID))
	if err != nil {
		return "", err
	}
	var created struct{ Service struct{ Id string } }
	if err := json.Unmarshal(answer, &created); err != nil {
		return "", err
	}
	for i := range instances {
		if _, err := once(addr, "RegisterInstance", registration(created.Service.Id, i)); err != nil {
			return "", err
		}
	}
	return created.Service.Id, nil
}

// registration is the body of a RegisterInstance call with the six attributes
// that docs and goals are about.
func registration(serviceID string, i int) string {
	var attrs []string
	for k, v := range attributes(i) {
		attrs = append(attrs, fmt.Sprintf("%q:%q", k, v))
	}
	return fmt.Sprintf(`{"ServiceId":%q,"InstanceId":"i-%08d","Attributes":{%s}}`, serviceID, i, strings.Join(attrs, ","))
}

// attributes are about 120 bytes in six pairs.
func attributes(i int) map[string]string {
	return map[string]string{
		"AWS_INSTANCE_IPV4": fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255),
		"AWS_INSTANCE_PORT": "8080",
		"version":           fmt.Sprintf("1.%d.%d", i%7, i%13),
		"zone":              "us-east-1" + string(rune('a'+i%6)),
		"stage":             "production",
		"commit":            fmt.Sprintf("%08x", uint32(i)*2654435761),
	}
}
