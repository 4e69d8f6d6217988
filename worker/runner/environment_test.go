package runner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
)

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	allowed, other := filepath.Join(dir, "allowed"), filepath.Join(dir, "other")
	write(t, filepath.Join(allowed, "key"), "secret\n")
	write(t, filepath.Join(other, "key"), "forbidden")
	if err := os.Symlink(filepath.Join(other, "key"), filepath.Join(allowed, "link")); err != nil {
		t.Fatal(err)
	}
	s := &Sources{SecretFolders: []string{allowed}, SecretVariables: []string{"TOKEN", "UNSET"}, Getenv: func(name string) string {
		return map[string]string{"TOKEN": "from env", "OTHER": "forbidden"}[name]
	}}
	for _, test := range []struct{ from, want, problem string }{
		{from: "file:" + allowed + "/key", want: "secret"},
		{from: "env:TOKEN", want: "from env"},
		{from: "env:OTHER", problem: "not in runner.secret_variables"},
		{from: "env:UNSET", problem: "is not set on this node"},
		{from: "file:" + other + "/key", problem: "not below a folder of runner.secret_folders"},
		{from: "file:" + allowed + "/../other/key", problem: "not below a folder of runner.secret_folders"},
		{from: "file:" + allowed + "/link", problem: "cannot be read on this node"},
		{from: "file:" + allowed + "/missing", problem: "cannot be read on this node"},
		{from: "file:key", problem: "not below a folder"},
		{from: "arn:aws:ssm:eu-central-1:000000000000:parameter/x", problem: "is not a source of this node"},
	} {
		got, err := s.secret(test.from)
		switch {
		case test.problem == "" && (err != nil || got != test.want):
			t.Errorf("%s: %q %v", test.from, got, err)
		case test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)):
			t.Errorf("%s: %q %v", test.from, got, err)
		}
	}
}

func TestEnvironmentPrecedence(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "bucket", "a.env"), "# comment\nA=file1\nB=file1\nC=file1\nno variable\n")
	write(t, filepath.Join(dir, "bucket", "b.env"), "A=file2\nD=file2=x\nE=file2")
	write(t, filepath.Join(dir, "secrets", "s"), "secret")
	r := &Runner{cfg: Config{
		Rules:     func() *state.Rules { return &state.Rules{Task: task.Rules{Region: "eu-central-1"}} },
		Sources:   Sources{EnvironmentFiles: dir, SecretFolders: []string{filepath.Join(dir, "secrets")}},
		Variables: []task.KeyValuePair{{Name: "AWS_ENDPOINT_URL", Value: ptr("http://api")}},
	}}
	d := merged(&task.Definition{NetworkMode: ModeAWSVPC, ContainerDefinitions: []task.ContainerDefinition{{
		Name:             "app",
		EnvironmentFiles: []task.EnvironmentFile{{Value: "arn:aws:s3:::bucket/a.env"}, {Value: "arn:aws:s3:::bucket/b.env"}},
		Secrets:          []task.Secret{{Name: "E", ValueFrom: "file:" + dir + "/secrets/s"}},
		Environment:      []task.KeyValuePair{{Name: "B", Value: ptr("definition")}, {Name: "C", Value: ptr("definition")}, {Name: "AWS_REGION", Value: ptr("mine")}},
	}}}, &task.TaskOverride{ContainerOverrides: []task.ContainerOverride{{Name: "app", Environment: []task.KeyValuePair{{Name: "C", Value: ptr("override")}}}}})
	got, err := r.environment(&task.Task{}, d, &d.ContainerDefinitions[0])
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"A=file1", "B=definition", "C=override", "D=file2=x", "E=secret", "AWS_REGION=mine", "AWS_EXECUTION_ENV=AWS_ECS_EC2", "AWS_ENDPOINT_URL=http://api"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"arn:aws:s3:::../secrets/s", "arn:aws:s3:::bucket/../../x", "/etc/passwd", "arn:aws:s3:::bucket/missing.env"} {
		if _, err := r.cfg.Sources.file(task.EnvironmentFile{Value: bad}); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}

func TestFileName(t *testing.T) {
	for in, want := range map[string]string{
		"web-1.x": "web-1.x", "": "%", "..": "%2E.", ".": "%2E", "a/b": "a%2Fb", "../../etc": "%2E.%2F..%2Fetc", "a\nb\x00": "a%0Ab%00", "ä": "%C3%A4",
	} {
		if got := fileName(in); got != want {
			t.Errorf("fileName(%q) = %q, want %q", in, got, want)
		}
	}
}
