package registry

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cairn-discovery/cairn/core/command"
)

// The attributes that the API defines.
const (
	AttrAliasDNSName     = "AWS_ALIAS_DNS_NAME"
	AttrEC2InstanceID    = "AWS_EC2_INSTANCE_ID"
	AttrInitHealthStatus = "AWS_INIT_HEALTH_STATUS"
	AttrCNAME            = "AWS_INSTANCE_CNAME"
	AttrIPv4             = "AWS_INSTANCE_IPV4"
	AttrIPv6             = "AWS_INSTANCE_IPV6"
	AttrPort             = "AWS_INSTANCE_PORT"

	// AttrWeight is the weight of an instance in a WEIGHTED service, 0 to 255. It
	// is our extension and has no meaning in strict mode.
	AttrWeight = "weight"
)

var knownAttributes = []string{
	AttrAliasDNSName, AttrEC2InstanceID, AttrInitHealthStatus, AttrCNAME, AttrIPv4, AttrIPv6, AttrPort,
}

// ecsPrefix is the prefix of undocumented attributes that ECS writes.
const ecsPrefix = "AWS_ECS_"

// checkAttributes applies the rules of the RegisterInstance API page. It returns the
// attributes to store; they differ from the given ones only with
// AWS_EC2_INSTANCE_ID.
func checkAttributes(r *Rules, ns *Namespace, svc *Service, attrs map[string]string) (map[string]string, error) {
	if err := checkAttributeLimits(r, attrs); err != nil {
		return nil, err
	}
	if err := checkAttributeValues(r, attrs); err != nil {
		return nil, err
	}
	if err := checkOwnAttributes(r, attrs); err != nil {
		return nil, err
	}
	if _, ok := attrs[AttrInitHealthStatus]; ok && !svc.CustomHealth {
		return nil, command.Invalid("%s is allowed only for a service with HealthCheckCustomConfig", AttrInitHealthStatus)
	}
	if _, ok := attrs[AttrEC2InstanceID]; ok {
		return withEC2Address(r, ns, svc, attrs)
	}
	if _, ok := attrs[AttrAliasDNSName]; ok {
		return attrs, checkAlias(r, svc, attrs)
	}
	if err := checkAddresses(r, svc, attrs); err != nil {
		return nil, err
	}
	return attrs, checkWeight(r, svc, attrs)
}

// checkOwnAttributes checks the attributes with the prefix of our extensions.
func checkOwnAttributes(r *Rules, attrs map[string]string) error {
	if r.Strict {
		return nil
	}
	for k, v := range attrs {
		switch {
		case !strings.HasPrefix(k, ownPrefix):
		case k != AttrTTL:
			return command.Invalid("Attribute %q is not allowed: the prefix %s is reserved, and the known attribute of an instance is %q", k, ownPrefix, AttrTTL)
		default:
			if err := checkTTL(v); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkAttributeLimits(r *Rules, attrs map[string]string) error {
	custom, total := 0, 0
	for k, v := range attrs {
		total += utf8.RuneCountInString(k) + utf8.RuneCountInString(v)
		if !strings.HasPrefix(k, "AWS_") {
			custom++
		} else if !known(k) {
			return r.invalid(fmt.Sprintf("Invalid attribute: [%s]. [aws_] prefix is reserved for AWS attributes.", k),
				"Attribute %q is not allowed: the prefix AWS_ is reserved, and the known attributes are %s", k, quoted(knownAttributes))
		}
	}
	if custom > maxCustomAttributes {
		return r.invalid(fmt.Sprintf("Too many attributes provided: [%s]. The current limit is %d", strings.Join(customAttributes(attrs), ", "), maxCustomAttributes),
			"%d custom attributes are given; at most %d are allowed", custom, maxCustomAttributes)
	}
	if total > maxAttributeTotal {
		return r.invalid(fmt.Sprintf("Instance attributes too large. Maximum allowed size of all attributes is %d characters.", maxAttributeTotal),
			"The attributes have %d characters in all; at most %d are allowed", total, maxAttributeTotal)
	}
	return nil
}

// customAttributes returns the names of the attributes that the API does not define, in order.
func customAttributes(attrs map[string]string) []string {
	var names []string
	for k := range attrs {
		if !strings.HasPrefix(k, "AWS_") {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	return names
}

func known(key string) bool {
	for _, k := range knownAttributes {
		if k == key {
			return true
		}
	}
	return strings.HasPrefix(key, ecsPrefix)
}

// checkAttributeValues checks the value of each known attribute.
func checkAttributeValues(r *Rules, attrs map[string]string) error {
	if v, ok := attrs[AttrIPv4]; ok {
		if addr, err := netip.ParseAddr(v); err != nil || !addr.Is4() {
			return command.Invalid("%s %q is not an IPv4 address", AttrIPv4, v)
		}
	}
	if v, ok := attrs[AttrIPv6]; ok {
		if addr, err := netip.ParseAddr(v); err != nil || !addr.Is6() || addr.Zone() != "" {
			return command.Invalid("%s %q is not an IPv6 address", AttrIPv6, v)
		}
	}
	if v, ok := attrs[AttrPort]; ok && !validPort(v) {
		return command.Invalid("A valid port number must be supplied. %s %q is not a number from 1 to 65535", AttrPort, v)
	}
	for _, key := range []string{AttrCNAME, AttrAliasDNSName} {
		if v, ok := attrs[key]; ok {
			if problem := domainNameProblem(strings.TrimSuffix(v, ".")); problem != "" {
				return command.Invalid("%s %q is not a domain name: %s", key, truncate(v), problem)
			}
		}
	}
	if v, ok := attrs[AttrInitHealthStatus]; ok && v != Healthy.String() && v != Unhealthy.String() {
		return r.invalid("No enum constant com.amazon.route53.autonaming.model.InitHealthStatus."+v,
			"%s %q is not allowed: it must be HEALTHY or UNHEALTHY", AttrInitHealthStatus, v)
	}
	return nil
}

func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && s[0] != '+'
}

// checkAlias checks that an alias is the only target, in a service with A or AAAA
// records.
func checkAlias(r *Rules, svc *Service, attrs map[string]string) error {
	if svc.DNS != nil && svc.DNS.Policy == Multivalue && r.Strict {
		return command.Invalid("ALIAS instance can be registered only in services with WEIGHTED routing policy")
	}
	if svc.DNS.Has(RecordSRV) || svc.DNS.Has(RecordCNAME) || svc.DNS == nil || svc.DNS.Policy != Weighted {
		return command.Invalid("%s is allowed only for a service with A or AAAA records and RoutingPolicy WEIGHTED", AttrAliasDNSName)
	}
	for _, k := range []string{AttrCNAME, AttrIPv4, AttrIPv6, AttrPort} {
		if _, ok := attrs[k]; ok {
			return command.Invalid("%s is not allowed together with %s", k, AttrAliasDNSName)
		}
	}
	return nil
}

// checkAddresses checks that the attributes have what the records and the check of
// the service need.
func checkAddresses(r *Rules, svc *Service, attrs map[string]string) error {
	_, v4 := attrs[AttrIPv4]
	_, v6 := attrs[AttrIPv6]
	_, port := attrs[AttrPort]
	_, cname := attrs[AttrCNAME]
	a, aaaa := svc.DNS.Has(RecordA), svc.DNS.Has(RecordAAAA)
	switch {
	case a && aaaa && !v4 && !v6:
		return r.invalid(noAddress, "%s or %s is required: the service has A and AAAA records", AttrIPv4, AttrIPv6)
	case a && !aaaa && !v4:
		return r.invalid(missing(AttrIPv4), "%s is required: the service has A records", AttrIPv4)
	case aaaa && !a && !v6:
		return r.invalid(missing(AttrIPv6), "%s is required: the service has AAAA records", AttrIPv6)
	case svc.DNS.Has(RecordSRV) && !port:
		return r.invalid(missing(AttrPort), "A valid port number must be supplied. %s is required: the service has SRV records", AttrPort)
	case svc.DNS.Has(RecordSRV) && !v4 && !v6:
		return r.invalid(noAddress, "%s or %s is required: the service has SRV records", AttrIPv4, AttrIPv6)
	case svc.DNS.Has(RecordCNAME) && !cname:
		return r.invalid(missing(AttrCNAME), "%s is required: the service has CNAME records", AttrCNAME)
	case svc.HealthCheck != nil && !port:
		return r.invalid("A port must be supplied in order to register this instance.",
			"A valid port number must be supplied. %s is required: the service has a health check", AttrPort)
	case svc.HealthCheck != nil && !v4 && !v6:
		return command.Invalid("%s or %s is required: the service has a health check", AttrIPv4, AttrIPv6)
	}
	return nil
}

// noAddress is a text of AWS, seen in 2026.
const noAddress = "At least one of " + AttrIPv4 + " " + AttrIPv6 + " is required."

func missing(attribute string) string {
	return "Required attribute(s) " + attribute + " are missing."
}

func checkWeight(r *Rules, svc *Service, attrs map[string]string) error {
	v, ok := attrs[AttrWeight]
	if !ok || r.Strict || svc.DNS == nil || svc.DNS.Policy != Weighted {
		return nil
	}
	if _, err := strconv.ParseUint(v, 10, 8); err != nil {
		return command.Invalid("%s %q is not a number from 0 to 255", AttrWeight, v)
	}
	return nil
}

// withEC2Address adds the address of an EC2 instance, as AWS does.
func withEC2Address(r *Rules, ns *Namespace, svc *Service, attrs map[string]string) (map[string]string, error) {
	id := attrs[AttrEC2InstanceID]
	if ns.IsDNS() {
		return nil, command.Invalid("%s is allowed only in an HTTP namespace", AttrEC2InstanceID)
	}
	if svc.HealthCheck != nil {
		return nil, command.Invalid("%s is not allowed for a service with HealthCheckConfig, which needs %s beside an address", AttrEC2InstanceID, AttrPort)
	}
	for k := range attrs {
		if k != AttrEC2InstanceID && k != AttrInitHealthStatus && (r.Strict || strings.HasPrefix(k, "AWS_")) {
			return nil, r.invalid(fmt.Sprintf("Invalid combination of attributes received. %s is not supported with [%s].", AttrEC2InstanceID, k),
				"%s is not allowed together with %s", k, AttrEC2InstanceID)
		}
	}
	addr, ok := r.EC2Instances[id]
	if !ok {
		return nil, command.Invalid("%s %q is not known here: list it under ec2_instances in the configuration", AttrEC2InstanceID, id)
	}
	attrs = maps.Clone(attrs)
	attrs[AttrIPv4] = addr.String()
	return attrs, nil
}
