package node_test

import (
	"errors"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/internal/testca"
	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

// metric returns the value of a metric without labels.
func metric(t *testing.T, n *nodetest.Node, name string) float64 {
	t.Helper()
	_, text := get(t, n, "/metrics")
	m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no metric %s", name)
	}
	value, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestMetricsOfOperation(t *testing.T) {
	ca := testca.New(t)
	cert, key := ca.Issue(t, testca.Names{IPs: []string{"127.0.0.1"}})
	begin := float64(time.Now().Unix())
	n := nodetest.Start(t, nodetest.With(func(c *node.Config) { c.TLS.CertFile, c.TLS.KeyFile = cert, key }))
	if at := metric(t, n, "cairn_config_last_reload_success_timestamp_seconds"); at < begin {
		t.Errorf("configuration read at %v, before %v", at, begin)
	}
	if free := metric(t, n, "cairn_data_dir_free_bytes"); free <= 0 {
		t.Errorf("%v bytes free", free)
	}
	if end := metric(t, n, "cairn_tls_certificate_expiry_timestamp_seconds"); end <= begin {
		t.Errorf("the certificate expires at %v", end)
	}
	if at := metric(t, n, "cairn_backup_last_success_timestamp_seconds"); at != 0 {
		t.Errorf("backup at %v before the first", at)
	}
	if code, _ := get(t, n, "/backup"); code != 200 {
		t.Errorf("/backup: %d", code)
	}
	if at := metric(t, n, "cairn_backup_last_success_timestamp_seconds"); at < begin {
		t.Errorf("backup at %v, before %v", at, begin)
	}
}

// A file that cannot be read counts as a failed reload, as does a wrong value.
func TestFailedReloadsAreCounted(t *testing.T) {
	n := nodetest.Start(t, nodetest.WithMemoryStore())
	before := metric(t, n, "cairn_config_last_reload_success_timestamp_seconds")
	wrong := nodetest.Config(t).Config
	wrong.Region = ""
	for _, load := range []func() (config.Config, error){
		func() (config.Config, error) { return config.Config{}, errors.New("no such file") }, loaded(wrong),
	} {
		if err := n.Reload(load); err == nil {
			t.Error("the reload worked")
		}
	}
	if failures := metric(t, n, "cairn_config_reload_failures_total"); failures != 2 {
		t.Errorf("%v of 2 failures are counted", failures)
	}
	if at := metric(t, n, "cairn_config_last_reload_success_timestamp_seconds"); at != before {
		t.Errorf("success at %v, after %v", at, before)
	}
}
