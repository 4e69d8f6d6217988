// Package config reads and checks the configuration of a node.
//
// Each section of the configuration is one file of this package: a struct with
// the keys, their documentation and their tags, the defaults, and a check
// method for what the tags cannot say. docs/configuration.md is generated from
// the structs and their comments.
//
//	cfg, err := config.Load(config.Sources{File: "cairn.yaml", Env: os.LookupEnv})
//
// The tags of a field are:
//
//	yaml:"name"      the key in the file; "-" for a field that is not in the file
//	flag:"ARG"       the key is a flag and an environment variable too; ARG stands
//	                 for the value in the help text
//	usage:"text"     the help text of the flag
//	flagname:"NAME"  the name of the flag of a key in a section; others have that of
//	                 the key
//	env:"NAME"       the environment variable that gives this secret itself
//	check:"rule"     a rule for the value, see rules.go
//	reload:"sighup"  a reload changes it; without the tag, a change needs a restart
//	path:"file"      the value is a file name, see paths.go
package config

import (
	"errors"
	"reflect"
)

// Config is the configuration of a node. Start from Default: the zero Config is
// not usable.
type Config struct {
	// DataDir is the embedded store's folder. It is created if it does not exist,
	// and locked against a second process.
	DataDir string `yaml:"data_dir" path:"file" check:"notempty" flag:"DIR" usage:"the embedded store's folder; created, and locked against a second process"`

	Listeners `yaml:",inline"`
	Storage   `yaml:",inline"`
	AWS       `yaml:",inline"`
	Log       `yaml:",inline"`
	Admin     `yaml:",inline"`

	// Nodes is how this node works together with others.
	Nodes Nodes `yaml:"nodes"`
	// Auth is who may call the APIs.
	Auth Auth `yaml:"auth"`
	// Accounts are the AWS accounts that exist besides 000000000000.
	Accounts []Account `yaml:"accounts" reload:"sighup"`
	// Shares are namespaces and meshes shared with other accounts.
	Shares []Share `yaml:"shares" reload:"sighup"`
	// VPCs are the VPC ids that a private namespace may name. Left out, any id is
	// accepted.
	VPCs []VPC `yaml:"vpcs" reload:"sighup"`
	// EC2Instances maps EC2 instance ids to the private IPv4 address that an
	// instance registered with AWS_EC2_INSTANCE_ID gets.
	EC2Instances map[string]Addr `yaml:"ec2_instances" reload:"sighup"`
	// Runner is how this node runs tasks of ECS.
	Runner Runner `yaml:"runner"`
	// DNS is how names are answered.
	DNS DNS `yaml:"dns"`
	// Health is how instances are checked.
	Health Health `yaml:"health"`
	// ECS is how tasks and services of ECS are handled.
	ECS ECS `yaml:"ecs"`
	// XDS is how clients of xDS are served: Envoy and gRPC.
	XDS XDS `yaml:"xds"`
	// Quotas limit what one account can create. 0 is no limit; a quota that is
	// left out has its default, which depends on compatibility.
	Quotas Quotas `yaml:"quotas" reload:"sighup"`
	// Rates limit the calls of one account, by class of operation: discover,
	// revision, read, write and sts, each with per_second and burst. A class that
	// is left out has no limit; with strict, the limit that AWS publishes.
	Rates map[string]Rate `yaml:"rates" reload:"sighup"`
	// Limits protect the node from its clients.
	Limits Limits `yaml:"limits"`
	// Audit is the record of who did what; see docs/audit.md.
	Audit Audit `yaml:"audit"`
	// Cluster is how the nodes of a cluster speak to each other. Only with store
	// cluster.
	Cluster Cluster `yaml:"cluster"`
	// Etcd is how the node speaks to etcd. Only with store etcd.
	Etcd Etcd `yaml:"etcd"`
	// TLS is the certificate of the API listener, which then speaks HTTPS, and of
	// DNS over TLS and HTTPS. Changed files are read again within seconds.
	TLS TLS `yaml:"tls"`
}

// Default returns the configuration of a node without a file, flags and
// environment.
func Default() Config {
	return Config{
		DataDir:   "./cairn-data",
		Listeners: defaultListeners(),
		Storage:   defaultStorage(),
		AWS:       defaultAWS(),
		Log:       defaultLog(),
		Nodes:     defaultNodes(),
		Auth:      defaultAuth(),
		DNS:       defaultDNS(),
		Health:    defaultHealth(),
		Runner:    defaultRunner(),
		ECS:       defaultECS(),
		XDS:       defaultXDS(),
		Etcd:      defaultEtcd(),
	}
}

// Check returns every error in the configuration: KeyErrors, joined. Settings
// that this version does not support are errors too, because a setting that is
// silently ignored is worse than one that is refused.
func (c *Config) Check() error {
	var k checker
	walk(reflect.ValueOf(c).Elem(), k.checkTag)
	c.Storage.check(&k)
	c.Nodes.check(&k)
	c.Etcd.check(&k)
	c.Cluster.check(&k, &c.Storage)
	c.checkExposure(&k)
	checkAccounts(&k, c)
	checkShares(&k, c.Shares)
	checkVPCs(&k, c.VPCs)
	checkEC2Instances(&k, c.EC2Instances)
	c.DNS.check(&k, c)
	c.TLS.check(&k)
	c.Admin.check(&k)
	c.Health.check(&k)
	c.Runner.check(&k, c.VPCs)
	if c.Upstream != "" && c.Runner.Driver != RunnerNone {
		k.fail("runner.driver", c.Runner.Driver, "cannot be used with upstream: a node that follows another one writes nothing")
	}
	c.XDS.check(&k, &c.Auth)
	checkQuotas(&k, "", c.Quotas)
	checkRates(&k, "", c.Rates)
	c.Audit.check(&k)
	if len(k.errs) == 0 {
		// These repeat what the checks above say, but with less detail.
		checkViews(&k, c)
		checkIdentities(&k, c)
	}
	return errors.Join(k.errs...)
}
