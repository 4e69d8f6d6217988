package enginetest

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testtool"
)

// Image is the name of the image of the test program; see testdata/program.
const Image = "cairn-test:1"

// Program returns the test program, a static executable.
func Program(t testing.TB) []byte {
	t.Helper()
	b, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var program = sync.OnceValues(func() ([]byte, error) {
	const source = "github.com/cairn-discovery/cairn/worker/runner/docker/enginetest/testdata/program"
	dir, err := os.MkdirTemp("", "cairn-program-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "program")
	if err := testtool.Build(out, source); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
})

// Load gives the engine an image FROM scratch with the test program as /program and as
// its entry point. Config has further members of the configuration of the image.
func (e *Engine) Load(t testing.TB, name string, config map[string]any) {
	t.Helper()
	c := map[string]any{"Entrypoint": []string{"/program"}}
	for k, v := range config {
		c[k] = v
	}
	e.LoadFiles(t, name, c, map[string][]byte{"program": Program(t)})
}

// LoadFiles gives the engine an image with files.
func (e *Engine) LoadFiles(t testing.TB, name string, config map[string]any, files map[string][]byte) {
	t.Helper()
	layer := archive(t, 0o755, files)
	conf, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux", "config": config,
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + sum(layer)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := json.Marshal([]map[string]any{{"Config": "config.json", "RepoTags": []string{name}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		t.Fatal(err)
	}
	body := archive(t, 0o644, map[string][]byte{"config.json": conf, "layer.tar": layer, "manifest.json": manifest})
	client := http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", e.Socket())
	}}}
	defer client.CloseIdleConnections()
	resp, err := client.Post("http://engine/images/load", "application/x-tar", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK || bytes.Contains(text, []byte("errorDetail")) {
		t.Fatalf("load image %s: %s %s", name, resp.Status, text)
	}
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func archive(t testing.TB, mode int64, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, data := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
