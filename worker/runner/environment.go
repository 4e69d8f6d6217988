package runner

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/task"
)

// Sources are where secrets and environment files of tasks may come from.
type Sources struct {
	// SecretFolders are the folders whose files "file:PATH" may name.
	SecretFolders []string
	// SecretVariables are the environment variables of the program that "env:NAME" may
	// name.
	SecretVariables []string
	// EnvironmentFiles is the folder of environment files: the object
	// arn:aws:s3:::BUCKET/KEY is the file BUCKET/KEY in it. Empty: there are none.
	EnvironmentFiles string
	// Getenv returns a variable of the program; nil means os.Getenv.
	Getenv func(string) string
}

// maxSourceFile bounds a secret and an environment file.
const maxSourceFile = 1 << 20

// environment returns the variables of a container. Overrides and the variables of the
// definition have precedence over secrets, and these over files; the first of several
// files that sets a variable counts.
func (r *Runner) environment(t *task.Task, d *task.Definition, c *task.ContainerDefinition) ([]string, error) {
	env := newVariables()
	for _, f := range c.EnvironmentFiles {
		lines, err := r.cfg.Sources.file(f)
		if err != nil {
			return nil, err
		}
		for _, l := range lines {
			name, value, _ := strings.Cut(l, "=")
			env.add(name, value)
		}
	}
	for _, s := range c.Secrets {
		value, err := r.cfg.Sources.secret(s.ValueFrom)
		if err != nil {
			return nil, fmt.Errorf("ResourceInitializationError: unable to pull secrets or registry auth: secret %s: %w", s.Name, err)
		}
		env.set(s.Name, value)
	}
	for _, v := range c.Environment {
		env.set(v.Name, text(v.Value))
	}
	if err := r.metadataVariables(env, t, d, c); err != nil {
		return nil, err
	}
	return env.list(), nil
}

// metadataVariables adds the variables by which programs find the endpoints of the
// task; see "Task metadata endpoint" in the ECS developer guide.
func (r *Runner) metadataVariables(env *variables, t *task.Task, d *task.Definition, c *task.ContainerDefinition) error {
	region := r.cfg.Rules().Task.Region
	if !env.has("AWS_REGION") && !env.has("AWS_DEFAULT_REGION") {
		env.set("AWS_REGION", region)
		env.set("AWS_DEFAULT_REGION", region)
	}
	env.add("AWS_EXECUTION_ENV", executionEnvironment(t))
	if networkMode(d) != ModeAWSVPC {
		return nil
	}
	for _, v := range r.cfg.Variables {
		env.add(v.Name, text(v.Value))
	}
	if r.cfg.Endpoint == nil {
		return nil
	}
	const endpoint = "http://169.254.170.2"
	id := containerID(t, c.Name)
	env.set("ECS_CONTAINER_METADATA_URI", endpoint+"/v3/"+id)
	env.set("ECS_CONTAINER_METADATA_URI_V4", endpoint+"/v4/"+id)
	env.set("ECS_AGENT_URI", endpoint+"/api/"+id)
	path, err := r.cfg.Endpoint.Credentials(t, d)
	if path != "" {
		env.set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", path)
	}
	return err
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func executionEnvironment(t *task.Task) string {
	if t.LaunchType == "FARGATE" {
		return "AWS_ECS_FARGATE"
	}
	return "AWS_ECS_EC2"
}

// containerID returns the UUID of a container in its ARN.
func containerID(t *task.Task, name string) string {
	for i := range t.Containers {
		if t.Containers[i].Name == name {
			return t.Containers[i].ID
		}
	}
	return ""
}

// variables are the variables of an environment in the order in which they were first
// given.
type variables struct {
	names  []string
	values map[string]string
}

func newVariables() *variables { return &variables{values: map[string]string{}} }

func (v *variables) has(name string) bool {
	_, ok := v.values[name]
	return ok
}

// set sets a variable, also if it has a value.
func (v *variables) set(name, value string) {
	if !v.has(name) {
		v.names = append(v.names, name)
	}
	v.values[name] = value
}

// add sets a variable that has no value.
func (v *variables) add(name, value string) {
	if !v.has(name) {
		v.set(name, value)
	}
}

func (v *variables) list() []string {
	var all []string
	for _, name := range v.names {
		all = append(all, name+"="+v.values[name])
	}
	return all
}

// secret returns the value of a secret. Errors name no file of the node.
func (s *Sources) secret(from string) (string, error) {
	if name, ok := strings.CutPrefix(from, "env:"); ok {
		if !slices.Contains(s.SecretVariables, name) {
			return "", fmt.Errorf("%q is not in runner.secret_variables of this node", from)
		}
		value := s.getenv(name)
		if value == "" {
			return "", fmt.Errorf("%q is not set on this node", from)
		}
		return value, nil
	}
	path, ok := strings.CutPrefix(from, "file:")
	if !ok {
		return "", fmt.Errorf("%q is not a source of this node: it reads file:PATH and env:NAME, not Secrets Manager and Systems Manager", from)
	}
	for _, folder := range s.SecretFolders {
		rest, err := filepath.Rel(folder, path)
		if err != nil || !filepath.IsLocal(rest) || !filepath.IsAbs(path) {
			continue
		}
		data, err := readWithin(folder, rest)
		if err != nil {
			return "", fmt.Errorf("%q cannot be read on this node", from)
		}
		return strings.TrimSuffix(string(data), "\n"), nil
	}
	return "", fmt.Errorf("%q is not below a folder of runner.secret_folders of this node", from)
}

func (s *Sources) getenv(name string) string {
	if s.Getenv != nil {
		return s.Getenv(name)
	}
	return os.Getenv(name)
}

// readWithin reads a file in a folder. Links do not lead out of it.
func readWithin(folder, name string) ([]byte, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSourceFile+1))
	if err == nil && len(data) > maxSourceFile {
		err = errors.New("too large")
	}
	return data, err
}

// file returns the variables of an environment file, NAME=VALUE a line.
func (s *Sources) file(f task.EnvironmentFile) ([]string, error) {
	fail := func(why string) error {
		return fmt.Errorf("ResourceInitializationError: failed to download env files: %q %s", f.Value, why)
	}
	parts := strings.SplitN(f.Value, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "s3" {
		return nil, fail("is not the ARN of an object of S3")
	}
	if s.EnvironmentFiles == "" || !filepath.IsLocal(parts[5]) {
		return nil, fail("is not there; runner.environment_files of this node is the folder of such files")
	}
	data, err := readWithin(s.EnvironmentFiles, parts[5])
	if err != nil {
		return nil, fail("cannot be read on this node")
	}
	return parseEnvironment(string(data)), nil
}

// parseEnvironment returns the lines of an environment file that set a variable. Lines
// that begin with # and those without = are skipped, as ECS does.
func parseEnvironment(text string) []string {
	var all []string
	s := bufio.NewScanner(strings.NewReader(text))
	s.Buffer(nil, maxSourceFile+1)
	for s.Scan() {
		line := strings.TrimSpace(s.Text())
		if name, _, ok := strings.Cut(line, "="); ok && name != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}
