package e2e

import (
	"net"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testtool"
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
