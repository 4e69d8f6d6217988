package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// File names in a file are relative to the file, those of flags and environment
// to the working folder.
func TestRelativePaths(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "secrets/deployer", "wJalrXUtnFEMI")
	write(t, dir, "credentials/deployer", "wJalrXUtnFEMI")
	credentials := filepath.Join(dir, "credentials")
	for _, tt := range []struct{ name, secret, want, err string }{
		{"relative", "secrets/deployer", filepath.Join(dir, "secrets/deployer"), ""},
		{"absolute", filepath.Join(dir, "secrets/deployer"), filepath.Join(dir, "secrets/deployer"), ""},
		{"credential", "$CREDENTIALS_DIRECTORY/deployer", filepath.Join(credentials, "deployer"), ""},
		{"credential in braces", "${CREDENTIALS_DIRECTORY}/deployer", filepath.Join(credentials, "deployer"), ""},
		{"no such file", "secrets/other", "", "secrets/other: no such file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := write(t, dir, "cairn.yaml", "auth: {mode: sigv4}\n"+account("users: [{name: a, access_keys: [{id: AK, secret_file: '"+tt.secret+"'}]}]"))
			c, err := Load(Sources{File: file, Env: environment(map[string]string{"CREDENTIALS_DIRECTORY": credentials})})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("Load() = %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Accounts[0].Users[0].AccessKeys[0].SecretFile; got != tt.want {
				t.Errorf("secret_file %s, want %s", got, tt.want)
			}
		})
	}
}

func TestCredentialsWithoutSystemd(t *testing.T) {
	_, err := load(t, "admin_token_file: $CREDENTIALS_DIRECTORY/admin\n")
	want := `c.yaml:1: admin_token_file: "$CREDENTIALS_DIRECTORY/admin" needs the variable CREDENTIALS_DIRECTORY, which systemd sets for a unit with LoadCredential=`
	if err == nil || err.Error() != want {
		t.Errorf("Load() = %v\nwant %s", err, want)
	}
}

// Every key with a file name is resolved, and nothing else.
func TestEveryPath(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "cairn.yaml", `
data_dir: data
audit: {file: audit.log}
tls: {cert_file: c, key_file: k, client_ca_file: ca}
accounts: [{id: "123456789012", oidc_providers: [{issuer: "https://x", jwks_file: jwks}]}]
dns: {tsig_keys: [{name: n, secret_file: tsig}]}
`)
	c, err := Load(Sources{File: file})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{
		c.DataDir, c.Audit.File, c.TLS.CertFile, c.TLS.KeyFile, c.TLS.ClientCAFile,
		c.Accounts[0].OIDCProviders[0].JWKSFile, c.DNS.TSIGKeys[0].SecretFile,
	}
	for i, name := range []string{"data", "audit.log", "c", "k", "ca", "jwks", "tsig"} {
		if want := filepath.Join(dir, name); got[i] != want {
			t.Errorf("%s, want %s", got[i], want)
		}
	}
	c, err = Load(Sources{File: write(t, dir, "stderr.yaml", "audit: {file: stderr}"), Flags: map[string]string{"data-dir": "flag"}})
	if err != nil || c.Audit.File != "stderr" || c.DataDir != "flag" {
		t.Errorf("%q, %q: %v", c.Audit.File, c.DataDir, err)
	}
	c, err = Load(Sources{File: write(t, dir, "empty.yaml", "")})
	if err != nil || c.DataDir != Default().DataDir {
		t.Errorf("default %q: %v", c.DataDir, err)
	}
}

func environment(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSecretsOfTheEnvironment(t *testing.T) {
	c, err := Load(Sources{Env: environment(map[string]string{
		"CAIRN_SEAL_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "CAIRN_ADMIN_TOKEN": "0123456789abcdef",
	})})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "0123456789abcdef"}, []string{string(c.Auth.SealKey), string(c.AdminToken)}); diff != "" {
		t.Error(diff)
	}
}
