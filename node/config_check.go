package node

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// KeyError is a value in a configuration that cannot be used.
type KeyError struct {
	// Key is the path in the file, such as vpcs[0].id.
	Key string
	// Value is what stands there. Nil where it would be too long to show, or
	// might be a secret.
	Value *string
	// Rule says what would be right.
	Rule string
}

func (e *KeyError) Error() string {
	if e.Value == nil {
		return e.Key + ": " + e.Rule
	}
	return fmt.Sprintf("%s: %q %s", e.Key, *e.Value, e.Rule)
}

// Check returns everything that is wrong with the configuration: KeyErrors,
// joined. What cairn does not support yet is wrong too, since a setting that is
// quietly ignored is worse than one that is refused.
func (c *Config) Check() error {
	var k checker
	for _, s := range Settings() {
		if bad, ok := errors.AsType[*ruleError](s.checkIn(c)); ok {
			k.bad(s.Key(), bad.value, bad.rule)
		}
	}
	k.words(c)
	k.store(c)
	k.exposure(c)
	k.accounts(c.Accounts)
	k.vpcs(c.VPCs)
	k.ec2(c.EC2Instances)
	k.dns(c)
	k.tls(c)
	if len(k.errs) == 0 {
		k.views(c) // says less well what the others say
	}
	k.numbers(c)
	k.names("admin_hosts", c.AdminHosts)
	k.unsupported(c)
	return errors.Join(k.errs...)
}

// checker collects what is wrong.
type checker struct{ errs []error }

func (k *checker) bad(key, value, rule string) {
	k.errs = append(k.errs, &KeyError{Key: key, Value: &value, Rule: rule})
}

// badUnseen is bad without showing the value.
func (k *checker) badUnseen(key, rule string) {
	k.errs = append(k.errs, &KeyError{Key: key, Rule: rule})
}

func (k *checker) words(c *Config) {
	if rule := oneOf(compatExtended, compatStrict)(c.Compatibility); rule != "" {
		k.bad("compatibility", c.Compatibility, rule)
	}
	if rule := oneOf(authOpen, authSigV4)(c.Auth.Mode); rule != "" {
		k.bad("auth.mode", c.Auth.Mode, rule)
	}
}

// store refuses settings of one store together with another.
func (k *checker) store(c *Config) {
	if c.Store != storeEtcd && len(c.EtcdEndpoints) > 0 {
		k.bad("etcd_endpoints", strings.Join(c.EtcdEndpoints, ","), "needs store etcd")
	}
	if c.Store != storeCluster && len(c.Join) > 0 {
		k.bad("join", strings.Join(c.Join, ","), "needs store cluster")
	}
}

// exposure refuses listeners that would let a whole network change the
// registry without asking who it is.
func (k *checker) exposure(c *Config) {
	if c.Auth.Mode != authOpen {
		return
	}
	for _, l := range []struct{ key, addr string }{
		{"api_addr", c.APIAddr},
		{"admin_addr", c.AdminAddr},
	} {
		host, port, err := net.SplitHostPort(l.addr)
		if err == nil && !mayBeLoopback(host) {
			k.bad(l.key, l.addr, exposed(port))
		}
	}
}

// exposed says why a listener is refused, and the remedy.
func exposed(port string) string {
	return "is reachable from other machines, and auth.mode open lets everybody who reaches it change the registry: " +
		"listen on a loopback address such as " + net.JoinHostPort("127.0.0.1", port) +
		" (auth.mode sigv4, for other addresses, is not supported yet)"
}

// mayBeLoopback lets names pass, which only the listener itself can resolve;
// it is checked again by its real address.
func mayBeLoopback(host string) bool {
	if host == "" {
		return false // all addresses of the machine
	}
	addr, err := netip.ParseAddr(host)
	return err != nil || addr.Unmap().IsLoopback()
}

func (k *checker) vpcs(vpcs []VPC) {
	seen := map[string]bool{}
	for i, v := range vpcs {
		key := fmt.Sprintf("vpcs[%d].id", i)
		switch {
		case !matches(`^[!-~]{1,64}$`, v.ID):
			k.bad(key, v.ID, "must be 1 to 64 printable characters without spaces, such as vpc-12345678")
		case seen[v.ID]:
			k.bad(key, v.ID, "is listed twice")
		}
		seen[v.ID] = true
	}
}

func (k *checker) views(c *Config) {
	if _, err := viewsOf(c); err != nil {
		k.badUnseen("vpcs", err.Error())
	}
}

func (k *checker) ec2(instances map[string]Addr) {
	for id, addr := range instances {
		if id == "" || !addr.Is4() {
			k.bad("ec2_instances", id, "must map an instance id to its private IPv4 address")
		}
	}
}

func (k *checker) names(key string, names []string) {
	for i, name := range names {
		k.name(fmt.Sprintf("%s[%d]", key, i), name)
	}
}

func (k *checker) name(key, name string) {
	const label = `[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?`
	if len(name) > 253 || !matches(`^`+label+`(\.`+label+`)*$`, name) {
		k.bad(key, name, "must be a host name without a port")
	}
}

func (k *checker) numbers(c *Config) {
	k.quota("namespaces_per_account", c.Quotas.NamespacesPerAccount)
	k.quota("services_per_namespace", c.Quotas.ServicesPerNamespace)
	k.quota("instances_per_service", c.Quotas.InstancesPerService)
	k.quota("instances_per_namespace", c.Quotas.InstancesPerNamespace)
	k.quota("operations_per_account", c.Quotas.OperationsPerAccount)
	k.atLeast("limits.max_body_bytes", c.Limits.MaxBodyBytes, 0)
	k.atLeast("limits.max_header_bytes", int64(c.Limits.MaxHeaderBytes), 0)
	k.atLeast("limits.max_connections", int64(c.Limits.MaxConnections), 0)
	k.atLeast("limits.queue_size", int64(c.Limits.QueueSize), 0)
	k.lasting("limits.read_timeout", c.Limits.ReadTimeout, 0)
	k.lasting("limits.write_timeout", c.Limits.WriteTimeout, 0)
	k.lasting("limits.idle_timeout", c.Limits.IdleTimeout, 0)
	k.lasting("health.interval", c.Health.Interval, 100*time.Millisecond)
	k.lasting("health.initial_interval", c.Health.InitialInterval, 100*time.Millisecond)
	if n := c.Health.SuccessThreshold; n < 0 || n > 10 {
		k.bad("health.success_threshold", fmt.Sprint(n), "must be 0 to 10")
	}
}

func (k *checker) quota(name string, n *int) {
	if n != nil {
		k.atLeast("quotas."+name, int64(*n), 0)
	}
}

func (k *checker) atLeast(key string, n, least int64) {
	if n < least {
		k.bad(key, fmt.Sprint(n), fmt.Sprintf("must be %d or more", least))
	}
}

func (k *checker) lasting(key string, d Duration, least time.Duration) {
	if d.Duration < least {
		k.bad(key, d.String(), "must be "+least.String()+" or more")
	}
}
