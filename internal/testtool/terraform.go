package testtool

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Terraform runs Terraform with the AWS provider in a directory of its own.
type Terraform struct {
	t                  *testing.T
	program, dir, text string
	env                []string
}

// NewTerraform prepares a configuration, in which ENDPOINT is the URL of the node and
// VALUE what Write is given; value is the first. A configuration without endpoints uses the
// node too, and takes much less time: the provider needs seconds to check the endpoints.
// Without Terraform or its AWS provider, which no Debian package has, the test is skipped,
// in CI too.
func NewTerraform(t *testing.T, url, text, value string) *Terraform {
	t.Helper()
	program, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("terraform is missing: get it from developer.hashicorp.com/terraform/install")
	}
	dir := t.TempDir()
	none := filepath.Join(dir, "none")
	tf := &Terraform{t: t, program: program, dir: dir, text: strings.ReplaceAll(text, "ENDPOINT", url)}
	tf.env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1",
		"AWS_CONFIG_FILE="+none, "AWS_SHARED_CREDENTIALS_FILE="+none, "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1",
		"AWS_ENDPOINT_URL="+url, "NO_PROXY=", "no_proxy=", "AWS_CA_BUNDLE=", // the provider can load a bundle only once in a process
		"CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_INPUT=0", "TF_CLI_CONFIG_FILE="+terraformConfig(t))
	tf.Write(value)
	switch out, err := tf.command("init").CombinedOutput(); {
	case err == nil:
	case strings.Contains(string(out), "Failed to query available provider packages"):
		t.Skipf("the AWS provider is not on this machine (see terraform providers mirror): %v\n%s", err, out)
	default:
		t.Fatalf("terraform init: %v\n%s", err, out)
	}
	tf.startProvider()
	return tf
}

// startProvider starts the provider that init has found and makes Terraform use this
// process. By itself Terraform starts the provider several times a command, which is most
// of the time of a test.
func (tf *Terraform) startProvider() {
	t := tf.t
	found, err := filepath.Glob(filepath.Join(tf.dir, ".terraform/providers/registry.terraform.io/hashicorp/aws/*/*/terraform-provider-aws_*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the AWS provider after terraform init: %q, %v", found, err)
	}
	cmd := exec.Command(found[0], "-debug")
	cmd.Env = append(tf.env, "GOGC=400") // the schemas are much garbage
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "TF_REATTACH_PROVIDERS="); ok {
			tf.env = append(tf.env, "TF_REATTACH_PROVIDERS="+strings.Trim(value, "'"), "GOGC=400")
			return
		}
	}
	t.Fatalf("the AWS provider did not say how to reach it: %v", lines.Err())
}

// Write writes the configuration with another value.
func (tf *Terraform) Write(value string) {
	tf.t.Helper()
	tf.add("main.tf", strings.ReplaceAll(tf.text, "VALUE", value))
}

// add writes a file of the configuration.
func (tf *Terraform) add(name, text string) {
	tf.t.Helper()
	if err := os.WriteFile(filepath.Join(tf.dir, name), []byte(text), 0o644); err != nil {
		tf.t.Fatal(err)
	}
}

// parallel lets Terraform work on all resources at a time, which mostly wait.
const parallel = "-parallelism=100"

// Apply reads all resources and makes them as the configuration says. The summary that
// Terraform prints must be as given, such as "0 added, 2 changed, 0 destroyed".
func (tf *Terraform) Apply(summary string) {
	tf.t.Helper()
	if out := tf.run("apply", "-auto-approve", parallel); !strings.Contains(out, "Resources: "+summary+".") {
		tf.t.Fatalf("terraform apply: want %s:\n%s", summary, out)
	}
}

// Destroy destroys all resources. It does not read them before: the last Apply has done so.
func (tf *Terraform) Destroy() {
	tf.t.Helper()
	tf.run("destroy", "-auto-approve", "-refresh=false", parallel)
}

// Outputs returns an output that is a map of texts.
func (tf *Terraform) Outputs(name string) map[string]string {
	tf.t.Helper()
	var all map[string]string
	if err := json.Unmarshal([]byte(tf.run("output", "-json", name)), &all); err != nil {
		tf.t.Fatal(err)
	}
	return all
}

// Import has Terraform forget resources, and adds blocks by which the next apply imports
// them: the ids by address.
func (tf *Terraform) Import(ids map[string]string) {
	tf.t.Helper()
	var blocks strings.Builder
	for address, id := range ids {
		fmt.Fprintf(&blocks, "import {\n  to = %s\n  id = %q\n}\n", address, id)
	}
	tf.run(append([]string{"state", "rm"}, slices.Collect(maps.Keys(ids))...)...)
	tf.add("import.tf", blocks.String())
}

// run runs a command of Terraform that must succeed and returns its output.
func (tf *Terraform) run(args ...string) string {
	tf.t.Helper()
	cmd := tf.command(args...)
	var errors strings.Builder
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		tf.t.Fatalf("terraform %s: %v\n%s%s", strings.Join(args, " "), err, out, errors.String())
	}
	return string(out)
}

func (tf *Terraform) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(tf.t.Context(), tf.program, append(args, "-no-color")...)
	cmd.Dir, cmd.Env = tf.dir, tf.env
	return cmd
}

// terraformConfig returns a CLI configuration with which Terraform finds the AWS
// provider: that of the user, or one of ours that names a mirror on this machine
// (terraform providers mirror DIR makes one). Without a mirror Terraform asks the
// network.
func terraformConfig(t *testing.T) string {
	t.Helper()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{os.Getenv("TF_CLI_CONFIG_FILE"), filepath.Join(home, ".terraformrc")} {
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	mirrors := []string{filepath.Join(home, ".terraform.d/plugins"), "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins"}
	found, err := filepath.Glob("/opt/*/registry.terraform.io")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range found {
		mirrors = append(mirrors, filepath.Dir(dir))
	}
	text := ""
	for _, dir := range mirrors {
		if _, err := os.Stat(filepath.Join(dir, "registry.terraform.io/hashicorp/aws")); err == nil {
			text = fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", dir)
			break
		}
	}
	file := filepath.Join(t.TempDir(), "terraformrc")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
