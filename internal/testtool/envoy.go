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
