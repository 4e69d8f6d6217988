package e2e

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

// TestRoute53 uses the API of Route 53 with boto3, and dig; see the script.
func TestRoute53(t *testing.T) {
	t.Parallel()
	python := python(t)
	testtool.Need(t, "dig", "bind9-dnsutils")
	n := nodetest.Start(t, nodetest.WithMemoryStore())
	_, port, err := net.SplitHostPort(n.Addrs().DNS)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(run(t, ".", awsEnv(t.TempDir()), python, "testdata/route53.py", n.URL, port))
}

// TestOctoDNS manages a zone as octoDNS does, with clients in two places; see the script.
func TestOctoDNS(t *testing.T) {
	t.Parallel()
	python := python(t)
	testtool.Need(t, "dig", "bind9-dnsutils")
	europe := config.Region{Name: "europe", Continent: "EU", CIDRs: []config.Prefix{{Prefix: netip.MustParsePrefix("10.1.0.0/16")}}}
	n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) { c.DNS.Regions = []config.Region{europe} }))
	_, port, err := net.SplitHostPort(n.Addrs().DNS)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(run(t, ".", awsEnv(t.TempDir()), python, "testdata/octodns.py", n.URL, port))
}

// TestRoute53Model calls every operation of the model with random inputs; see the script.
func TestRoute53Model(t *testing.T) {
	t.Parallel()
	python := python(t)
	p, _ := route53Process(t)
	t.Log(run(t, ".", awsEnv(t.TempDir()), python, "testdata/route53_model.py", "../../edge/aws/route53/model/route53-2013-04-01.json", p.url))
}

// accountsConfig has two accounts, each with a VPC and a user.
const accountsConfig = `
auth: {mode: sigv4}
dns: {trusted: [192.0.2.0/24]} # not loopback addresses, which see every zone by default
accounts:
  - id: "111111111111"
    users: [{name: one, managed_policies: [AmazonRoute53FullAccess], access_keys: [{id: AKIAONE, secret: "the secret of ONE"}]}]
  - id: "222222222222"
    users: [{name: two, managed_policies: [AmazonRoute53FullAccess], access_keys: [{id: AKIATWO, secret: "the secret of TWO"}]}]
vpcs:
  - {id: vpc-one, cidrs: [127.1.0.0/16], accounts: ["111111111111"]}
  - {id: vpc-two, cidrs: [127.2.0.0/16], accounts: ["222222222222"]}
`

// TestRoute53Accounts associates VPCs with zones across accounts; see the script.
func TestRoute53Accounts(t *testing.T) {
	t.Parallel()
	python := python(t)
	testtool.Need(t, "dig", "bind9-dnsutils")
	dir := t.TempDir()
	file := filepath.Join(dir, "cairn.yaml")
	if err := os.WriteFile(file, []byte(accountsConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	p := serve(t, build(t), filepath.Join(dir, "data"), "--config", file)
	_, port, err := net.SplitHostPort(p.dns)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(run(t, ".", awsEnv(dir), python, "testdata/route53_accounts.py", p.url, port))
}
