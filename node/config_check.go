package node

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
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
	k.accounts(c)
	k.shares(c.Shares)
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

// exposure refuses listeners that would let a whole network in without asking
// who it is, or that would let it listen.
func (k *checker) exposure(c *Config) {
	for _, l := range c.guarded() {
		host, port, err := net.SplitHostPort(l.addr)
		if err == nil && l.problem != "" && !mayBeLoopback(host) {
			k.bad(l.key, l.addr, exposed(port, l.problem))
		}
	}
}

// guardedListener is a listener with the reason, if there is one, why only this
// machine may reach it.
type guardedListener struct{ key, addr, problem string }

func (c *Config) guarded() [2]guardedListener {
	api := guardedListener{key: "api_addr", addr: c.APIAddr}
	switch {
	case c.Auth.Mode == authOpen:
		api.problem = "auth.mode open lets everybody who reaches it change the registry: set auth.mode to sigv4, or"
	case c.TLS.CertFile == "" && !c.TLS.AllowPlainHTTP:
		api.problem = "without TLS everybody on the way can read along, and send what was signed once more: give tls.cert_file" +
			" and tls.key_file, or set tls.allow_plain_http where the network itself is encrypted, or"
	}
	admin := guardedListener{key: "admin_addr", addr: c.AdminAddr}
	switch {
	case c.AdminTokenFile == "" && c.AdminToken == "" && !c.TLS.certifiesAdmin():
		admin.problem = "it shows and copies the whole registry to everybody who reaches it: give admin_token_file, or tls.admin with" +
			" tls.client_ca_file, or"
	case !c.TLS.Admin && !c.TLS.AllowPlainHTTP:
		admin.problem = "without TLS everybody on the way can read along: set tls.admin, or tls.allow_plain_http where the network" +
			" itself is encrypted, or"
	}
	return [2]guardedListener{api, admin}
}

// exposed says why a listener is refused, and the remedy.
func exposed(port, problem string) string {
	return "is reachable from other machines, and " + problem + " listen on a loopback address such as " + net.JoinHostPort("127.0.0.1", port)
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
	k.limits("", &c.Quotas, c.Rates)
	for i, a := range c.Accounts {
		k.limits(fmt.Sprintf("accounts[%d].", i), &a.Quotas, a.Rates)
	}
	k.audit(&c.Auth, &c.Audit)
	k.atLeast("limits.max_body_bytes", c.Limits.MaxBodyBytes, 0)
	k.atLeast("limits.max_header_bytes", int64(c.Limits.MaxHeaderBytes), 0)
	k.atLeast("limits.max_connections", int64(c.Limits.MaxConnections), 0)
	k.atLeast("limits.queue_size", int64(c.Limits.QueueSize), 0)
	k.lasting("limits.read_timeout", c.Limits.ReadTimeout, 0)
	k.lasting("limits.write_timeout", c.Limits.WriteTimeout, 0)
	k.lasting("limits.idle_timeout", c.Limits.IdleTimeout, 0)
	k.health(c.Health)
}

// limits checks the quotas and rates of everybody, or of the account at a path.
func (k *checker) limits(path string, q *Quotas, rates map[string]Rate) {
	for name, n := range q.byName() {
		k.atLeast(path+"quotas."+name, int64(n), 0)
	}
	for class, r := range rates {
		if _, ok := command.ParseRateClass(class); !ok {
			k.bad(path+"rates", class, fmt.Sprintf("must be one of %v", command.RateClassNames()))
		}
		if !command.Rate(r).Valid() {
			k.badUnseen(path+"rates."+class, "must have per_second from 0 to 1e9, and a burst of 0 or more")
		}
	}
}

func (k *checker) audit(auth *Auth, a *Audit) {
	k.atLeast("audit.max_bytes", a.MaxBytes, 0)
	k.atLeast("audit.max_files", int64(a.MaxFiles), 0)
	k.atLeast("auth.failure_burst", int64(auth.FailureBurst), 0)
	if !(auth.FailuresPerSecond >= 0) {
		k.bad("auth.failures_per_second", fmt.Sprint(auth.FailuresPerSecond), "must be 0 or more")
	}
	if a.File == "" && *a != (Audit{}) {
		k.badUnseen("audit", "has no file")
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
