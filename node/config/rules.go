package config

import (
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// violation returns which rule a value breaks, or "" if it is valid. A rule is
// the text of a check tag:
//
//	min=N      a number of N or more, or a duration such as min=100ms
//	max=N      a number of N or less
//	oneof=A B  one of these words
//	notempty   not the empty string
//	listen     HOST:PORT to listen on
//	host       a host name without a port
//	url        an http or https URL
//	upstream   IP or IP:PORT of a DNS server
//	addrport   IP:PORT
//	node_name  empty, or a name of a node
//	region     a name of a region
//
// Several rules are separated by commas; the first one that is broken counts. A
// rule with a final "?" allows the empty string.
func violation(rules string, v reflect.Value) string {
	for rule := range strings.SplitSeq(rules, ",") {
		rule, optional := strings.CutSuffix(rule, "?")
		if optional && v.IsZero() {
			continue
		}
		name, arg, _ := strings.Cut(rule, "=")
		if problem := violationOf(name, arg, v); problem != "" {
			return problem
		}
	}
	return ""
}

func violationOf(name, arg string, v reflect.Value) string {
	switch name {
	case "min", "max":
		return outOfRange(name, arg, v)
	case "oneof":
		return notOneOf(strings.Fields(arg), v.String())
	case "notempty":
		return empty(v.String())
	case "listen":
		return listenAddr(v.String())
	case "host":
		return hostName(v.String())
	case "url":
		return httpURL(v.String())
	case "upstream":
		if _, ok := Upstream(v.String()); !ok {
			return "must be IP or IP:PORT, such as 192.0.2.53 or [2001:db8::53]:53"
		}
	case "addrport":
		if _, err := netip.ParseAddrPort(v.String()); err != nil {
			return "must be IP:PORT, such as 10.0.0.1:53 or [fd00::1]:53"
		}
	case "node_name":
		return nodeName(v.String())
	case "region":
		return regionName(v.String())
	default:
		panic(fmt.Sprintf("config: unknown rule %q in a check tag", name))
	}
	return ""
}

// outOfRange compares a number or a duration with a limit.
func outOfRange(name, limit string, v reflect.Value) string {
	if d, ok := v.Interface().(Duration); ok {
		least, err := time.ParseDuration(limit)
		if err != nil || name != "min" {
			panic(fmt.Sprintf("config: rule %s=%s for a duration", name, limit))
		}
		return minimum(d.Duration, least)
	}
	n, bound := number(v), mustNumber(limit)
	switch {
	case name == "min" && !(n >= bound): // not a number too
		return "must be " + limit + " or more"
	case name == "max" && !(n <= bound):
		return "must be " + limit + " or less"
	}
	return ""
}

func number(v reflect.Value) float64 {
	if v.CanFloat() {
		return v.Float()
	}
	return float64(v.Int())
}

func mustNumber(text string) float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(fmt.Sprintf("config: %q in a check tag is not a number", text))
	}
	return n
}

func notOneOf(words []string, v string) string {
	if slices.Contains(words, v) {
		return ""
	}
	last := len(words) - 1
	return "must be " + strings.Join(words[:last], ", ") + " or " + words[last]
}

func empty(v string) string {
	if v == "" {
		return "must not be empty"
	}
	return ""
}

func listenAddr(v string) string {
	_, port, err := net.SplitHostPort(v)
	if err != nil {
		return "must be HOST:PORT, such as 127.0.0.1:8053, [::1]:8053 or :8053"
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "must end in a port from 0 to 65535"
	}
	return ""
}

func httpURL(v string) string {
	rest, ok := strings.CutPrefix(v, "http://")
	if !ok {
		rest, ok = strings.CutPrefix(v, "https://")
	}
	if !ok || rest == "" {
		return "must be a URL that starts with http:// or https://"
	}
	return ""
}

func hostName(v string) string {
	const label = `[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?`
	if len(v) > 253 || !matches(`^`+label+`(\.`+label+`)*$`, v) {
		return "must be a host name without a port"
	}
	return ""
}

func nodeName(v string) string {
	if v == "" || matches(`^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$`, v) {
		return ""
	}
	return "must be 1 to 253 letters, digits, dots, hyphens and underscores, and start with a letter or digit"
}

func regionName(v string) string {
	if matches(`^[a-z0-9-]{1,64}$`, v) {
		return ""
	}
	return "must be 1 to 64 lower-case letters, digits and hyphens"
}

// Upstream reads the address of a DNS server, IP or IP:PORT; the port is 53 if
// it is left out. ok is false if the text is neither.
func Upstream(text string) (addr netip.AddrPort, ok bool) {
	const port = 53
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.AddrPortFrom(addr, port), !addr.IsUnspecified()
	}
	ap, err := netip.ParseAddrPort(text)
	return ap, err == nil && ap.Port() != 0 && !ap.Addr().IsUnspecified()
}

// matches compiles its pattern each time: configurations are read rarely, and
// a compiled pattern would have to be a package variable.
func matches(pattern, v string) bool {
	ok, err := regexp.MatchString(pattern, v)
	return ok && err == nil
}
