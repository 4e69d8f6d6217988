package e2e

import (
	"net"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

// TestRoute53Health has the prober run health checks of Route 53 of every kind; see the
// script.
func TestRoute53Health(t *testing.T) {
	t.Parallel()
	python := python(t)
	testtool.Need(t, "dig", "bind9-dnsutils")
	testtool.Need(t, "openssl", "openssl")
	n := nodetest.Start(t, nodetest.WithMemoryStore())
	_, port, err := net.SplitHostPort(n.Addrs().DNS)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(run(t, ".", awsEnv(t.TempDir()), python, "testdata/route53_health.py", n.URL, port))
}
