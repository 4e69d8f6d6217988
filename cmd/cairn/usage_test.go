package main

import (
	"bytes"
	"regexp"
	"testing"
)

// run runs a command line in this process.
func run(env map[string]string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	p := &program{stdout: &out, stderr: &errs, env: func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}}
	code = p.main(args)
	return code, out.String(), errs.String()
}

// What is wrong is told on stderr alone. Wrong usage and other errors have
// exit codes of their own.
func TestErrors(t *testing.T) {
	tests := []struct {
		code   int
		args   []string
		stderr string // a pattern
	}{
		{exitUsage, []string{}, `^cairn: no command given$`},
		{exitUsage, []string{"registr-instance"}, `^cairn: unknown command "registr-instance"; did you mean register-instance\?$`},
		{exitUsage, []string{"list-namespaces", "--bogus", "x"}, `^cairn: unknown flag: --bogus; see "cairn help list-namespaces"$`},
		{exitUsage, []string{"list-namespaces", "--outptu=json"}, `^cairn: unknown flag: --outptu; did you mean --output\?$`},
		{exitUsage, []string{"create-namespace", "--desc", "x"}, `^cairn: unknown flag: --desc; did you mean --description\?$`},
		{exitUsage, []string{"delete-namespace", "-n", "x"}, `^cairn: unknown shorthand flag: 'n' in -n; see "cairn help delete-namespace"$`},
		{exitUsage, []string{"list-namespaces", "extra"}, `^cairn: unknown command "extra"`},
		{exitUsage, []string{"create-namespace", "--name", "x"}, `^cairn: required flag\(s\) "type" not set$`},
		{exitUsage, []string{"create-namespace", "--name", "x", "--type", "VPN"}, `^cairn: --type: "VPN" must be DNS_PRIVATE, DNS_PUBLIC or HTTP$`},
		{exitUsage, []string{"create-namespace", "--name", "x", "--type", "DNS_PRIVATE"}, `^cairn: --vpc is required with --type DNS_PRIVATE$`},
		{exitUsage, []string{"create-namespace", "--name", "x", "--type", "HTTP", "--vpc", "vpc-1"}, `^cairn: --vpc is for --type DNS_PRIVATE only$`},
		{exitUsage, []string{"create-service", "--name", "x"}, `at least one of the flags in the group \[namespace-id namespace\] is required`},
		{exitUsage, []string{"create-service", "--name", "x", "--namespace", "a", "--namespace-id", "b"}, `none of the others can be`},
		{exitUsage, []string{"create-service", "--name", "x", "--namespace-id", "ns-1", "--dns-config", `{"DnsRecord":[]}`}, `^cairn: --dns-config: unknown field "DnsRecord"$`},
		{exitUsage, []string{"create-service", "--name", "x", "--namespace-id", "ns-1", "--dns-config", `{"DnsRecords":[`}, `^cairn: --dns-config: the JSON value ends too early$`},
		{exitUsage, []string{"create-service", "--name", "x", "--namespace-id", "ns-1", "--dns-config", "DnsRecords=[{Type=A,TTL=soon}]"}, `^cairn: --dns-config: DnsRecords.TTL cannot be a JSON string$`},
		{exitUsage, []string{"create-service", "--name", "x", "--namespace-id", "ns-1", "--health-check-config", "{} {}"}, `^cairn: --health-check-config: something follows the JSON value$`},
		{exitUsage, []string{"register-instance", "--service-id", "s", "--instance-id", "i", "--attributes", "color"}, `^cairn: --attributes: "color" must be KEY=VALUE$`},
		{exitUsage, []string{"register-instance", "--service-id", "s", "--instance-id", "i", "--attributes", `{"a":["b"]}`}, `^cairn: --attributes: the value of "a" must be a text$`},
		{exitUsage, []string{"register-instance", "--service", "web", "--instance-id", "i", "--attributes", "a=b"}, `^cairn: --service: "web" must be NAMESPACE/SERVICE$`},
		{exitUsage, []string{"list-namespaces", "--output", "yaml"}, `^cairn: --output: "yaml" must be table or json$`},
		{exitUsage, []string{"list-namespaces", "--endpoint", "ftp://x"}, `^cairn: the endpoint: "ftp://x" must be a URL such as `},
		{exitUsage, []string{"serve", "--log-level", "loud"}, `^cairn: invalid argument "loud" for "--log-level" flag: "loud" must be debug, info, warn or error$`},
		{exitUsage, []string{"serve", "now"}, `cairn: `},
		{exitUsage, []string{"backup"}, `cairn: `},
		{exitUsage, []string{"restore"}, `cairn: `},
		{exitUsage, []string{"restore", "file"}, `^cairn: --data-dir is required$`},
		{exitUsage, []string{"completion", "tcsh"}, `^cairn: "tcsh" must be bash, zsh, fish or powershell$`},
		{exitUsage, []string{"help", "nothing"}, `^cairn: no command "nothing" to explain; see "cairn help"$`},
		{exitUsage, []string{"env", "--shell", "tcsh"}, `cairn: `},
		{exitError, []string{"list-namespaces", "--endpoint", "http://127.0.0.1:1"}, `^cairn: no node answers at http://127.0.0.1:1: start one with "cairn serve", or name another with --endpoint$`},
		{exitError, []string{"backup", "file", "--admin", "127.0.0.1:1"}, `no node answers at http://127.0.0.1:1/backup: name its admin listener with --admin$`},
		{exitError, []string{"restore", "absent", "--data-dir", "d"}, `cairn: `},
		{exitError, []string{"serve", "--config", "absent.yaml"}, `^cairn: read the configuration: open absent.yaml: no such file or directory$`},
	}
	for _, tt := range tests {
		code, stdout, stderr := run(nil, tt.args...)
		if code != tt.code || stdout != "" || !regexp.MustCompile("(?m)"+tt.stderr).MatchString(stderr) {
			t.Errorf("cairn %q: code %d, want %d\nstdout: %s\nstderr: %s\nwant:   %s",
				tt.args, code, tt.code, stdout, stderr, tt.stderr)
		}
	}
}
