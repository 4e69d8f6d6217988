package deploy_test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testca"
	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

const rules = "../../deploy/prometheus"

func TestAlertRules(t *testing.T) {
	promtool := testtool.Need(t, "promtool", "prometheus")
	for _, args := range [][]string{{"check", "rules", "cairn.rules.yml"}, {"test", "rules", "cairn.test.yml"}} {
		cmd := exec.Command(promtool, args...)
		cmd.Dir = rules
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

// Every metric in the rules is one that a node has, and docs/alerts.md explains
// every alert.
func TestAlertsAreReal(t *testing.T) {
	text, err := os.ReadFile(rules + "/cairn.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	ca := testca.New(t)
	cert, key := ca.Issue(t, testca.Names{IPs: []string{"127.0.0.1"}})
	n := nodetest.Start(t, nodetest.With(func(c *node.Config) { c.TLS.CertFile, c.TLS.KeyFile = cert, key }))
	metrics := scrape(t, n.AdminURL)
	for _, name := range regexp.MustCompile(`cairn_[a-z_]+`).FindAllString(string(text), -1) {
		// A metric without a value so far has only its description.
		if !strings.Contains(metrics, "\n"+name) && !isVector(name) {
			t.Errorf("the rules use %s, which a node does not have", name)
		}
	}
	page, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(string(page), "`"+m[1]+"`") {
			t.Errorf("docs/alerts.md does not explain %s", m[1])
		}
	}
}

// isVector reports whether a metric appears only with its first event; that it
// exists is tested in its own package.
func isVector(name string) bool {
	return name == "cairn_commits_total" || name == "cairn_dns_responses_total" || strings.HasPrefix(name, "cairn_quota_") ||
		name == "cairn_mesh_root_expiry_timestamp_seconds" // with the first mesh
}

func scrape(t *testing.T, admin string) string {
	t.Helper()
	resp, err := http.Get(admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return "\n" + string(text)
}
