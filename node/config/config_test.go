package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// load reads a configuration file with nothing above it.
func load(t testing.TB, text string) (Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(Sources{File: path})
	if err != nil {
		// The folder's name is different each time.
		err = errors.New(strings.ReplaceAll(err.Error(), path, "c.yaml"))
	}
	return c, err
}

func TestDefaultIsValid(t *testing.T) {
	c := Default()
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

func TestEmptyFileIsDefault(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "{}"} {
		c, err := load(t, text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(fmt.Sprintf("%+v", Default()), fmt.Sprintf("%+v", c)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

// contractFile has every key that is supported; docs/configuration.md says
// which are not yet.
const contractFile = `
region: eu-west-1
compatibility: strict
auth:
  mode: open
accounts:
  - id: "123456789012"
    users:
      - name: deployer
        access_keys: [{id: AKIAEXAMPLE, secret: wJalrXUtnFEMI}]
      - name: reader
        access_keys: [{id: AKIAOTHER, secret_file: /run/secrets/reader}]
vpcs:
  - {id: vpc-12345678, cidrs: [10.0.0.0/16]}
ec2_instances: {i-0abc: 10.0.0.7}
dns:
  trusted: [127.0.0.0/8, "::1/128"]
  default_ttl: 30
  api_names: [discovery.cairn.internal]
  forward: [192.0.2.53, "[2001:db8::53]:53"]
health:
  interval: 10s
  success_threshold: 2
  initial_interval: 500ms
quotas:
  namespaces_per_account: 0
  services_per_namespace: 7
limits: {max_body_bytes: 2000000, read_timeout: 5s}
admin_hosts: [cairn.example.com]
etcd_prefix: /other/
log_format: json
`

func TestContractFile(t *testing.T) {
	c, err := load(t, contractFile)
	if err != nil {
		t.Fatal(err)
	}
	if c.Region != "eu-west-1" || c.LogFormat != "json" || c.EtcdPrefix != "/other/" || c.APIAddr != "127.0.0.1:8053" {
		t.Errorf("settings: %+v", c)
	}
	if c.Health.InitialInterval.Duration != 500*time.Millisecond || c.Limits.ReadTimeout.Duration != 5*time.Second {
		t.Errorf("durations: %v, %v", c.Health, c.Limits)
	}
	if string(c.Accounts[0].Users[0].AccessKeys[0].Secret) != "wJalrXUtnFEMI" {
		t.Error("the secret was not read")
	}
	want := map[string]string{"AKIAEXAMPLE": "123456789012", "AKIAOTHER": "123456789012"}
	if diff := cmp.Diff(want, c.AccountsByKey()); diff != "" {
		t.Errorf("accounts: %s", diff)
	}
}

func TestBadFiles(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown key", "region: a\nregoin: b\n", `c.yaml:2: unknown key "regoin"; did you mean "region"?`},
		{"unknown nested key", "dns:\n  trusted: []\n  ttl: 5\n", `c.yaml:3: unknown key "dns.ttl"`},
		{"key of the program", "logoutput: x\n", `c.yaml:1: unknown key "logoutput"`},
		{"unknown key in a list", "vpcs:\n  - {id: a, cidr: []}\n", `c.yaml:2: unknown key "vpcs[0].cidr"; did you mean "vpcs[0].cidrs"?`},
		{"two letters swapped", "dns: {forwrad: []}", `c.yaml:1: unknown key "dns.forwrad"; did you mean "dns.forward"?`},
		{"key of another section", "forward: [192.0.2.1]", `c.yaml:1: unknown key "forward"; did you mean "dns.forward"?`},
		{"camel case", "apiAddr: :1", `c.yaml:1: unknown key "apiAddr"; did you mean "api_addr"?`},
		{"no likeness", "colour: red", `c.yaml:1: unknown key "colour"` + "\n"},
		{"unknown quota", "quotas:\n  service_per_namespace: 1", `c.yaml:2: unknown key "quotas.service_per_namespace"; did you mean "quotas.services_per_namespace"?`},
		{"unknown key of a rate", "rates:\n  read: {persecond: 1}", `c.yaml:2: unknown key "rates.read.persecond"; did you mean "rates.read.per_second"?`},
		{"unknown key beside a secret", account("users: [{name: a, access_keys: [{id: k, secert: x}]}]"), "c.yaml:3: unknown key; known here are id, secret, secret_file and inactive"},
		{"unknown key behind an alias", "vpcs:\n  - &v {id: a, sidrs: []}\n  - *v", `c.yaml:2: unknown key "vpcs[0].sidrs"; did you mean "vpcs[0].cidrs"?`},
		{"tab", "dns:\n\ttrusted: []\n", "c.yaml:2: a tab in the indentation; YAML allows spaces only"},
		{"tab after spaces", "dns:\n  trusted: []\n  \tdefault_ttl: 5\n", "c.yaml:3: a tab in the indentation; YAML allows spaces only"},
		{"key twice", "region: a\nregion: b\n", `c.yaml:2: mapping key "region" already defined at line 1`},
		{"two documents", "region: a\n---\nregion: b\n", "c.yaml:2: a second document; only one is read"},
		{"no YAML", "a: [\n", "c.yaml:1: did not find expected node content"},
		{"not a mapping", "- a\n", "c.yaml:1: the file: must be a mapping with keys, not a list"},

		{"api_addr", "api_addr: localhost", `c.yaml:1: api_addr: "localhost" must be HOST:PORT`},
		{"dns_addr", "dns_addr: 127.0.0.1:99999", `c.yaml:1: dns_addr: "127.0.0.1:99999" must end in a port from 0 to 65535`},
		{"admin_addr", "admin_addr: ''", `c.yaml:1: admin_addr: "" must be HOST:PORT`},
		{"xds_addr", "xds_addr: :x", `c.yaml:1: xds_addr: ":x" must end in a port`},
		{"data_dir", "data_dir: ''", `c.yaml:1: data_dir: "" must not be empty`},
		{"store", "store: redis", `c.yaml:1: store: "redis" must be embedded, etcd or cluster`},
		{"store etcd", "store: etcd", `c.yaml:1: store: "etcd" needs etcd_endpoints`},
		{"etcd.password", "etcd: {username: a}", `c.yaml:1: etcd: needs both username and password`},
		{"etcd.password_file", "etcd: {username: a, password: b, password_file: c}", `c.yaml:1: etcd: has both password and password_file`},
		{"etcd.cert_file", "etcd: {cert_file: a}", `c.yaml:1: etcd: needs both cert_file and key_file`},
		{"etcd.compact_after", "etcd: {compact_after: 1s}", `c.yaml:1: etcd.compact_after: "1s" must be 0s, or 1m or more`},
		{"etcd.max_request_bytes", "etcd: {max_request_bytes: 5}", `c.yaml:1: etcd.max_request_bytes: "5" must be`},
		{"cluster_addr of other machines", "store: cluster\ncluster_addr: 192.0.2.1:8057", `c.yaml:2: cluster_addr: "192.0.2.1:8057" is reachable from other machines`},
		{"cluster_addr for nobody", "store: cluster\ncluster_addr: 0.0.0.0:8057", `c.yaml:2: cluster_addr: "0.0.0.0:8057" must name the address`},
		{"cluster_addr without a port", "store: cluster\ncluster_addr: 127.0.0.1:0", `must have a port that stays the same`},
		{"cluster.cert_file", "cluster: {cert_file: a}", `c.yaml:1: cluster: needs cert_file, key_file and ca_file together`},
		{"etcd_endpoints", "store: etcd\netcd_endpoints: [localhost:2379]", `c.yaml:2: etcd_endpoints[0]: "localhost:2379" must be a URL`},
		{"etcd_endpoints alone", "etcd_endpoints: ['http://a:2379']", `c.yaml:1: etcd_endpoints: "http://a:2379" needs store etcd`},
		{"etcd_prefix", "etcd_prefix: ''", `c.yaml:1: etcd_prefix: "" must not be empty`},
		{"cluster_addr", "cluster_addr: x", `c.yaml:1: cluster_addr: "x" must be HOST:PORT`},
		{"join", "join: ['10.0.0.1:8057']", `c.yaml:1: join: "10.0.0.1:8057" needs store cluster`},
		{"node_name", "node_name: a b", `c.yaml:1: node_name: "a b" must be 1 to 253 letters`},
		{"region", "region: US East", `c.yaml:1: region: "US East" must be 1 to 64 lower-case letters`},
		{"log_format", "log_format: xml", `c.yaml:1: log_format: "xml" must be text or json`},
		{"log_level", "log_level: loud", `c.yaml:1: log_level: "loud" must be debug, info, warn or error`},
		{"compatibility", "compatibility: aws", `c.yaml:1: compatibility: "aws" must be extended or strict`},
		{"auth.mode", "auth: {mode: none}", `c.yaml:1: auth.mode: "none" must be open or sigv4`},
		{"sigv4 without a secret", "auth: {mode: sigv4}\n" + account("users: [{name: a, access_keys: [{id: A}]}]"), "accounts[0].users[0].access_keys[0]: has neither secret nor secret_file"},
		{"sigv4, secret file", "auth: {mode: sigv4}\n" + account("users: [{name: a, access_keys: [{id: A, secret_file: /nowhere}]}]"), "secret_file of access key A: open /nowhere"},
		{"roles without a key", "auth: {mode: sigv4}\n" + account("roles: [{name: a, trust_policy: {Statement: {Effect: Allow, Principal: '*', Action: 'sts:AssumeRole'}}}]"), "give auth.seal_key_file"},
		{"role without trust", account("roles: [{name: a}]"), "accounts[0].roles[0]: has no trust_policy"},
		{"session", account("roles: [{name: a, trust_policy: {Statement: {Effect: Allow, Principal: '*', Action: 'sts:AssumeRole'}}, max_session_duration: 13h}]"), "must be 1h to 12h"},
		{"tags", account("users: [{name: a, tags: {Team: a, team: b}}]"), "differ from the others by more than case"},
		{"group", account("users: [{name: a, groups: [b]}]"), `group "b" does not exist`},
		{"provider", account("oidc_providers: [{issuer: 'http://x', jwks_file: f}]"), "must be an https URL"},
		{"provider's keys", account("oidc_providers: [{issuer: 'https://x', jwks_url: 'http://192.0.2.1/'}]"), "http on a loopback address"},
		{"API without TLS", "auth: {mode: sigv4}\napi_addr: 0.0.0.0:1", "give tls.cert_file"},
		{"admin without a token", "admin_addr: 0.0.0.0:1", "give admin_token_file"},
		{"shares", "shares:\n  - {namespace: a, owner: b, with: [c]}", `c.yaml:2: shares[0].owner: "b" must be twelve digits`},
		{"tls", "tls: {cert_file: a}", "c.yaml:1: tls: needs both cert_file and key_file"},

		{"open to the network", "api_addr: 0.0.0.0:8053", `c.yaml:1: api_addr: "0.0.0.0:8053" is reachable from other machines`},
		{"open to all", "admin_addr: :8055", `listen on a loopback address such as 127.0.0.1:8055`},
		{"open on IPv6", "api_addr: '[2001:db8::1]:8053'", `is reachable from other machines`},

		{"account id", "accounts:\n  - id: 123", `c.yaml:2: accounts[0].id: "123" must be twelve digits, in quotes`},
		{"account twice", "accounts:\n  - id: '123456789012'\n  - id: '123456789012'", `c.yaml:3: accounts[1].id: "123456789012" is listed twice`},
		{"user name", "accounts:\n  - id: '123456789012'\n    users: [{name: ''}]", `c.yaml:3: accounts[0].users[0].name: "" must have 1 to 64 characters`},
		{"user twice", account("users: [{name: a}, {name: a}]"), `accounts[0].users[1].name: "a" is listed twice in its account`},
		{"key id", account("users: [{name: a, access_keys: [{id: 'a b'}]}]"), "accounts[0].users[0].access_keys[0].id: must be 1 to 128 letters"},
		{"key twice", account("users: [{name: a, access_keys: [{id: k}, {id: k}]}]"), `access_keys[1].id: "k" is listed twice`},
		{"two secrets", account("users: [{name: a, access_keys: [{id: k, secret: s, secret_file: f}]}]"), "has both secret and secret_file"},
		{"policies", account("users: [{name: a, policies: [{Version: x}]}]"), "accounts: arn:aws:iam::123456789012:user/a: policy a.policies[0]: policy: Version"},
		{"managed policies", account("users: [{name: a, managed_policies: [b]}]"), `accounts: arn:aws:iam::123456789012:user/a: policy "b" does not exist`},

		{"vpc id", "vpcs: [{id: 'a b'}]", `c.yaml:1: vpcs[0].id: "a b" must be 1 to 64 printable characters`},
		{"vpc twice", "vpcs:\n  - id: a\n  - id: a", `c.yaml:3: vpcs[1].id: "a" is listed twice`},
		{"vpc cidr", "vpcs:\n  - id: a\n    cidrs:\n      - 10.0.0.1", `c.yaml:4: vpcs[0].cidrs[0]: "10.0.0.1": must be a CIDR`},
		{"host bits", "vpcs:\n  - id: a\n    cidrs:\n      - 10.0.0.1/8", `c.yaml:4: vpcs[0].cidrs[0]: "10.0.0.1/8": has bits set outside its mask; write 10.0.0.0/8`},
		{"ec2 address", "ec2_instances: {i-1: here}", `c.yaml:1: ec2_instances.i-1: "here": must be an IP address`},
		{"ec2 family", "ec2_instances: {i-1: '::1'}", `ec2_instances: "i-1" must map an instance id to its private IPv4 address`},
		{"dns.default_ttl", "dns: {default_ttl: 0}", `c.yaml:1: dns.default_ttl: "0" must be 1 to 2147483647 seconds`},
		{"dns.default_ttl type", "dns:\n  default_ttl: a minute", "c.yaml:2: dns.default_ttl: must be a whole number, not a text"},
		{"dns.trusted", "dns: {trusted: [everyone]}", `"everyone": must be a CIDR`},
		{"dns.trusted type", "dns:\n  trusted: 1", "c.yaml:2: dns.trusted: must be a list, not a number"},
		{"dns.api_names", "dns: {api_names: ['a:80']}", `dns.api_names[0]: "a:80" must be a host name without a port`},
		{"dns.forward", "dns: {forward: [example.com]}", `dns.forward[0]: "example.com" must be IP or IP:PORT`},
		{"health.interval", "health: {interval: 1ms}", `health.interval: "1ms" must be 100ms or more`},
		{"health.interval unit", "health:\n  interval: 30", `c.yaml:2: health.interval: "30": must be a duration with its unit`},
		{"health.initial_interval", "health: {initial_interval: 0s}", `health.initial_interval: "0s" must be 100ms or more`},
		{"health.control", "health: {control: [gateway:53]}", `health.control[0]: "gateway:53" must be IP:PORT`},
		{"health.deny", "health: {deny: [10.0.0.1/8]}", `health.deny[0]: "10.0.0.1/8": has bits set outside its mask`},
		{"health.healthy_share", "health: {healthy_share: 18}", `health.healthy_share: "18" must be 0 or above and below 1`},
		{"health.distrust_share", "health: {distrust_share: 80}", `health.distrust_share: "80" must be above 0 and below 1`},
		{"health.max_probes", "health: {max_probes: 1}", `health.max_probes: "1" must be 2 or more`},
		{"health.success_threshold", "health: {success_threshold: 11}", `health.success_threshold: "11" must be 0 to 10`},
		{"quotas of an account", account("quotas: {instances_per_service: -2}"), `c.yaml:3: accounts[0].quotas.instances_per_service: "-2" must be 0 or more`},
		{"rates", "rates:\n  discovery: {per_second: 1}", `c.yaml:2: rates: "discovery" must be one of [discover revision read write sts]`},
		{"rate", "rates:\n  read: {per_second: -1}", `c.yaml:2: rates.read: must have per_second from 0 to 1e9`},
		{"rates of an account", account("rates: {read: {burst: -1}}"), `c.yaml:3: accounts[0].rates.read: must have per_second`},
		{"failures", "auth: {failures_per_second: -1}", `auth.failures_per_second: "-1" must be 0 or more`},
		{"audit", "audit:\n  reads: true", `c.yaml:2: audit: has no file`},
		{"audit size", "audit: {file: a, max_bytes: -1}", `audit.max_bytes: "-1" must be 0 or more`},
		{"shares of both", "shares:\n  - {namespace: a, mesh: b, owner: '111111111111', with: ['222222222222']}", `c.yaml:2: shares[0]: must have one of namespace and mesh`},
		{"quotas", "quotas:\n  services_per_namespace: -1", `c.yaml:2: quotas.services_per_namespace: "-1" must be 0 or more`},
		{"limits", "limits: {max_connections: -1}", `limits.max_connections: "-1" must be 0 or more`},
		{"limits time", "limits: {idle_timeout: -1s}", `limits.idle_timeout: "-1s" must be 0s or more`},
		{"admin_hosts", "admin_hosts: ['*']", `admin_hosts[0]: "*" must be a host name`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.text)
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error()+"\n", tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// account is a file with one account and something about it.
func account(more string) string { return "accounts:\n  - id: '123456789012'\n    " + more }

func TestEveryErrorIsTold(t *testing.T) {
	_, err := load(t, "regoin: a\nquotas: {x: 1}\n")
	if lines := strings.Count(fmt.Sprint(err), "unknown key"); lines != 2 {
		t.Errorf("%d of 2 unknown keys are told: %v", lines, err)
	}
	_, err = load(t, "region: A B\nlog_level: loud\n")
	if lines := strings.Count(fmt.Sprint(err), "must be"); lines != 2 {
		t.Errorf("%d of 2 bad values are told: %v", lines, err)
	}
}

func TestErrorsShowNoSecrets(t *testing.T) {
	const secret = "wJalrXUtnFEMIK7MDENGbPxRfiCY"
	for _, text := range []string{
		account("users: [{name: a, access_keys: [" + secret + "]}]"),
		account("users: [{name: a, access_keys: {" + secret + ": x}}]"),
		account("users: [{name: a, access_keys: [{id: '" + secret + "+/'}]}]"),
		account("users: [{name: a, access_keys: [{id: k, secret: [" + secret + "]}]}]"),
		account("users: " + secret),
		account("users: [{name: a, access_keys: [{" + secret + ": x}]}]"),
	} {
		_, err := load(t, text)
		if err == nil {
			t.Errorf("%s: no error", text)
		} else if strings.Contains(err.Error(), secret[:7]) {
			t.Errorf("%s: the error shows the secret: %v", text, err)
		}
	}
}

func TestSecretIsHidden(t *testing.T) {
	c := Default()
	c.Accounts = []Account{{ID: "123456789012", Users: []User{{AccessKeys: []AccessKey{{ID: "AK", Secret: "hush"}}}}}}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "secret", c.Accounts[0].Users[0].AccessKeys[0].Secret)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "accounts", c.Accounts)
	inJSON, err := json.Marshal(c.Accounts)
	inYAML, err2 := yaml.Marshal(c.Accounts)
	if err = errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	secret := c.Accounts[0].Users[0].AccessKeys[0].Secret
	for _, shown := range []string{
		log.String(), string(inJSON), string(inYAML),
		fmt.Sprint(secret), fmt.Sprintf("%q %x %#v %s %d", secret, secret, secret, secret, secret),
		fmt.Sprintf("%v %+v %#v", c.Accounts, c.Accounts, c.Accounts),
	} {
		if strings.Contains(shown, "hush") || strings.Contains(shown, fmt.Sprintf("%x", "hush")) {
			t.Errorf("the secret shows: %s", shown)
		}
	}
}

func TestPrecedence(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte("region: from-file\nlog_level: warn\nnode_name: from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"CAIRN_REGION": "from-env", "CAIRN_LOG_LEVEL": "error", "CAIRN_LOG_FORMAT": ""}
	c, err := Load(Sources{
		File:  path,
		Env:   func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Flags: map[string]string{"region": "from-flag"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{c.Region, c.LogLevel, c.NodeName, c.LogFormat}
	if diff := cmp.Diff([]string{"from-flag", "error", "from-file", "text"}, got); diff != "" {
		t.Error(diff)
	}
}

// A value that a flag replaces needs not be right, and an error names the
// source that the value came from.
func TestErrorsNameTheSource(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte("store: etcd\napi_addr: 0.0.0.0:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"CAIRN_STORE": "redis"}[name]
		return v, ok
	}
	tests := []struct {
		name  string
		flags map[string]string
		env   func(string) (string, bool)
		want  string
	}{
		{"all right", map[string]string{"store": "embedded", "api-addr": "127.0.0.1:1"}, nil, ""},
		{"bad flag", map[string]string{"log-level": "loud"}, nil, `--log-level: "loud" must be`},
		{"bad combination by flag", map[string]string{"store": "embedded", "api-addr": ":1"}, nil, `--api-addr: api_addr: ":1" is reachable`},
		{"bad value by environment", map[string]string{"api-addr": "127.0.0.1:1"}, env, `CAIRN_STORE: "redis" must be`},
		{"unsupported by file", map[string]string{"api-addr": "127.0.0.1:1"}, nil, `c.yaml:1: store: "etcd" needs etcd_endpoints`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(Sources{File: path, Env: tt.env, Flags: tt.flags})
			if tt.want == "" && err == nil {
				return
			}
			if err == nil || tt.want == "" || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %q", err, tt.want)
			}
		})
	}
}

func TestMissingFile(t *testing.T) {
	_, err := Load(Sources{File: filepath.Join(t.TempDir(), "absent.yaml")})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Load() = %v", err)
	}
}

func TestSettingsNames(t *testing.T) {
	for _, s := range Settings() {
		c := Default()
		if s.Flag == "node-name" {
			continue // empty means the host name
		}
		if err := s.Set(&c, s.Value(&c)); err != nil {
			t.Errorf("--%s: the default is refused: %v", s.Flag, err)
		}
	}
	s := Settings()[1]
	if s.Flag != "api-addr" || s.env() != "CAIRN_API_ADDR" || s.key != "api_addr" {
		t.Errorf("%s, %s, %s", s.Flag, s.env(), s.key)
	}
}

func TestListSetting(t *testing.T) {
	c, err := Load(Sources{Flags: map[string]string{"store": "etcd", "etcd-endpoints": "http://a:1, https://b:2,"}})
	if err != nil || c.Store != StoreEtcd {
		t.Errorf("Load() = %v", err)
	}
	c = Default()
	for _, s := range Settings() {
		if s.Flag == "etcd-endpoints" {
			if err := s.Set(&c, "http://a:1, https://b:2,"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff([]string{"http://a:1", "https://b:2"}, c.EtcdEndpoints); diff != "" {
		t.Error(diff)
	}
}

func FuzzConfigFile(f *testing.F) {
	f.Add([]byte(contractFile))
	f.Add([]byte("region: a\n---\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("health: {interval: 9223372036854775808ns}"))
	f.Add([]byte("accounts: [{users: [{access_keys: [x]}]}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := Default()
		file, err := decodeFile(bytes.NewReader(text), "c.yaml", &c)
		if err != nil {
			return
		}
		// Whatever was accepted can be checked and explained.
		_ = withOrigins(c.Check(), file.place)
		_ = c.Rules()
	})
}
