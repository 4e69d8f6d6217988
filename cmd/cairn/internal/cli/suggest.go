package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError rewords the error of an unknown flag: it suggests flags with similar
// names. Flags of a command that does not exist cannot be known, so then the
// error is about the command.
func flagError(cmd *cobra.Command, err error) error {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return err
	}
	if args := cmd.Flags().Args(); cmd.HasSubCommands() && len(args) > 0 {
		return NoCommand(cmd, args)
	}
	var near []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if name := unknown.GetSpecifiedName(); !f.Hidden && isNear(name, f.Name) {
			near = append(near, "--"+f.Name)
		}
	})
	if len(near) > 0 {
		return fmt.Errorf("%w; did you mean %s?", err, alternatives(near))
	}
	return fmt.Errorf("%w; see %q", err, helpCommand(cmd))
}

// maxSuggestions is the number of commands that an error names at most.
const maxSuggestions = 3

// suggest returns commands below parent that the typed words may stand for, the
// best first, and the part of the words that it used: "ns list shop" begins with
// two words that stand for list-namespaces.
func suggest(parent *cobra.Command, args []string) (typed string, near []string) {
	for n := len(args); n > 0; n-- {
		typed = strings.Join(args[:n], " ")
		if near = suggestFor(parent, splitWords(typed)); len(near) > 0 {
			return typed, near
		}
	}
	return typed, nil
}

// suggestFor returns the commands with the highest score for the words.
func suggestFor(parent *cobra.Command, words []string) []string {
	type candidate struct {
		path  string
		score int
	}
	var found []candidate
	for _, cmd := range leaves(parent) {
		path := strings.TrimPrefix(cmd.CommandPath(), "cairn ")
		if score := matchScore(words, splitWords(path)); score > 0 {
			found = append(found, candidate{path, score})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	var near []string
	for _, c := range found {
		if c.score == found[0].score && len(near) < maxSuggestions {
			near = append(near, c.path)
		}
	}
	return near
}

// leaves returns the commands below cmd, without those that only have others.
func leaves(cmd *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, sub := range cmd.Commands() {
		switch {
		case sub.Hidden:
		case sub.HasSubCommands():
			all = append(all, leaves(sub)...)
		default:
			all = append(all, sub)
		}
	}
	return all
}

// splitWords returns the words of a command line in lower case: "user
// attach-policy" and "UserAttachPolicy" have the same words.
func splitWords(text string) []string {
	var b strings.Builder
	lower := false // the letter before
	for _, r := range text {
		if unicode.IsUpper(r) && lower {
			b.WriteByte(' ')
		}
		lower = unicode.IsLower(r)
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.FieldsFunc(b.String(), func(r rune) bool { return r == ' ' || r == '-' || r == '_' })
}

// synonyms are words of other programs for words of our commands.
var synonyms = map[string]string{
	"add": "create", "new": "create", "make": "create", "describe": "get", "info": "get", "find": "discover",
	"resolve": "discover", "lookup": "discover", "remove": "delete", "rm": "delete", "del": "delete", "unregister": "deregister",
	"set": "update", "change": "update", "start": "serve", "run": "serve", "server": "serve", "dump": "backup", "why": "explain",
	"ls": "list", "ns": "namespace", "svc": "service", "op": "operation", "ops": "operations",
}

// matchScore returns how well typed words fit the words of a command, in any
// order; 0 if a typed word fits none. Words of the command that were not typed
// count against it, and the same first word for it.
func matchScore(typed, words []string) int {
	free := slices.Clone(words)
	score, first := 0, 0
	for _, t := range typed {
		best, at := 0, -1
		for i, w := range free {
			if s := max(wordScore(t, w), wordScore(synonyms[t], w)); s > best {
				best, at = s, i
			}
		}
		if at < 0 {
			return 0
		}
		score += best
		if at == 0 && len(free) == len(words) {
			first = 1
		}
		free = slices.Delete(free, at, at+1)
	}
	return max(1, 10*score+first-len(free))
}

// wordScore returns how well a typed word fits a word of a command: 5 if it is the
// same plural, 4 if it is the same but for the plural, 3 if it is a misspelling, 2 if it
// is its beginning, else 0.
func wordScore(typed, word string) int {
	switch {
	case typed == "":
		return 0
	case typed == word && strings.HasSuffix(word, "s"):
		return 5
	case strings.TrimSuffix(typed, "s") == strings.TrimSuffix(word, "s"):
		return 4
	case len(typed) > 2 && distance(typed, word) <= len(typed)/3:
		return 3
	case len(typed) > 1 && strings.HasPrefix(word, typed):
		return 2
	}
	return 0
}

// isNear reports whether typed may be a misspelling of name: at most two letters
// are wrong, or the end is missing.
func isNear(typed, name string) bool {
	return len(typed) > 2 && (strings.HasPrefix(name, typed) || distance(typed, name) <= 2)
}

// distance returns the Levenshtein distance of a and b: the number of letters to
// insert, delete or change.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // from the current prefix of a to each prefix of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := before
			if a[i] != b[j] {
				changed++
			}
			before = row[j+1]
			row[j+1] = min(changed, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}
