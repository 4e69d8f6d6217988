// Package deploy_test checks what is in deploy: that the unit of systemd is valid,
// keeps the service away from the rest of the machine, and starts a node with the
// secrets that it passes.
package deploy_test

import (
	"crypto/tls"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testca"
	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

const folder = "../../deploy/systemd"

// maxExposure is 2.5, in the tenths that --threshold takes.
const maxExposure = "25"

// unit returns a copy of the unit whose program exists.
func unit(t *testing.T) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(read(t, "cairn.service"), "/usr/local/bin/cairn", program)
	path := filepath.Join(t.TempDir(), "cairn.service")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestUnitIsValid(t *testing.T) {
	analyze := testtool.Need(t, "systemd-analyze", "systemd")
	out, err := exec.Command(analyze, "verify", unit(t)).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

func TestUnitIsRestricted(t *testing.T) {
	analyze := testtool.Need(t, "systemd-analyze", "systemd")
	out, err := exec.Command(analyze, "security", "--offline=yes", "--no-pager", "--threshold="+maxExposure, unit(t)).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
	t.Log(regexp.MustCompile(`Overall exposure.*`).FindString(string(out)))
}

// A node starts with the configuration beside the unit, from the root folder as
// under systemd, with the credentials that the unit loads and no others.
func TestServiceStarts(t *testing.T) {
	etc, credentials := t.TempDir(), t.TempDir()
	ca := testca.New(t)
	cert, key := ca.Issue(t, testca.Names{IPs: []string{"127.0.0.1"}})
	sources := map[string]string{
		"/etc/cairn/secrets/tls.key":     key,
		"/etc/cairn/secrets/seal.key":    write(t, filepath.Join(t.TempDir(), "seal"), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
		"/etc/cairn/secrets/admin.token": write(t, filepath.Join(t.TempDir(), "token"), "0123456789abcdef"),
	}
	for _, m := range regexp.MustCompile(`(?m)^LoadCredential=([^:]+):(.*)$`).FindAllStringSubmatch(read(t, "cairn.service"), -1) {
		move(t, sources[m[2]], filepath.Join(credentials, m[1]))
	}
	move(t, cert, filepath.Join(etc, "tls.crt"))
	file := write(t, filepath.Join(etc, "cairn.yaml"), read(t, "cairn.yaml"))
	t.Chdir("/")
	cfg, err := config.Load(config.Sources{
		File:  file,
		Env:   environment{"CREDENTIALS_DIRECTORY": credentials}.lookup,
		Flags: map[string]string{"api-addr": "127.0.0.1:0", "dns-addr": "127.0.0.1:0", "admin-addr": "127.0.0.1:0", "xds-addr": "127.0.0.1:0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Audit.File, cfg.DataDir = filepath.Join(t.TempDir(), "audit.log"), t.TempDir()
	n := nodetest.Start(t, nodetest.With(func(c *node.Config) { c.Config = cfg }))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool}}}
	defer client.CloseIdleConnections()
	resp, err := client.Get(n.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

type environment map[string]string

func (e environment) lookup(name string) (string, bool) {
	value, ok := e[name]
	return value, ok
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func move(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatalf("the unit loads a credential that the test does not have: %v", err)
	}
	write(t, to, string(text))
}
