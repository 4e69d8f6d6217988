package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

// TestUnsupported calls what is not implemented of ECS with
// boto3; see the script.
func TestUnsupported(t *testing.T) {
	t.Parallel()
	python := python(t)
	n := nodetest.Start(t, nodetest.WithMemoryStore())
	t.Log(run(t, ".", awsEnv(t.TempDir()), python, "testdata/unsupported.py", n.URL))
}

// TestUnsupportedCLI: the AWS CLI prints the error and no traceback.
func TestUnsupportedCLI(t *testing.T) {
	t.Parallel()
	aws := testtool.Need(t, "aws", "awscli")
	n := nodetest.Start(t, nodetest.WithMemoryStore())
	for command, want := range map[string]string{
		"ecs describe-task-sets --cluster a --service b": "An error occurred (UnsupportedFeatureException) when calling the DescribeTaskSets operation: ecs:DescribeTaskSets is not supported: the deployment controllers CODE_DEPLOY and EXTERNAL",
	} {
		args := append(strings.Fields(command), "--endpoint-url", n.URL)
		cmd := exec.CommandContext(t.Context(), aws, args...)
		cmd.Env = append(os.Environ(), awsEnv(t.TempDir())...)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) || strings.Contains(string(out), "Traceback") {
			t.Errorf("aws %s: %v\n%s", command, err, out)
		}
	}
}
