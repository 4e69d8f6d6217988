package main

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// run runs a command line in this process.
func run(env map[string]string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	p := &cli.Program{Stdout: &out, Stderr: &errs, Env: func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}}
	code = p.Execute(newRoot(p), args)
	return code, out.String(), errs.String()
}

// TestErrors checks that errors are printed on stderr only, and that wrong usage
// and other errors have different exit codes.
func TestErrors(t *testing.T) {
	tests := []struct {
		code   int
		args   []string
		stderr string // a pattern
	}{
		{2, []string{}, `^cairn: no command given$`},
		{2, []string{"registr-instance"}, `^cairn: unknown command "registr-instance"; did you mean register-instance\?$`},
		{2, []string{"list-namespaces", "--bogus", "x"}, `^cairn: unknown flag: --bogus; see "cairn help list-namespaces"$`},
		{2, []string{"list-namespaces", "--outptu=json"}, `^cairn: unknown flag: --outptu; did you mean --output\?$`},
		{2, []string{"create-namespace", "--desc", "x"}, `^cairn: unknown flag: --desc; did you mean --description\?$`},
		{2, []string{"delete-namespace", "-n", "x"}, `^cairn: unknown shorthand flag: 'n' in -n; see "cairn help delete-namespace"$`},
		{2, []string{"list-namespaces", "extra"}, `^cairn: unknown command "extra"`},
		{2, []string{"create-namespace", "--name", "x"}, `^cairn: required flag\(s\) "type" not set$`},
		{2, []string{"create-namespace", "--name", "x", "--type", "VPN"}, `^cairn: --type: "VPN" must be DNS_PRIVATE, DNS_PUBLIC or HTTP$`},
		{2, []string{"create-namespace", "--name", "x", "--type", "DNS_PRIVATE"}, `^cairn: --vpc is required with --type DNS_PRIVATE$`},
		{2, []string{"create-namespace", "--name", "x", "--type", "HTTP", "--vpc", "vpc-1"}, `^cairn: --vpc is for --type DNS_PRIVATE only$`},
		{2, []string{"create-service", "--name", "x"}, `at least one of the flags in the group \[namespace-id namespace\] is required`},
		{2, []string{"create-service", "--name", "x", "--namespace", "a", "--namespace-id", "b"}, `none of the others can be`},
		{2, []string{"create-service", "--name", "x", "--namespace-id", "ns-1", "--dns-config", `{"DnsRecord":[]}`}, `^cairn: --dns-config: unknown field "DnsRecord"$`},
		{2, []string{"create-service", "--name", "x", "--namespace-id", "ns-1", "--dns-config", `{"DnsRecords":[`}, `^cairn: --dns-config: the JSON value ends too early$`},
		{2, []string{"create-service", "--name", "x", "--namespace-id", "ns-1", "--dns-config", "DnsRecords=[{Type=A,TTL=soon}]"}, `^cairn: --dns-config: DnsRecords.TTL cannot be a JSON string$`},
		{2, []string{"create-service", "--name", "x", "--namespace-id", "ns-1", "--health-check-config", "{} {}"}, `^cairn: --health-check-config: something follows the JSON value$`},
		{2, []string{"register-instance", "--service-id", "s", "--instance-id", "i", "--attributes", "color"}, `^cairn: --attributes: "color" must be KEY=VALUE$`},
		{2, []string{"register-instance", "--service-id", "s", "--instance-id", "i", "--attributes", `{"a":["b"]}`}, `^cairn: --attributes: the value of "a" must be a text$`},
		{2, []string{"register-instance", "--service", "web", "--instance-id", "i", "--attributes", "a=b"}, `^cairn: --service: "web" must be NAMESPACE/SERVICE$`},
		{2, []string{"list-namespaces", "--output", "yaml"}, `^cairn: --output: "yaml" must be table or json$`},
		{2, []string{"list-namespaces", "--endpoint", "ftp://x"}, `^cairn: the endpoint: "ftp://x" must be a URL such as `},
		{2, []string{"serve", "--log-level", "loud"}, `^cairn: invalid argument "loud" for "--log-level" flag: "loud" must be debug, info, warn or error$`},
		{2, []string{"serve", "now"}, `cairn: `},
		{2, []string{"backup"}, `cairn: `},
		{2, []string{"restore"}, `cairn: `},
		{2, []string{"restore", "file"}, `^cairn: --data-dir is required$`},
		{2, []string{"completion", "tcsh"}, `^cairn: "tcsh" must be bash, zsh, fish or powershell$`},
		{2, []string{"help", "nothing"}, `^cairn: no command "nothing" to explain; see "cairn help"$`},
		{2, []string{"env", "--shell", "tcsh"}, `cairn: `},
		{1, []string{"list-namespaces", "--endpoint", "http://127.0.0.1:1"}, `^cairn: no node answers at http://127.0.0.1:1: start one with "cairn serve", or name another with --endpoint$`},
		{1, []string{"backup", "file", "--admin", "127.0.0.1:1"}, `no node answers at http://127.0.0.1:1/backup: name its admin listener with --admin$`},
		{1, []string{"restore", "absent", "--data-dir", "d"}, `cairn: `},
		{1, []string{"serve", "--config", "absent.yaml"}, `^cairn: read the configuration: open absent.yaml: no such file or directory$`},
	}
	for _, tt := range tests {
		code, stdout, stderr := run(nil, tt.args...)
		if code != tt.code || stdout != "" || !regexp.MustCompile("(?m)"+tt.stderr).MatchString(stderr) {
			t.Errorf("cairn %q: code %d, want %d\nstdout: %s\nstderr: %s\nwant:   %s",
				tt.args, code, tt.code, stdout, stderr, tt.stderr)
		}
	}
}
