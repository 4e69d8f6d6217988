package testtool

import (
	"fmt"
	"os"
	"os/exec"
)

// Build compiles a Go package to a static program, which runs in any image. All tests
// compile in this way, without cgo: packages are then compiled once for all of them.
func Build(file, source string) error {
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", file, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build of %s: %w\n%s", source, err, out)
	}
	return nil
}
