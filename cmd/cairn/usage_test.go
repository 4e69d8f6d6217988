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
		{cli.ExitUsage, []string{}, `^cairn: no command given$`},
		{cli.ExitUsage, []string{"registr-instance"}, `^cairn: unknown command "registr-instance"; did you mean register-instance\?$`},
		{cli.ExitUsage, []string{"list-namespaces", "--bogus", "x"}, `^cairn: unknown flag: --bogus; see "cairn help list-namespaces"$`},
		{cli.ExitUsage, []string{"list-namespaces", "--outptu=json"}, `^cairn: unknown flag: --outptu; did you mean --output\?$`},
		{cli.ExitUsage, []string{"create-namespace", "--desc", "x"}, `^cairn: unknown flag: --desc; did you mean --description\?$`},
		{cli.ExitUsage, []string{"delete-namespace", "-n", "x"}, `^cairn: unknown shorthand flag: 'n' in -n; see "cairn help delete-namespace"$`},
		{cli.ExitUsage, []string{"list-namespaces", "extra"}, `^cairn: unknown command "extra"`},
		{cli.ExitUsage, []string{"create-namespace", "--name", "x"}, `^cairn: required flag\(s\) "type" not set$`},
		{cli.ExitUsage, []string{"create-namespace", "--name", "x", "--type", "VPN"}, `^cairn: --type: "VPN" must be DNS_PRIVATE, DNS_PUBLIC or HTTP$`},
		{cli.ExitUsage, []string{"create-namespace", "--name", "x", "--type", "DNS_PRIVATE"}, `^cairn: --vpc is required with --type DNS_PRIVATE$`},
		{cli.ExitUsage, []string{"create-namespace", "--name", "x", "--type", "HTTP", "--vpc", "vpc-1"}, `^cairn: --vpc is for --type DNS_PRIVATE only$`},
		{cli.ExitUsage, []string{"create-service", "--name", "x"}, `at least one of the flags in the group \[namespace-id namespace\] is required`},
		{cli.ExitUsage, []string{"create-service", "--name", "x", "--namespace", "a", "--namespace-id", "b"}, `none of the others can be`},
		{cli.ExitUsage, []string{"create-service", "--name", "x", "--namespace-id", "ns-1", "--dns-config", `{"DnsRecord":[]}`}, `^cairn: --dns-config: unknown field "DnsRecord"$`},
		{cli.ExitUsage, []string{"create-service", "--name", "x", "--namespace-id", "ns-1", "--dns-config", `{"DnsRecords":[`}, `^cairn: --dns-config: the JSON value ends too early$`},
		{cli.ExitUsage, []string{"create-service", "--name", "x", "--namespace-id", "ns-1", "--dns-config", "DnsRecords=[{Type=A,TTL=soon}]"}, `^cairn: --dns-config: DnsRecords.TTL cannot be a JSON string$`},
		{cli.ExitUsage, []string{"create-service", "--name", "x", "--namespace-id", "ns-1", "--health-check-config", "{} {}"}, `^cairn: --health-check-config: something follows the JSON value$`},
		{cli.ExitUsage, []string{"register-instance", "--service-id", "s", "--instance-id", "i", "--attributes", "color"}, `^cairn: --attributes: "color" must be KEY=VALUE$`},
		{cli.ExitUsage, []string{"register-instance", "--service-id", "s", "--instance-id", "i", "--attributes", `{"a":["b"]}`}, `^cairn: --attributes: the value of "a" must be a text$`},
		{cli.ExitUsage, []string{"register-instance", "--service", "web", "--instance-id", "i", "--attributes", "a=b"}, `^cairn: --service: "web" must be NAMESPACE/SERVICE$`},
		{cli.ExitUsage, []string{"list-namespaces", "--output", "yaml"}, `^cairn: --output: "yaml" must be table or json$`},
		{cli.ExitUsage, []string{"list-namespaces", "--endpoint", "ftp://x"}, `^cairn: the endpoint: "ftp://x" must be a URL such as `},
		{cli.ExitUsage, []string{"serve", "--log-level", "loud"}, `^cairn: invalid argument "loud" for "--log-level" flag: "loud" must be debug, info, warn or error$`},
		{cli.ExitUsage, []string{"serve", "now"}, `cairn: `},
		{cli.ExitUsage, []string{"backup"}, `cairn: `},
		{cli.ExitUsage, []string{"restore"}, `cairn: `},
		{cli.ExitUsage, []string{"restore", "file"}, `^cairn: --data-dir is required$`},
		{cli.ExitUsage, []string{"completion", "tcsh"}, `^cairn: "tcsh" must be bash, zsh, fish or powershell$`},
		{cli.ExitUsage, []string{"help", "nothing"}, `^cairn: no command "nothing" to explain; see "cairn help"$`},
		{cli.ExitUsage, []string{"env", "--shell", "tcsh"}, `cairn: `},
		{cli.ExitError, []string{"list-namespaces", "--endpoint", "http://127.0.0.1:1"}, `^cairn: no node answers at http://127.0.0.1:1: start one with "cairn serve", or name another with --endpoint$`},
		{cli.ExitError, []string{"backup", "file", "--admin", "127.0.0.1:1"}, `no node answers at http://127.0.0.1:1/backup: name its admin listener with --admin$`},
		{cli.ExitError, []string{"restore", "absent", "--data-dir", "d"}, `cairn: `},
		{cli.ExitError, []string{"serve", "--config", "absent.yaml"}, `^cairn: read the configuration: open absent.yaml: no such file or directory$`},
	}
	for _, tt := range tests {
		code, stdout, stderr := run(nil, tt.args...)
		if code != tt.code || stdout != "" || !regexp.MustCompile("(?m)"+tt.stderr).MatchString(stderr) {
			t.Errorf("cairn %q: code %d, want %d\nstdout: %s\nstderr: %s\nwant:   %s",
				tt.args, code, tt.code, stdout, stderr, tt.stderr)
		}
	}
}
