package demo

import (
	"bytes"
	"regexp"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/internal/testtool"
)

// TestMeshEnvoys runs the demonstration of the mesh with real Envoys: no request fails.
func TestMeshEnvoys(t *testing.T) {
	var out bytes.Buffer
	p := &cli.Program{Stdout: &out, Stderr: t.Output(), Env: func(string) (string, bool) { return "", false }}
	o := &meshOptions{proxy: proxyEnvoy, envoy: testtool.Envoy(t), phase: 2 * time.Second, rate: 50, instances: 2}
	if err := runMesh(t.Context(), p, o); err != nil {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
	t.Logf("%s", out.Bytes())
	for _, want := range []string{
		`100/0 +\d+ +0 +100.0 % +0.0 % `, `50/50 +\d+ +0 `, `0/100 +\d+ +0 +0.0 % +100.0 % `, `50/50, on-premises-1 fails +\d+ +0 `, `50/50, ecs-1 leaves +\d+ +0 `,
		`0 failures; the client showed [1-9]\d* certificates, all of one SPIFFE id; a client without a certificate is refused`,
	} {
		if !regexp.MustCompile(`(?m)^` + want).Match(out.Bytes()) {
			t.Errorf("there is no %s", want)
		}
	}
}
