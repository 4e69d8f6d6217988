package e2e

import (
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

// hasBoto3 says whether Python has boto3.
var hasBoto3 = sync.OnceValue(func() bool { return exec.Command("python3", "-c", "import boto3").Run() == nil })

// python returns a Python that has boto3.
func python(t *testing.T) string {
	t.Helper()
	path := testtool.Need(t, "python3", "python3")
	if !hasBoto3() {
		testtool.Missing(t, "boto3", "python3-boto3")
	}
	return path
}

// TestBoto3 has boto3 make every call and look at every error; see the script.
func TestBoto3(t *testing.T) {
	t.Parallel()
	python := python(t)
	n := nodetest.Start(t)
	t.Log(run(t, ".", awsEnv(t.TempDir()), python, "testdata/session.py", n.URL))
}

// TestBoto3ThroughProxy: a program whose code nobody can change.
func TestBoto3ThroughProxy(t *testing.T) {
	t.Parallel()
	python := python(t)
	n := nodetest.Start(t)
	env := append(awsEnv(t.TempDir()), throughProxy(n.URL)...)
	t.Log(run(t, ".", env, python, "testdata/session.py", awsEndpoint, "--prefix"))
}

// TestControllers makes the calls of external-dns, the MCS controller and the App
// Mesh controller.
func TestControllers(t *testing.T) {
	t.Parallel()
	python := python(t)
	n := nodetest.Start(t)
	t.Log(run(t, ".", awsEnv(t.TempDir()), python, "testdata/controllers.py", n.URL))
}

// TestConformance breaks every constraint of the API's model in both modes; see
// the script.
func TestConformance(t *testing.T) {
	t.Parallel()
	python := testtool.Need(t, "python3", "python3")
	model := filepath.Join("..", "..", "edge", "aws", "cloudmap", "model", "servicediscovery-2017-03-14.json")
	for mode, flags := range map[string][]string{"extended": nil, "strict": {"--strict"}} {
		t.Run(mode, func(t *testing.T) {
			n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) { c.Compatibility = mode }))
			args := append([]string{"testdata/conformance.py", model, n.URL}, flags...)
			t.Log(run(t, ".", nil, python, args...))
		})
	}
}

// TestBoto3ECSDefinitions has boto3 call what is not about services and tasks; see the
// script.
func TestBoto3ECSDefinitions(t *testing.T) {
	t.Parallel()
	python := python(t)
	n := nodetest.Start(t, nodetest.WithMemoryStore())
	run(t, ".", awsEnv(t.TempDir()), python, "testdata/ecs_definitions.py", n.URL)
}
