package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
)

// TestCommandsInDocuments: every command and flag of cairn that a document names exists.
func TestCommandsInDocuments(t *testing.T) {
	files := []string{"../../README.md", "../../ARCHITECTURE.md", "../../CONTRIBUTING.md", "../../CHANGELOG.md", "../../SECURITY.md"}
	for _, pattern := range []string{"../../docs/*.md", "../../docs/*/*.md", "../../deploy/*/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	root := newRoot(&cli.Program{Env: func(string) (string, bool) { return "", false }})
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	total := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range commandsIn(string(text)) {
			total++
			if problem := checkCommand(root, line); problem != "" {
				t.Errorf("%s: %q: %s", file, line, problem)
			}
		}
	}
	if total < 150 {
		t.Errorf("only %d commands were found: the test does not see them", total)
	}
}

var (
	fence     = regexp.MustCompile("(?ms)^ *```(\\w*)\n(.*?)^ *```")
	span      = regexp.MustCompile("`([^`]+)`")
	oneOf     = regexp.MustCompile(`[;&|()"]+`)
	continued = strings.NewReplacer("\\\n", " ")
)

// commandsIn returns the commands of cairn in the code of a document.
func commandsIn(text string) []string {
	var found []string
	add := func(code string) {
		for _, part := range oneOf.Split(code, -1) {
			part = strings.TrimSpace(part)
			for assigned := true; assigned; {
				var first, rest string
				first, rest, assigned = strings.Cut(part, " ")
				if assigned = assigned && strings.Contains(first, "=") && !strings.HasPrefix(first, "-"); assigned {
					part = strings.TrimSpace(rest) // VARIABLE=value before the command
				}
			}
			if rest, ok := strings.CutPrefix(part, "cairn "); ok {
				found = append(found, rest)
			}
		}
	}
	for _, block := range fence.FindAllStringSubmatch(text, -1) {
		for line := range strings.SplitSeq(continued.Replace(block[2]), "\n") {
			line, prompt := strings.CutPrefix(strings.TrimSpace(line), "$ ")
			if prompt || block[1] == "sh" {
				line, _, _ = strings.Cut(line, " # ")
				add(line)
			}
		}
	}
	for _, code := range span.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		add(strings.Join(strings.Fields(code[1]), " "))
	}
	return found
}

// checkCommand says what is wrong with a command line.
func checkCommand(root *cobra.Command, line string) string {
	words := strings.Fields(line)
	names := words
	if i := slices.IndexFunc(words, func(w string) bool {
		return strings.HasPrefix(w, "-") || strings.ToLower(w) != w || strings.ContainsAny(w, "/.…'<>")
	}); i >= 0 {
		names = words[:i]
	}
	cmd, rest, err := root.Find(names)
	switch {
	case err != nil:
		return err.Error()
	case cmd == root && len(names) > 0, len(rest) > 0 && cmd.HasSubCommands():
		return "there is no such command"
	}
	for _, w := range words {
		name, isLong := strings.CutPrefix(w, "--")
		name, _, _ = strings.Cut(name, "=")
		name = strings.TrimRight(name, ",.:")
		if !isLong || name == "" || name == "help" || name == "version" {
			continue
		}
		if !slices.ContainsFunc([]*pflag.FlagSet{cmd.Flags(), cmd.InheritedFlags()}, func(f *pflag.FlagSet) bool { return f.Lookup(name) != nil }) {
			return "there is no flag --" + name
		}
	}
	return ""
}
