package e2e

import (
	"testing"

	"github.com/cairn-discovery/cairn/node/nodetest"
)

// TestAppMesh has boto3 make every call of App Mesh; see the script.
func TestAppMesh(t *testing.T) {
	t.Parallel()
	python := python(t)
	n := nodetest.Start(t)
	t.Log(run(t, ".", awsEnv(t.TempDir()), python, "testdata/appmesh.py", n.URL))
}

// TestAppMeshController makes the calls of the controller for Kubernetes; see the script.
func TestAppMeshController(t *testing.T) {
	t.Parallel()
	python := python(t)
	n := nodetest.Start(t)
	t.Log(run(t, ".", awsEnv(t.TempDir()), python, "testdata/appmesh_controller.py", n.URL))
}
