package node

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Setting is a value that can be given as a flag, in the environment and in
// the file. Its three names follow from the flag's.
type Setting struct {
	// Flag is the flag's name without dashes.
	Flag string
	// Arg stands for the value in a help text.
	Arg string
	// Usage says what the value means, in one line.
	Usage string

	text  func(*Config) *string   // where a single value goes,
	list  func(*Config) *[]string // or a list
	check func(value string) string
}

// Env is the name of the environment variable.
func (s Setting) Env() string { return "CAIRN_" + strings.ToUpper(s.Key()) }

// Key is the key in the configuration file.
func (s Setting) Key() string { return strings.ReplaceAll(s.Flag, "-", "_") }

// Value returns what c has for the setting, in the form that Set takes.
func (s Setting) Value(c *Config) string {
	if s.list != nil {
		return strings.Join(*s.list(c), ",")
	}
	return *s.text(c)
}

// Set checks a value and puts it into c. A list is separated by commas.
func (s Setting) Set(c *Config, value string) error {
	values := []string{value}
	if s.list != nil {
		values = splitList(value)
	}
	if err := s.checkAll(values); err != nil {
		return err
	}
	if s.list != nil {
		*s.list(c) = values
	} else {
		*s.text(c) = value
	}
	return nil
}

// checkAll returns what is wrong with the first bad value.
func (s Setting) checkAll(values []string) error {
	for _, v := range values {
		if rule := s.check(v); rule != "" {
			return &ruleError{value: v, rule: rule}
		}
	}
	return nil
}

func (s Setting) checkIn(c *Config) error {
	if s.list != nil {
		return s.checkAll(*s.list(c))
	}
	return s.checkAll([]string{*s.text(c)})
}

func splitList(value string) []string {
	var values []string
	for part := range strings.SplitSeq(value, ",") {
		if part = strings.TrimSpace(part); part != "" {
			values = append(values, part)
		}
	}
	return values
}

// ruleError is a value and the rule it breaks; who knows where the value came
// from puts that name before it.
type ruleError struct{ value, rule string }

func (e *ruleError) Error() string { return fmt.Sprintf("%q %s", e.value, e.rule) }

// Settings returns every setting, in the order in which help shows them.
func Settings() []Setting {
	return []Setting{
		{Flag: "data-dir", Arg: "DIR", check: notEmpty,
			Usage: "the embedded store's folder; created, and locked against a second process",
			text:  func(c *Config) *string { return &c.DataDir }},
		{Flag: "api-addr", Arg: "HOST:PORT", check: listenAddr,
			Usage: "listener of the AWS APIs",
			text:  func(c *Config) *string { return &c.APIAddr }},
		{Flag: "dns-addr", Arg: "HOST:PORT", check: listenAddr,
			Usage: "listener of DNS on UDP and TCP",
			text:  func(c *Config) *string { return &c.DNSAddr }},
		{Flag: "admin-addr", Arg: "HOST:PORT", check: listenAddr,
			Usage: "listener of /livez, /readyz, /metrics, /debug/pprof/ and /backup",
			text:  func(c *Config) *string { return &c.AdminAddr }},
		{Flag: "xds-addr", Arg: "HOST:PORT", check: listenAddr,
			Usage: "listener of xDS over gRPC (not served yet)",
			text:  func(c *Config) *string { return &c.XDSAddr }},
		{Flag: "store", Arg: "embedded|etcd|cluster", check: oneOf(storeEmbedded, storeEtcd, storeCluster),
			Usage: "where the registry is kept: on this machine, in an etcd that runs elsewhere, or in an etcd inside a cluster of nodes (only embedded is supported yet)",
			text:  func(c *Config) *string { return &c.Store }},
		{Flag: "etcd-endpoints", Arg: "URL,...", check: httpURL,
			Usage: "with --store etcd: the etcd's client URLs",
			list:  func(c *Config) *[]string { return &c.EtcdEndpoints }},
		{Flag: "etcd-prefix", Arg: "KEY", check: notEmpty,
			Usage: "with --store etcd: put before every key, so that clusters can share one etcd",
			text:  func(c *Config) *string { return &c.EtcdPrefix }},
		{Flag: "cluster-addr", Arg: "HOST:PORT", check: listenAddr,
			Usage: "with --store cluster: where the other nodes reach this one",
			text:  func(c *Config) *string { return &c.ClusterAddr }},
		{Flag: "join", Arg: "HOST:PORT,...", check: listenAddr,
			Usage: "with --store cluster: cluster addresses of nodes already there; none starts a new cluster",
			list:  func(c *Config) *[]string { return &c.Join }},
		{Flag: "node-name", Arg: "NAME", check: nodeName,
			Usage: "this node's name, unique in a cluster (default: the host name)",
			text:  func(c *Config) *string { return &c.NodeName }},
		{Flag: "region", Arg: "NAME", check: regionName,
			Usage: "region in ARNs and credential scopes",
			text:  func(c *Config) *string { return &c.Region }},
		{Flag: "log-format", Arg: "text|json", check: oneOf(logText, logJSON),
			Usage: "form of the log on stderr",
			text:  func(c *Config) *string { return &c.LogFormat }},
		{Flag: "log-level", Arg: "debug|info|warn|error", check: oneOf("debug", "info", "warn", "error"),
			Usage: "least level that is logged",
			text:  func(c *Config) *string { return &c.LogLevel }},
	}
}

func notEmpty(v string) string {
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

func oneOf(words ...string) func(string) string {
	return func(v string) string {
		if slices.Contains(words, v) {
			return ""
		}
		return "must be " + strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
	}
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

// matches compiles its pattern each time: configurations are read rarely, and
// a compiled pattern would have to be a package variable.
func matches(pattern, v string) bool {
	ok, err := regexp.MatchString(pattern, v)
	return ok && err == nil
}
