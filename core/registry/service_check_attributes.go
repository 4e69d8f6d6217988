package registry

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
)

// ownPrefix is the prefix of our extensions.
const ownPrefix = "cairn."

// The service attributes that configure the health check.
const (
	AttrCheckInterval         = "cairn.health.interval"
	AttrCheckTimeout          = "cairn.health.timeout"
	AttrCheckSuccessThreshold = "cairn.health.success-threshold"
	AttrCheckExpectedStatus   = "cairn.health.expected-status"
	AttrCheckBody             = "cairn.health.body"
	AttrCheckHost             = "cairn.health.host"
	AttrCheckProtocol         = "cairn.health.protocol"
)

const (
	minCheckInterval = time.Second
	maxCheckInterval = time.Hour
	minCheckTimeout  = 100 * time.Millisecond
	maxCheckTimeout  = time.Minute
	maxThreshold     = 10  // as FailureThreshold
	maxCheckBody     = 255 // as Route 53's SearchString
)

// checkAttributeNames returns the service attributes that configure its health check.
func checkAttributeNames() []string {
	return []string{AttrCheckBody, AttrCheckExpectedStatus, AttrCheckHost, AttrCheckInterval, AttrCheckProtocol,
		AttrCheckSuccessThreshold, AttrCheckTimeout}
}

// set sets the field of one attribute, or returns the rule that the value breaks.
func (s *CheckSettings) set(key, v string) (rule string) {
	switch key {
	case AttrCheckInterval:
		s.Interval, rule = parseDuration(v, minCheckInterval, maxCheckInterval)
	case AttrCheckTimeout:
		s.Timeout, rule = parseDuration(v, minCheckTimeout, maxCheckTimeout)
	case AttrCheckSuccessThreshold:
		n, err := strconv.ParseUint(v, 10, 8)
		if err != nil || n < 1 || n > maxThreshold {
			return "must be a whole number from 1 to 10"
		}
		s.SuccessThreshold = int(n)
	case AttrCheckExpectedStatus:
		s.ExpectedStatus, rule = parseStatuses(v)
	case AttrCheckBody:
		if v == "" || len(v) > maxCheckBody {
			return "must be a text of 1 to 255 bytes"
		}
		s.Body = v
	case AttrCheckHost:
		if !validHost(v) {
			return "must be a host name or IP address, with or without :PORT"
		}
		s.Host = v
	case AttrCheckProtocol:
		if v != "grpc" {
			return "must be grpc; without it the type of HealthCheckConfig counts"
		}
		s.GRPC = true
	}
	return rule
}

// checkServiceAttributes checks the given attributes, and that all attributes
// together are valid for the service's check.
func checkServiceAttributes(svc *Service, given, all map[string]string) error {
	var s CheckSettings
	for _, k := range slices.Sorted(maps.Keys(given)) {
		if !strings.HasPrefix(k, ownPrefix) {
			continue
		}
		if !slices.Contains(checkAttributeNames(), k) {
			return command.Invalid("Attribute %q is not allowed: the prefix %s is reserved, and the known attributes of a service are %s",
				k, ownPrefix, quoted(checkAttributeNames()))
		}
		if rule := s.set(k, given[k]); rule != "" {
			return command.Invalid("%s %q %s", k, truncate(given[k]), rule)
		}
	}
	return checkFit(svc, given, all)
}

// checkFit returns an error for settings that the service's check would ignore. A
// service without a check accepts all settings.
func checkFit(svc *Service, given, all map[string]string) error {
	if svc.HealthCheck == nil {
		return nil
	}
	grpc := all[AttrCheckProtocol] != ""
	tcp := svc.HealthCheck.Type == CheckTCP && !grpc
	for _, k := range []string{AttrCheckExpectedStatus, AttrCheckBody, AttrCheckHost} {
		if _, ok := given[k]; !ok {
			continue
		}
		if tcp {
			return command.Invalid("%s has no meaning for a health check of type TCP, which only connects", k)
		}
		if grpc && k != AttrCheckHost {
			return command.Invalid("%s has no meaning with %s grpc", k, AttrCheckProtocol)
		}
	}
	return nil
}

// parseDuration parses a whole number of seconds, or a number with a unit.
func parseDuration(v string, least, most time.Duration) (time.Duration, string) {
	d, err := time.ParseDuration(v)
	if n, numErr := strconv.ParseUint(v, 10, 16); numErr == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d < least || d > most {
		return 0, "must be a number of seconds, or a time such as 500ms or 10s, from " + least.String() + " to " + most.String()
	}
	return d, ""
}

// parseStatuses parses "200", "200-299" or a list of them with commas.
func parseStatuses(v string) ([]StatusRange, string) {
	const rule = `must be status codes from 100 to 599, such as "200", "200-299" or "200,301-302"`
	var ranges []StatusRange
	for part := range strings.SplitSeq(v, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		a, errA := strconv.ParseUint(first, 10, 16)
		b, errB := strconv.ParseUint(last, 10, 16)
		if errA != nil || errB != nil || a < 100 || b > 599 || a > b {
			return nil, rule
		}
		ranges = append(ranges, StatusRange{int(a), int(b)})
	}
	return ranges, ""
}

// validHost reports whether v is a valid Host header (RFC 9110 section 7.2).
func validHost(v string) bool {
	if _, err := netip.ParseAddr(strings.Trim(v, "[]")); err == nil {
		return true
	}
	if _, err := netip.ParseAddrPort(v); err == nil {
		return true
	}
	host, port, hasPort := strings.Cut(v, ":")
	if hasPort && !validPort(port) {
		return false
	}
	for _, c := range []byte(host) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
		if !letter && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return host != "" && len(host) <= 253
}
