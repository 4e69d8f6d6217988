package node

import (
	"io"
	"net/netip"

	"github.com/cairn-discovery/cairn/store"
)

// Config is everything a node can be told. The yaml names are the keys of the
// configuration file; docs/configuration.md is made from the comments here.
//
// Start from Default: the zero Config is not usable.
type Config struct {
	// DataDir is the embedded store's folder. It is created when absent and
	// locked against a second process.
	DataDir string `yaml:"data_dir"`
	// APIAddr is the listener of the AWS APIs. Port 0 picks a free port, here
	// and for the other listeners.
	APIAddr string `yaml:"api_addr"`
	// DNSAddr is the DNS listener, on UDP and TCP.
	DNSAddr string `yaml:"dns_addr"`
	// AdminAddr is the listener of health, readiness, metrics, profiles and
	// backup.
	AdminAddr string `yaml:"admin_addr"`
	// XDSAddr is the xDS listener. Not served yet.
	XDSAddr string `yaml:"xds_addr"`
	// Store is where the registry is kept: embedded, etcd or cluster. Only
	// embedded is supported yet.
	Store string `yaml:"store"`
	// EtcdEndpoints are the URLs of an etcd that runs elsewhere. Only with
	// store etcd.
	EtcdEndpoints []string `yaml:"etcd_endpoints"`
	// EtcdPrefix is put before every key, so that several clusters can share
	// one etcd. Only with store etcd.
	EtcdPrefix string `yaml:"etcd_prefix"`
	// ClusterAddr is where the other nodes reach this one. Only with store
	// cluster.
	ClusterAddr string `yaml:"cluster_addr"`
	// Join are the cluster addresses of nodes that are already there. None
	// starts a new cluster. Only with store cluster.
	Join []string `yaml:"join"`
	// NodeName is this node's name, unique in a cluster. Empty means the host
	// name.
	NodeName string `yaml:"node_name"`
	// Region is the region in ARNs and credential scopes.
	Region string `yaml:"region"`
	// LogFormat is text or json. Logs go to stderr.
	LogFormat string `yaml:"log_format"`
	// LogLevel is debug, info, warn or error. Reloaded by SIGHUP.
	LogLevel string `yaml:"log_level"`

	// Compatibility is extended, or strict: behave as AWS does where cairn by
	// default does better.
	Compatibility string `yaml:"compatibility"`
	// Auth says who may call the APIs.
	Auth Auth `yaml:"auth"`
	// Accounts are the AWS accounts that exist besides 000000000000. Reloaded
	// by SIGHUP.
	Accounts []Account `yaml:"accounts"`
	// Shares are namespaces shared with other accounts. Reloaded by SIGHUP.
	Shares []Share `yaml:"shares"`
	// VPCs are the VPC ids that a private namespace may name. Left out, any id
	// is accepted. Reloaded by SIGHUP.
	VPCs []VPC `yaml:"vpcs"`
	// EC2Instances maps EC2 instance ids to the private IPv4 address that an
	// instance registered with AWS_EC2_INSTANCE_ID gets. Reloaded by SIGHUP.
	EC2Instances map[string]Addr `yaml:"ec2_instances"`
	// DNS says how names are answered.
	DNS DNS `yaml:"dns"`
	// Health says how instances are checked.
	Health Health `yaml:"health"`
	// Quotas bound what one account can create. Reloaded by SIGHUP.
	Quotas Quotas `yaml:"quotas"`
	// Rates bound how many calls of a class one account can make: discover,
	// revision, read, write and sts, each with per_second and burst. Left out,
	// there are none; with strict, those that AWS publishes. Reloaded by SIGHUP.
	Rates map[string]Rate `yaml:"rates"`
	// Limits protect the node from its clients.
	Limits Limits `yaml:"limits"`
	// Audit records who did what.
	Audit Audit `yaml:"audit"`
	// AdminHosts are further host names by which browsers and scrapers may
	// call the admin listener. IP addresses and localhost always work; other
	// names are refused, so that a web page cannot reach a loopback listener
	// by DNS rebinding.
	AdminHosts []string `yaml:"admin_hosts"`
	// AdminTokenFile holds a token that requests to the admin listener must show,
	// as "Authorization: Bearer TOKEN", unless they come with a client
	// certificate; /livez and /readyz need neither. The environment variable
	// CAIRN_ADMIN_TOKEN gives the token itself instead.
	AdminTokenFile string `yaml:"admin_token_file"`
	// TLS is the certificate of the API listener, which speaks HTTPS then, and
	// of DNS over TLS and HTTPS. The files are read again when they change.
	TLS TLS `yaml:"tls"`

	// Environment is what the program around the node gives; it cannot be
	// given in the file.
	Environment `yaml:"-"`
}

// Environment is what a node needs from the program that runs it.
type Environment struct {
	// SealKey is the key of Auth.SealKeyFile itself, from the environment.
	SealKey Secret
	// AdminToken is the token of AdminTokenFile itself, from the environment.
	AdminToken Secret
	// LogOutput is where logs go. Nil means stderr.
	LogOutput io.Writer
	// Version is told in the log and in metrics. Empty means what the Go build
	// recorded.
	Version string
	// OpenStore opens the store that Run uses and closes. Nil means the one
	// that Config.Store names.
	OpenStore func() (store.Store, error)
	// Notify tells the service manager about a change of state such as
	// "READY=1". Nil means systemd, when it started this process.
	Notify func(state string) error
}

// Share is a namespace that other accounts may use.
type Share struct {
	// Namespace is the namespace's name, or its id.
	Namespace string `yaml:"namespace"`
	// Owner is the account that owns it.
	Owner string `yaml:"owner"`
	// With are the accounts that may use it.
	With []string `yaml:"with"`
}

// Quotas bound what one account can create. 0 is no limit; left out, the
// default depends on compatibility.
type Quotas struct {
	// NamespacesPerAccount is 50 by default.
	NamespacesPerAccount *int `yaml:"namespaces_per_account"`
	// ServicesPerNamespace is 50 by default, 0 with strict.
	ServicesPerNamespace *int `yaml:"services_per_namespace"`
	// InstancesPerService is 1000 by default.
	InstancesPerService *int `yaml:"instances_per_service"`
	// InstancesPerNamespace is 0 by default, 2000 with strict.
	InstancesPerNamespace *int `yaml:"instances_per_namespace"`
	// OperationsPerAccount is how many ended operations are remembered, 100000
	// by default. Those beyond it are forgotten before their 24 hours are over.
	OperationsPerAccount *int `yaml:"operations_per_account"`
}

// Rate is a token bucket.
type Rate struct {
	// PerSecond is how many calls flow in. 0 is no limit.
	PerSecond float64 `yaml:"per_second"`
	// Burst is how many can be made at once; 0 means as many as in a second.
	Burst int `yaml:"burst"`
}

// Audit records who did what, one JSON line for each call; see docs/audit.md.
type Audit struct {
	// File is where records go, or stderr. Empty: nowhere. SIGHUP opens it
	// anew.
	File string `yaml:"file"`
	// MaxBytes is the size at which the file is renamed to FILE.1 and begun
	// anew; 0 means 100 MiB.
	MaxBytes int64 `yaml:"max_bytes"`
	// MaxFiles is how many files are kept, the one that is written included; 0
	// means 10.
	MaxFiles int `yaml:"max_files"`
	// Reads says whether calls that change nothing, DiscoverInstances among
	// them, are recorded too.
	Reads bool `yaml:"reads"`
}

// Limits protect the API listener; 0 means the built-in value.
type Limits struct {
	// MaxBodyBytes bounds a request's body.
	MaxBodyBytes int64 `yaml:"max_body_bytes"`
	// MaxHeaderBytes bounds a request's header.
	MaxHeaderBytes int `yaml:"max_header_bytes"`
	// MaxConnections bounds the connections open at once.
	MaxConnections int `yaml:"max_connections"`
	// ReadTimeout bounds how long a request may take to arrive.
	ReadTimeout Duration `yaml:"read_timeout"`
	// WriteTimeout bounds how long an answer may take to be read.
	WriteTimeout Duration `yaml:"write_timeout"`
	// IdleTimeout is how long a connection may wait for its next request.
	IdleTimeout Duration `yaml:"idle_timeout"`
	// QueueSize bounds the writes that wait for the store. Those beyond it get
	// a throttling error.
	QueueSize int `yaml:"queue_size"`
}

// TLS is the node's certificate.
type TLS struct {
	// CertFile is the certificate chain in PEM.
	CertFile string `yaml:"cert_file"`
	// KeyFile is the private key in PEM.
	KeyFile string `yaml:"key_file"`
	// ClientCAFile are the authorities that may sign client certificates, which
	// clients of the API must show then. DNS asks for none.
	ClientCAFile string `yaml:"client_ca_file"`
	// ClientOptional lets clients of the API come without a certificate. One
	// that is shown is verified all the same.
	ClientOptional bool `yaml:"client_optional"`
	// Admin makes the admin listener speak HTTPS too, with the same
	// certificate. With client_ca_file, a client certificate opens it instead of
	// the token, save one that names a user of the API: those have the user's
	// ARN as a URI among their subject alternative names.
	Admin bool `yaml:"admin"`
	// AllowPlainHTTP lets the API and the admin listener be reached without TLS
	// from other machines, for networks that encrypt by themselves.
	AllowPlainHTTP bool `yaml:"allow_plain_http"`
}

// certifiesAdmin reports whether a client certificate opens the admin listener.
func (t *TLS) certifiesAdmin() bool { return t.Admin && t.ClientCAFile != "" }

// Default returns the configuration of a node that is told nothing.
func Default() Config {
	return Config{
		DataDir:       "./cairn-data",
		APIAddr:       "127.0.0.1:8053",
		DNSAddr:       "127.0.0.1:8054",
		AdminAddr:     "127.0.0.1:8055",
		XDSAddr:       "127.0.0.1:8056",
		Store:         storeEmbedded,
		EtcdPrefix:    "/cairn/",
		ClusterAddr:   "127.0.0.1:8057",
		Region:        "us-east-1",
		LogFormat:     logText,
		LogLevel:      "info",
		Compatibility: compatExtended,
		Auth:          Auth{Mode: authOpen, FailuresPerSecond: 5, FailureBurst: 50},
		DNS: DNS{
			Trusted: []Prefix{
				{netip.MustParsePrefix("127.0.0.0/8")},
				{netip.MustParsePrefix("::1/128")},
			},
			DefaultTTL: 60,
			RateLimit:  RateLimit{Slip: 2},
		},
		Health: defaultHealth(),
	}
}

// The words that a configuration knows.
const (
	storeEmbedded = "embedded"
	storeEtcd     = "etcd"
	storeCluster  = "cluster"

	logText = "text"
	logJSON = "json"

	compatExtended = "extended"
	compatStrict   = "strict"

	authOpen  = "open"
	authSigV4 = "sigv4"
)
