// Package testtool finds the programs that tests run.
package testtool

import (
	"os"
	"os/exec"
	"testing"
)

// Need returns the path of a program. Where it is missing, the test fails in CI
// (the environment has CI=true), and otherwise is skipped with a hint how to
// install it.
func Need(t testing.TB, program, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	Missing(t, program, debianPackage)
	return ""
}

// Missing ends a test that lacks something it needs, as Need does.
func Missing(t testing.TB, what, debianPackage string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing; test/setup.sh should have installed it (Debian package %s)", what, debianPackage)
	}
	t.Skipf("%s is missing: run test/setup.sh, or apt-get install %s", what, debianPackage)
}
