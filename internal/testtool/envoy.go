package testtool

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// envoyVersion is the version that test/setup.sh installs.
const envoyVersion = "1.40.0"

// Envoy returns the path of Envoy: the one of test/setup.sh, or one in the PATH. Where it
// is missing, the test fails in CI, and otherwise is skipped.
func Envoy(t testing.TB) string {
	t.Helper()
	if cache, err := os.UserCacheDir(); err == nil {
		path := filepath.Join(cache, "cairn-test", "envoy-"+envoyVersion, "envoy")
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	path, err := exec.LookPath("envoy")
	if err != nil {
		Missing(t, "Envoy", "none; test/setup.sh gets it with pip")
	}
	return path
}

// nodeModulesVersion is that of grpc-js-xds that test/setup.sh installs.
const nodeModulesVersion = "1.14.1"

// NodeModules returns the folder node_modules with a package, which test/setup.sh has
// installed. Where it is missing, the test fails in CI, and otherwise is skipped.
func NodeModules(t testing.TB, name string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	modules := filepath.Join(cache, "cairn-test", "grpc-js-xds-"+nodeModulesVersion, "node_modules")
	if _, err := os.Stat(filepath.Join(modules, name)); err != nil {
		Missing(t, name+" of npm", "npm; test/setup.sh then installs it")
	}
	return modules
}
