package docker

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// The pause program runs until SIGTERM and then exits with 0.
func TestPauseProgramEndsOnTerm(t *testing.T) {
	for arch := range pauseCode {
		t.Run(arch, func(t *testing.T) {
			path := writePause(t, arch)
			cmd := exec.Command(path)
			if arch != runtime.GOARCH {
				qemu, err := exec.LookPath("qemu-" + map[string]string{"arm64": "aarch64", "amd64": "x86_64"}[arch] + "-static")
				if err != nil {
					t.Skipf("no emulator of %s: %v", arch, err)
				}
				cmd = exec.Command(qemu, path)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			select {
			case err := <-ended:
				t.Fatalf("ended by itself: %v", err)
			case <-time.After(200 * time.Millisecond):
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-ended:
				if err != nil {
					t.Fatalf("exit: %v", err)
				}
			case <-time.After(10 * time.Second):
				cmd.Process.Kill()
				t.Fatal("SIGTERM did not end it")
			}
		})
	}
}

func TestPauseProgramOfAnUnknownArchitecture(t *testing.T) {
	if _, err := pauseProgram("mips"); err == nil {
		t.Fatal("no error")
	}
}

func writePause(t *testing.T, arch string) string {
	t.Helper()
	b, err := pauseProgram(arch)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "pause")
	if err := os.WriteFile(path, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
