// Package language tests that comments, strings and documents use plain technical
// English: words that an engineer who is not a native speaker may not know are on
// a small list, each with a plain one.
package language

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// plain maps words and phrases to what to write instead. Keep it short: it is for
// words that came back after they were removed.
var plain = map[string]string{
	"anew":              "again",
	"as far as":         "if, or what exactly",
	"at the most":       "at most",
	"aught":             "anything",
	"be it":             "even if",
	"betwixt":           "between",
	"come about":        "happen, be made",
	"comes about":       "is made, happens",
	"come to naught":    "fail",
	"elder":             "older",
	"falls due":         "is due",
	"for ever":          "never changes, without end",
	"for good":          "permanently",
	"had enough":        "closes, gives up",
	"heed":              "handle, follow",
	"hither":            "here",
	"in step with":      "consistent with",
	"in vain":           "without result, too long",
	"lest":              "so that ... not",
	"nigh":              "near",
	"once in a blue":    "rarely",
	"sees to it":        "makes, ensures",
	"shall":             "must, is to",
	"stands in":         "is in, replaces",
	"tells of":          "reports",
	"tell apart":        "distinguish",
	"thereof":           "of it",
	"thus":              "so, in this way",
	"told apart":        "distinguished",
	"what it comes to":  "its result",
	"what they come to": "their result",
	"whence":            "from where",
	"wherefore":         "why",
	"whoever":           "anyone who, a client that",
	"wont":              "usual",
}

// pattern finds any of them as whole words, across lines of a comment.
var pattern = func() *regexp.Regexp {
	var all []string
	for phrase := range plain {
		all = append(all, strings.ReplaceAll(regexp.QuoteMeta(phrase), " ", `[\s/]+`))
	}
	return regexp.MustCompile(`(?i)\b(` + strings.Join(all, "|") + `)\b`)
}()

// find returns a phrase of the list in a text, and its replacement.
func find(text string) (phrase, instead string) {
	found := pattern.FindString(text)
	key := strings.ToLower(strings.Join(strings.FieldsFunc(found, func(r rune) bool { return strings.ContainsRune(" \t\n/", r) }), " "))
	return key, plain[key]
}

func TestPlainEnglish(t *testing.T) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "language"):
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		switch filepath.Ext(path) {
		case ".go":
			return checkGo(t, path)
		case ".md":
			return checkDocument(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// checkGo looks at comments and strings. Generated code has the words of AWS.
func checkGo(t *testing.T, path string) error {
	src, err := os.ReadFile(path)
	if err != nil || strings.HasSuffix(path, "_gen.go") {
		return err
	}
	files := token.NewFileSet()
	file := files.AddFile(path, -1, len(src))
	var s scanner.Scanner
	s.Init(file, src, nil, scanner.ScanComments)
	var comment []string // lines of one comment, which may share a phrase
	var start token.Pos
	flush := func() {
		report(t, files.Position(start), strings.Join(comment, "\n"))
		comment = nil
	}
	for {
		pos, tok, text := s.Scan()
		switch tok {
		case token.COMMENT:
			if comment == nil {
				start = pos
			}
			comment = append(comment, text)
			continue
		case token.STRING:
			report(t, files.Position(pos), text)
		}
		if tok == token.SEMICOLON && text == "\n" {
			continue // a line ends; the comment may go on
		}
		if comment != nil {
			flush()
		}
		if tok == token.EOF {
			return nil
		}
	}
}

func checkDocument(t *testing.T, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	line := 1
	for paragraph := range strings.SplitSeq(string(text), "\n\n") {
		report(t, token.Position{Filename: path, Line: line}, paragraph)
		line += strings.Count(paragraph, "\n") + 2
	}
	return nil
}

func report(t *testing.T, at token.Position, text string) {
	t.Helper()
	if phrase, instead := find(text); phrase != "" {
		t.Errorf("%s: %q; write %q, or say it in another way", at, phrase, instead)
	}
}

func TestFind(t *testing.T) {
	for text, want := range map[string]string{
		"// is stored\n// anew": "anew", "as far\n// as it goes": "as far as", "Whoever reads": "whoever",
		"renewal": "", "bestands inside": "", "as far west as": "", "heeding": "", "": "",
	} {
		if got, _ := find(text); got != want {
			t.Errorf("find(%q) = %q, want %q", text, got, want)
		}
	}
}
