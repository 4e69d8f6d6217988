package ecs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testtool"
)

// TestCredentials has tasks of two accounts call the API with the credentials of their
// roles and nothing configured, and try what they may not; see the script.
func TestCredentials(t *testing.T) {
	python := testtool.Need(t, "python3", "python3")
	out, err := exec.Command(python, "-c", "import boto3, sys; print(sys.executable)").Output()
	if err != nil {
		testtool.Missing(t, "boto3", "python3-boto3")
	}
	seal := filepath.Join(t.TempDir(), "seal.key")
	if err := os.WriteFile(seal, []byte("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := start(t, "auth: {mode: sigv4, seal_key_file: "+seal+"}", "accounts:",
		accountOfTest("111111111111", "ONE", "Service: ecs-tasks.amazonaws.com"),
		accountOfTest("222222222222", "TWO", "Service: ecs-tasks.amazonaws.com"))
	// The interpreter by its own path: a wrapper may need more than there is in a task.
	t.Log(n.run(".", python, "testdata/credentials.py", n.url, strings.TrimSpace(string(out)), n.admin))
}

// accountOfTest is the configuration of an account with an administrator, a role that
// tasks may assume, one that may register them in services of Cloud Map with the tag
// team=red, and one that only the account may assume.
func accountOfTest(id, name, principal string) string {
	return strings.NewReplacer("ID", id, "NAME", name, "PRINCIPAL", principal).Replace(`
  - id: "ID"
    policies:
      - {name: all, document: {Version: 2012-10-17, Statement: {Effect: Allow, Action: "*", Resource: "*"}}}
      - {name: red, document: {Version: 2012-10-17, Statement: {Effect: Allow, Action: servicediscovery:RegisterInstance, Resource: "*", Condition: {StringEquals: {"aws:ResourceTag/team": red}}}}}
    users:
      - {name: admin, managed_policies: [all], access_keys: [{id: AKIANAME, secret: secret-of-NAME}]}
    roles:
      - name: reader
        managed_policies: [AWSCloudMapDiscoverInstanceAccess]
        trust_policy: {Version: 2012-10-17, Statement: {Effect: Allow, Principal: {PRINCIPAL}, Action: sts:AssumeRole, Condition: {StringEquals: {"aws:SourceAccount": "ID"}}}}
      - name: registrar
        managed_policies: [red]
        trust_policy: {Version: 2012-10-17, Statement: {Effect: Allow, Principal: {PRINCIPAL}, Action: sts:AssumeRole}}
      - name: untrusting
        managed_policies: [AWSCloudMapDiscoverInstanceAccess]
        trust_policy: {Version: 2012-10-17, Statement: {Effect: Allow, Principal: {AWS: "ID"}, Action: sts:AssumeRole}}
`)
}
