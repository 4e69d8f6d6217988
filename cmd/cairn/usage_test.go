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
		{2, []string{"list-namespaces", "extra"}, `^cairn: unexpected argument "extra"; usage: cairn list-namespaces \[--name N\] `},
		{2, []string{"create-namespace", "--name", "x"}, `^cairn: --type is required; usage: cairn create-namespace `},
		{2, []string{"create-namespace", "--name", "x", "--type", "VPN"}, `^cairn: --type: "VPN" must be DNS_PRIVATE, DNS_PUBLIC or HTTP$`},
		{2, []string{"create-namespace", "--name", "x", "--type", "DNS_PRIVATE"}, `^cairn: --vpc is required with --type DNS_PRIVATE$`},
		{2, []string{"create-namespace", "--name", "x", "--type", "HTTP", "--vpc", "vpc-1"}, `^cairn: --vpc is for --type DNS_PRIVATE only$`},
		{2, []string{"create-service", "--name", "x"}, `^cairn: NAMESPACE or --namespace-id is required; usage: cairn create-service `},
		{2, []string{"create-service", "--name", "x", "--namespace", "a", "--namespace-id", "b"}, `^cairn: --namespace and --namespace-id exclude each other$`},
		{2, []string{"run", "task.json", "--no-wait", "--until-stopped"}, `^cairn: --no-wait and --until-stopped exclude each other$`},
		{2, []string{"create-service", "--name", "x", "--namespace-id", "ns-1", "--dns-config", `{"DnsRecord":[]}`}, `^cairn: --dns-config: unknown field "DnsRecord"$`},
		{2, []string{"create-service", "--name", "x", "--namespace-id", "ns-1", "--dns-config", `{"DnsRecords":[`}, `^cairn: --dns-config: the JSON value ends too early$`},
		{2, []string{"create-service", "--name", "x", "--namespace-id", "ns-1", "--dns-config", "DnsRecords=[{Type=A,TTL=soon}]"}, `^cairn: --dns-config: DnsRecords.TTL cannot be a JSON string$`},
		{2, []string{"create-service", "--name", "x", "--namespace-id", "ns-1", "--health-check-config", "{} {}"}, `^cairn: --health-check-config: something follows the JSON value$`},
		{2, []string{"register-instance", "--service-id", "s", "--instance-id", "i", "--attributes", "color"}, `^cairn: --attributes: "color" must be KEY=VALUE$`},
		{2, []string{"register-instance", "--service-id", "s", "--instance-id", "i", "--attributes", `{"a":["b"]}`}, `^cairn: --attributes: the value of "a" must be a text$`},
		{2, []string{"register-instance", "--service", "web", "--instance-id", "i", "--attributes", "a=b"}, `^cairn: "web" must be NAMESPACE/SERVICE$`},
		{2, []string{"list-namespaces", "--output", "yaml"}, `^cairn: --output: "yaml" must be table or json$`},
		{2, []string{"list-namespaces", "--endpoint", "ftp://x"}, `^cairn: --endpoint: "ftp://x" must be a URL such as `},
		{2, []string{"serve", "--log-level", "loud"}, `^cairn: invalid argument "loud" for "--log-level" flag: "loud" must be debug, info, warn or error$`},
		{2, []string{"serve", "now"}, `cairn: `},
		{2, []string{"backup"}, `^cairn: argument FILE is missing; usage: cairn backup FILE \[flags\]$`},
		{2, []string{"backup", "a", "b"}, `^cairn: unexpected argument "b"; usage: cairn backup FILE`},
		{2, []string{"restore"}, `^cairn: argument FILE is missing; usage: cairn restore FILE --data-dir DIR`},
		{2, []string{"ns", "list"}, `^cairn: unknown command "ns list"; did you mean list-namespaces\?$`},
		{2, []string{"registr-instance", "--service", "x/y"}, `^cairn: unknown command "registr-instance"; did you mean register-instance\?$`},
		{2, []string{"bogus", "--service", "x/y"}, `^cairn: unknown command "bogus"; see "cairn help"$`},
		{2, []string{"users", "list", "--account", "1"}, `^cairn: unknown command "users list"; did you mean user list\?$`},
		{2, []string{"list-instances", "shop"}, `^cairn: "shop" must be NAMESPACE/SERVICE$`},
		{2, []string{"list-instances", "shop/web", "--service-id", "srv-1"}, `^cairn: the service is given twice: as an argument and as a flag$`},
		{2, []string{"register-instance", "shop/web", "i", "--instance-id", "j", "--attributes", "a=b"}, `^cairn: INSTANCE is given twice: as an argument and as --instance-id$`},
		{2, []string{"update-namespace", "shop"}, `^cairn: --description or --soa-ttl is required; usage: `},
		{2, []string{"create-http-namespace"}, `^cairn: --name is required; usage: `},
		{2, []string{"discover-instances"}, `^cairn: NAMESPACE/SERVICE, or --namespace-name and --service-name, is required; usage: `},
		{2, []string{"restore", "file"}, `^cairn: --data-dir is required$`},
		{2, []string{"completion", "tcsh"}, `^cairn: "tcsh" must be bash, zsh, fish or powershell$`},
		{2, []string{"help", "nothing"}, `^cairn: no command "nothing" to explain; see "cairn help"$`},
		{2, []string{"env", "--shell", "tcsh"}, `cairn: `},
		{1, []string{"list-namespaces", "--endpoint", "http://127.0.0.1:1"}, `^cairn: no node answers at http://127.0.0.1:1: start one with "cairn serve", or name another with --endpoint$`},
		{1, []string{"backup", "file", "--admin", "127.0.0.1:1"}, `no node answers at http://127.0.0.1:1: name its admin listener with --admin$`},
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
