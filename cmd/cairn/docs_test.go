package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

const cliDocument = "../../docs/cli.md"

const cliIntroduction = `# Command line

This page is generated from the help texts of the program: ` + "`go test ./cmd/cairn -run TestCLIDocument -update`" + `.

Exit codes: 0 success, 1 error, 2 wrong usage. Errors go to stderr and begin with
` + "`cairn: `" + `. Client commands talk to the node at ` + "`--endpoint`" + ` or ` + "`CAIRN_ENDPOINT`" + `
and take region and credentials from the same places as AWS programs: environment, then profile files.
Commands about accounts and permissions talk to the admin listener, at ` + "`--admin`" + ` or ` + "`CAIRN_ADMIN`" + `,
with the token of ` + "`--token-file`" + ` or ` + "`CAIRN_ADMIN_TOKEN`" + `.
`

// TestCLIDocument compares docs/cli.md with the help texts.
func TestCLIDocument(t *testing.T) {
	root := newRoot(&cli.Program{Env: func(string) (string, bool) { return "", false }})
	var want strings.Builder
	want.WriteString(cliIntroduction)
	for _, group := range root.Groups() {
		fmt.Fprintf(&want, "\n## %s\n", strings.TrimSuffix(group.Title, ":"))
		for _, cmd := range root.Commands() {
			if cmd.Hidden {
				continue
			}
			if cmd.GroupID == group.ID {
				describe(&want, cmd)
			}
		}
	}
	if *update {
		if err := os.WriteFile(cliDocument, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(cliDocument)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("%s is out of date; run the test with -update:\n%s", cliDocument, diff)
	}
}

func describe(w *strings.Builder, cmd *cobra.Command) {
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	level := strings.Repeat("#", 2+strings.Count(cmd.CommandPath(), " "))
	usage := strings.TrimSuffix(cmd.CommandPath(), cmd.Name()) + cmd.Use
	fmt.Fprintf(w, "\n%s %s\n\n```\n%s\n```\n\n%s\n", level, cmd.CommandPath(), usage, indentedAsCode(text))
	if cmd.Example != "" {
		fmt.Fprintf(w, "\n```sh\n%s\n```\n", unindent(cmd.Example))
	}
	flags := cmd.LocalFlags()
	flags.SortFlags = false
	if flags.HasAvailableFlags() {
		w.WriteString("\n| flag | default | meaning |\n|---|---|---|\n")
	}
	flags.VisitAll(func(f *pflag.Flag) {
		value, usage := pflag.UnquoteUsage(f)
		if f.Name != "help" {
			fmt.Fprintf(w, "| %s | %s | %s |\n", code(strings.TrimSpace("--"+f.Name+" "+value)), shownDefault(f), cell(usage))
		}
	})
	for _, sub := range cmd.Commands() {
		describe(w, sub)
	}
}

func shownDefault(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "0", "false":
		return ""
	default:
		return code(f.DefValue)
	}
}

func code(text string) string { return "`" + cell(text) + "`" }

// cell escapes what would end a table cell.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func unindent(text string) string {
	return strings.ReplaceAll("\n"+text, "\n  ", "\n")[1:]
}

// indentedAsCode puts indented paragraphs into fences.
func indentedAsCode(text string) string {
	paragraphs := strings.Split(text, "\n\n")
	for i, p := range paragraphs {
		if strings.HasPrefix(p, "  ") {
			paragraphs[i] = "```\n" + unindent(p) + "\n```"
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

// TestEveryCommandHelps requires an example for each command, and for each flag
// what it takes and what for.
func TestEveryCommandHelps(t *testing.T) {
	root := newRoot(&cli.Program{Env: func(string) (string, bool) { return "", false }})
	all := []*cobra.Command{root}
	for i := 0; i < len(all); i++ {
		all = append(all, all[i].Commands()...)
	}
	for _, cmd := range all {
		if cmd.Short == "" || cmd.Example == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: Short %q, Example %q", cmd.Name(), cmd.Short, cmd.Example)
		}
		for example := range strings.Lines(cmd.Example) {
			if len(example) > 120 {
				t.Errorf("%s: long example: %s", cmd.Name(), example)
			}
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if value, usage := pflag.UnquoteUsage(f); usage == "" || value == "string" {
				t.Errorf("%s: --%s says neither what it takes nor what for", cmd.Name(), f.Name)
			}
		})
	}
}
