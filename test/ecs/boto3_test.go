package ecs

import (
	"os/exec"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testtool"
)

// TestBoto3 has boto3 make every call about services, tasks and deployments; see the
// script.
func TestBoto3(t *testing.T) {
	python := testtool.Need(t, "python3", "python3")
	if err := exec.Command(python, "-c", "import boto3").Run(); err != nil {
		testtool.Missing(t, "boto3", "python3-boto3")
	}
	n := start(t)
	t.Log(n.run(".", python, "testdata/ecs.py", n.url))
}

// TestOperations calls every operation of the model with boto3, holds the answers against
// the model and breaks the inputs; see the script.
func TestOperations(t *testing.T) {
	python := testtool.Need(t, "python3", "python3")
	if err := exec.Command(python, "-c", "import boto3").Run(); err != nil {
		testtool.Missing(t, "boto3", "python3-boto3")
	}
	n := start(t)
	t.Log(n.run(".", python, "testdata/operations.py", n.url, "../../edge/aws/ecs/model/ecs-2014-11-13.json"))
}
