// Package botocore compares generated codecs with those of botocore, the library
// under AWS's own Python clients: what botocore serializes is decoded here, and
// what is encoded here is parsed by botocore, with random values for every
// operation of an API's model.
package botocore

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

//go:embed driver.py
var script string

// driver is a Python process that answers calls, one line each.
type driver struct {
	in  io.WriteCloser
	out *bufio.Reader
}

// startDriver starts the process, which ends with the test. Where there is no
// botocore the test is skipped, or fails in CI.
func startDriver(t *testing.T) *driver {
	t.Helper()
	if exec.Command("python3", "-c", "import botocore").Run() != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("botocore is not installed; see test/setup.sh")
		}
		t.Skip("botocore is not installed; see test/setup.sh")
	}
	cmd := exec.Command("python3", "-c", script)
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("python3: %v", err)
		}
	})
	d := &driver{in: in, out: bufio.NewReaderSize(out, 1<<20)}
	var hello struct{ Version string }
	d.read(t, &hello)
	t.Logf("botocore %s", hello.Version)
	return d
}

// call sends one call and reads its answer.
func (d *driver) call(t *testing.T, request map[string]any, answer any) {
	t.Helper()
	line, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.in.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	d.read(t, answer)
}

func (d *driver) read(t *testing.T, answer any) {
	t.Helper()
	line, err := d.out.ReadBytes('\n')
	if err != nil {
		t.Fatalf("python3 ended: %v", err)
	}
	var failure struct{ Failure string }
	if err := json.Unmarshal(line, &failure); err != nil {
		t.Fatal(err)
	}
	if failure.Failure != "" {
		t.Fatalf("botocore: %s", failure.Failure)
	}
	if err := json.Unmarshal(line, answer); err != nil {
		t.Fatal(err)
	}
}

// absolute returns a path that does not depend on the process's folder.
func absolute(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return full
}
