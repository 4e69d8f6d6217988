// Command testlog reads the output of go test -json and prints it for people: the
// line of each package, all that failed tests wrote, and at the end which tests
// were skipped and why.
//
//	go test -json ./... | testlog
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "testlog:", err)
		os.Exit(1)
	}
}

// event is one line of go test -json; see go doc test2json.
type event struct {
	Action     string
	Package    string
	Test       string
	Output     string
	ImportPath string // of a build that failed
}

type test struct{ pkg, name string }

func run(in io.Reader, out io.Writer) error {
	w := bufio.NewWriter(out)
	output := map[test][]string{}
	var skipped []string
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) != nil {
				e = event{Action: "build-output", Output: line} // of the go command itself
			}
			key := test{e.Package, e.Test}
			switch e.Action {
			case "build-output":
				fmt.Fprint(w, e.Output)
			case "output":
				output[key] = append(output[key], e.Output)
			case "skip":
				if e.Test != "" {
					skipped = append(skipped, e.Package+"."+e.Test+": "+reason(output[key]))
				}
				fallthrough
			case "pass", "fail":
				if e.Action == "fail" || e.Test == "" {
					printOutput(w, output[key], e.Action == "fail")
				}
				delete(output, key)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if lines.Buffered() == 0 {
			if err := w.Flush(); err != nil {
				return err
			}
		}
	}
	for key, left := range output { // of tests that did not end, as in a panic
		if key.name != "" {
			printOutput(w, left, true)
		}
	}
	slices.Sort(skipped)
	fmt.Fprintf(w, "%d skipped\n", len(skipped))
	for _, s := range skipped {
		fmt.Fprintln(w, "  "+s)
	}
	return w.Flush()
}

// printOutput prints what a test or package wrote. Of a package that passed only
// the result is of interest.
func printOutput(w io.Writer, output []string, all bool) {
	for _, text := range output {
		if all || strings.HasPrefix(text, "ok ") || strings.HasPrefix(text, "?   ") {
			fmt.Fprint(w, text)
		}
	}
}

// reason returns what a test wrote before it was skipped.
func reason(output []string) string {
	var said []string
	for _, text := range output {
		text = strings.TrimSpace(text)
		if text != "" && !strings.HasPrefix(text, "===") && !strings.HasPrefix(text, "---") {
			said = append(said, text)
		}
	}
	return strings.Join(said, " ")
}
