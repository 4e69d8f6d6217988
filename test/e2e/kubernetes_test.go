package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The manifests of deploy/kubernetes have the fields that the types of Kubernetes have, and
// no others.
func TestKubernetesManifests(t *testing.T) {
	t.Parallel()
	program := clientProgram(t)
	text, err := os.ReadFile("../../deploy/kubernetes/cairn.yaml")
	if err != nil {
		t.Fatal(err)
	}
	check := func(text []byte) (string, error) {
		cmd := exec.Command(program, "manifests")
		cmd.Stdin = bytes.NewReader(text)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	const want = "ConfigMap cairn cairn\nStatefulSet cairn cairn\nService cairn cairn\nService cairn cairn-dns\n" +
		"Service cairn cairn-nodes\nPodDisruptionBudget cairn cairn\n"
	if got, err := check(text); err != nil || got != want {
		t.Errorf("%v: %s", err, got)
	}
	wrong := bytes.Replace(text, []byte("readOnlyRootFilesystem"), []byte("readOnlyRootFileSystem"), 1)
	if got, err := check(wrong); err == nil || !strings.Contains(got, "readOnlyRootFileSystem") {
		t.Errorf("a field that does not exist: %v: %s", err, got)
	}
}
