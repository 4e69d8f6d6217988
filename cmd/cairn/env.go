package main

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

func newEnv(p *cli.Program) *cobra.Command {
	var endpoint, admin, region, shell string
	cmd := &cobra.Command{
		Use:   "env [--shell bash|zsh|sh|fish|powershell]",
		Short: "Print settings that point AWS clients at a node",
		Long: `Prints assignments for a shell that make the AWS CLI and the SDKs talk to a
node: the endpoint of Cloud Map, a region, credentials if there are none yet,
and the setting that keeps clients from putting data- before the node's host
name. Other AWS APIs keep their endpoints. Evaluate the output:

  bash, zsh, sh   eval "$(cairn env)"
  fish            cairn env | source
  PowerShell      cairn env --shell powershell | Out-String | Invoke-Expression`,
		Example: `  eval "$(cairn env)"
  cairn env --shell fish --endpoint http://127.0.0.1:9000 | source`,
		RunE: cli.Body(func(cmd *cobra.Command, _ []string) error {
			base, _, err := p.Endpoint(endpoint)
			if err != nil {
				return err
			}
			assign, ok := assignments(cmp.Or(shell, shellName(p)))
			if !ok {
				return cli.Usagef("--shell: %q must be bash, zsh, sh, fish or powershell", shell)
			}
			if admin != "" {
				if admin, err = cli.AdminURL(admin); err != nil {
					return err
				}
			}
			return printEnv(cmd.Context(), p, base, admin, region, assign)
		}),
	}
	cli.Arguments(cmd)
	f := cmd.Flags()
	f.StringVar(&endpoint, "endpoint", "", cli.EndpointUsage)
	f.StringVar(&admin, "admin", "", "`URL` of the node's admin listener, for CAIRN_ADMIN (default: not set)")
	f.StringVar(&region, "region", "", "AWS region `NAME` (default from the usual AWS settings, or "+cli.DefaultRegion+")")
	f.StringVar(&shell, "shell", "", "`bash|zsh|sh|fish|powershell` (default from $SHELL)")
	return cmd
}

// shellName guesses the shell that will read the output.
func shellName(p *cli.Program) string {
	if name := path.Base(p.Getenv("SHELL")); name == "fish" || name == "pwsh" {
		return name
	}
	// Windows sets no SHELL, but PowerShell sets this.
	if p.Getenv("SHELL") == "" && p.Getenv("PSModulePath") != "" {
		return "powershell"
	}
	return "sh" // every other shell reads what sh reads
}

// assignments returns how a shell sets an environment variable.
func assignments(shell string) (func(name, value string) string, bool) {
	quoted := func(value, from, to string) string { return "'" + strings.ReplaceAll(value, from, to) + "'" }
	switch shell {
	case "bash", "zsh", "sh", "dash", "ksh":
		return func(n, v string) string { return "export " + n + "=" + quoted(v, `'`, `'\''`) }, true
	case "fish":
		return func(n, v string) string {
			return "set -gx " + n + " " + quoted(strings.ReplaceAll(v, `\`, `\\`), `'`, `\'`)
		}, true
	case "powershell", "pwsh":
		return func(n, v string) string { return "$env:" + n + " = " + quoted(v, `'`, `''`) }, true
	default:
		return nil, false
	}
}

// printEnv prints the assignments. The endpoint is set for Cloud Map, ECS, Route 53 and
// App Mesh alone (AWS_ENDPOINT_URL_ECS and not AWS_ENDPOINT_URL): a shell that also calls
// S3 or STS must not send that here. CAIRN_ADMIN is set if admin is not empty.
func printEnv(ctx context.Context, p *cli.Program, endpoint, admin, region string, assign func(name, value string) string) error {
	settings, err := cli.LoadAWS(ctx, region)
	if err != nil {
		return err
	}
	lines := []string{
		"# clients of AWS Cloud Map, ECS, Route 53 and App Mesh in this shell talk to " + endpoint,
		assign("CAIRN_ENDPOINT", endpoint),
		assign("AWS_ENDPOINT_URL_SERVICEDISCOVERY", endpoint),
		assign("AWS_ENDPOINT_URL_ECS", endpoint),
		assign("AWS_ENDPOINT_URL_ROUTE_53", endpoint),
		assign("AWS_ENDPOINT_URL_APP_MESH", endpoint),
		assign("AWS_REGION", settings.Region),
		assign("AWS_DEFAULT_REGION", settings.Region),
	}
	if admin != "" {
		lines = append(lines, assign("CAIRN_ADMIN", admin))
	}
	if settings.Source == "" {
		lines = append(lines,
			"# no credentials were found; a node in open mode takes any",
			assign("AWS_ACCESS_KEY_ID", cli.DummyKeyID),
			assign("AWS_SECRET_ACCESS_KEY", cli.DummySecret))
	} else {
		lines = append(lines, "# credentials are those that were found: "+settings.Source)
	}
	lines = append(lines,
		"# DiscoverInstances: AWS CLI and boto3 would call data-HOST without this",
		assign("AWS_DISABLE_HOST_PREFIX_INJECTION", "true"))
	lines = append(lines, otherClients(endpoint, assign)...)
	_, err = fmt.Fprintln(p.Stdout, strings.Join(lines, "\n"))
	return err
}

// otherClients returns comments about clients that do not read
// AWS_DISABLE_HOST_PREFIX_INJECTION. HTTP_PROXY has no effect on https.
func otherClients(endpoint string, assign func(name, value string) string) []string {
	lines := []string{"# AWS SDK for Go does not read that. Set it in code (see docs/sdk-endpoints.md)"}
	if strings.HasPrefix(endpoint, "http://") {
		lines = []string{
			lines[0] + ", or run the program with",
			"#   " + assign("HTTP_PROXY", endpoint),
		}
	}
	return append(lines,
		"# AWS SDK for JavaScript neither: new ServiceDiscoveryClient({disableHostPrefix: true})",
		"# Clients you cannot change: make data-HOST resolve, by DNS or in the hosts file")
}
