package node_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testca"
	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

func TestCheck(t *testing.T) {
	ca := testca.New(t)
	cert, key := ca.Issue(t, testca.Names{IPs: []string{"127.0.0.1"}})
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	tests := []struct {
		name    string
		change  func(*node.Config)
		report  string // in a line
		warning string // in a warning
		err     string // in the error
	}{
		{"good", func(c *node.Config) {}, "auth.mode open", "", ""},
		{"listeners", func(c *node.Config) {}, "api_addr 127.0.0.1:0: can be opened", "", ""},
		{"no folder yet", func(c *node.Config) { c.DataDir = filepath.Join(c.DataDir, "new") }, "does not exist; the node creates it", "", ""},
		{"no users", func(c *node.Config) { c.Auth.Mode = config.AuthSigV4 }, "", "there are no users", ""},
		{"users of the registry", func(c *node.Config) {
			c.Auth.Mode = config.AuthSigV4
			if err := os.WriteFile(filepath.Join(c.DataDir, "a"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "users of the registry are not read", "", ""},
		{"wrong value", func(c *node.Config) { c.Region = "" }, "", "", "region"},
		{"port in use", func(c *node.Config) { c.APIAddr = taken.Addr().String() }, "", "", "api_addr: listen tcp"},
		{"DNS port in use", func(c *node.Config) { c.DNSAddr = taken.Addr().String() }, "", "", "dns_addr: "},
		{"certificate", func(c *node.Config) { c.TLS.CertFile, c.TLS.KeyFile = cert, key }, "the certificate is valid until", "", ""},
		{"no certificate", func(c *node.Config) { c.TLS.CertFile, c.TLS.KeyFile = "/nowhere", key }, "", "", "tls: "},
		{"key of another certificate", func(c *node.Config) { c.TLS.CertFile, c.TLS.KeyFile = key, cert }, "", "", "tls: "},
		{"secret of a TSIG key", func(c *node.Config) { c.DNS.TSIGKeys = []config.TSIGKey{{Name: "k", SecretFile: "/nowhere"}} }, "", "", "/nowhere"},
		{"audit file", func(c *node.Config) { c.Audit.File = "/dev/null/audit.log" }, "", "", "audit.file: "},
		{"new folder of the audit file", func(c *node.Config) { c.Audit.File = "/nowhere/audit.log" }, "its folder does not exist; the node creates it", "", ""},
		{"policy", func(c *node.Config) {
			c.Accounts = []config.Account{{ID: "123456789012", Users: []config.User{{Name: "a", Policies: []config.Policy{"{}"}}}}}
		}, "", "", "user/a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := nodetest.Config(t)
			tt.change(&cfg)
			r, err := node.Check(t.Context(), cfg)
			if lines := strings.Join(r.Lines, "\n"); !strings.Contains(lines, tt.report) {
				t.Errorf("lines %s\nwant %s", lines, tt.report)
			}
			if warnings := strings.Join(r.Warnings, "\n"); !strings.Contains(warnings, tt.warning) || tt.warning == "" && warnings != "" {
				t.Errorf("warnings %q, want %q", warnings, tt.warning)
			}
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

// Every error is in the result, not only the first.
func TestCheckReportsAll(t *testing.T) {
	cfg := nodetest.Config(t)
	cfg.TLS.CertFile, cfg.TLS.KeyFile = "/nowhere", "/nowhere"
	cfg.Audit.File = "/dev/null/audit.log"
	cfg.DNSAddr = "192.0.2.1:53" // not an address of this machine
	_, err := node.Check(t.Context(), cfg)
	for _, want := range []string{"tls: ", "audit.file: ", "dns_addr: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s in it", err, want)
		}
	}
}

// The configuration of a running node can be checked, and the node goes on.
func TestCheckBesideARunningNode(t *testing.T) {
	n := nodetest.Start(t)
	cfg := nodetest.Config(t)
	cfg.DataDir, cfg.APIAddr, cfg.DNSAddr, cfg.AdminAddr = n.DataDir, n.Addrs().API, n.Addrs().DNS, n.Addrs().Admin
	r, err := node.Check(t.Context(), cfg)
	if err != nil {
		t.Error(err)
	}
	if lines := strings.Join(r.Lines, "\n"); strings.Count(lines, "in use, probably by the running node") != 3 {
		t.Errorf("lines %s", lines)
	}
	if warnings := strings.Join(r.Warnings, "\n"); !strings.Contains(warnings, "in use by process") {
		t.Errorf("warnings %s", warnings)
	}
	if code, text := call(t, n, "ListNamespaces", "{}"); code != 200 {
		t.Errorf("%d %s", code, text)
	}
}

func TestWarningWithoutUsers(t *testing.T) {
	var log logBuffer
	n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) {
		c.Auth.Mode, c.LogOutput = config.AuthSigV4, &log
	}))
	n.Stop(t)
	if text := log.String(); !strings.Contains(text, "level=WARN") || !strings.Contains(text, "there are no users, so every call is refused") {
		t.Errorf("log %s", text)
	}
	log = logBuffer{}
	n = nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) {
		c.Auth.Mode, c.LogOutput = config.AuthSigV4, &log
		c.Accounts = []config.Account{{ID: "123456789012", Users: []config.User{{Name: "a"}}}}
	}))
	n.Stop(t)
	if text := log.String(); strings.Contains(text, "there are no users") {
		t.Errorf("log %s", text)
	}
}
