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

// TestUnsupportedCLI: the AWS CLI prints the error and no traceback. The text names what is
// missing.
func TestUnsupportedCLI(t *testing.T) {
	t.Parallel()
	aws := testtool.Need(t, "aws", "awscli")
	n := nodetest.Start(t, nodetest.WithMemoryStore())
	for command, want := range map[string]string{
		"ecs describe-task-sets --cluster a --service b":                                         "An error occurred (UnsupportedFeatureException) when calling the DescribeTaskSets operation: ecs:DescribeTaskSets is not supported: the deployment controllers CODE_DEPLOY and EXTERNAL",
		"route53 list-traffic-policies":                                                          "An error occurred (InvalidAction) when calling the ListTrafficPolicies operation: GET /2013-04-01/trafficpolicies is not supported: cairn has no traffic policies",
		"route53 list-cidr-collections":                                                          "cairn has no CIDR collections",
		"route53 list-query-logging-configs":                                                     "cairn has no query logging",
		"route53 get-reusable-delegation-set --id N1":                                            "cairn has no reusable delegation sets",
		"route53 list-hosted-zones-by-vpc --vpc-id vpc-1 --vpc-region us-east-1 --next-token zz": "An error occurred (InvalidPaginationToken) when calling the ListHostedZonesByVPC operation",
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
