// Package transcripts replays sessions with the API and compares every answer,
// byte by byte, with the one that is written down.
//
// A transcript is a list of exchanges: the operation after "> " (one of ECS after "> ecs ",
// method and path of App Mesh after "> appmesh ") and the request's body below it, then the
// status after "< " and the answer's body below that. Lines that begin with # are comments,
// and "mode: strict" on the first line picks the compatibility mode. Values that differ
// from run to run are masked in the answers, as <ns-1>, <srv-1>, <op-1>, <zone-1>, <time>
// and so on. The same names mean the real values in later requests.
//
//	go test ./test/transcripts -update
//
// writes the answers that came; read the diff.
package transcripts

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

var update = flag.Bool("update", false, "write the answers into the transcripts")

func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(file, ".txt"), func(t *testing.T) {
			written, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := replay(t, string(written))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.Split(string(written), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("-written +got:\n%s", diff)
			}
		})
	}
}

// replay sends the requests of a transcript to a new node, and returns the
// transcript with the answers that came.
func replay(t *testing.T, transcript string) string {
	t.Helper()
	s := newSession(t, strings.HasPrefix(transcript, "mode: strict\n"))
	var out strings.Builder
	answer := false // the line belongs to an answer, which is rewritten
	operation := ""
	for line := range strings.Lines(transcript) {
		switch {
		case strings.HasPrefix(line, "> "):
			operation, answer = strings.TrimSpace(line[2:]), false
		case operation != "" && !strings.HasPrefix(line, "#"):
			out.WriteString(line)
			out.WriteString(s.call(t, operation, strings.TrimSpace(line)))
			operation, answer = "", true
			continue
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
			answer = false
		}
		if !answer {
			out.WriteString(line)
		}
	}
	return out.String()
}

// session is a conversation with one node.
type session struct {
	url   string
	names map[string]string // of the values that differ from run to run
	order []string          // those values as they came up
	count map[string]int    // of names, by kind
}

func newSession(t *testing.T, strict bool) *session {
	t.Helper()
	n := nodetest.Start(t, nodetest.WithMemoryStore(), nodetest.With(func(c *node.Config) {
		if strict {
			c.Compatibility = "strict"
		}
	}))
	return &session{url: n.URL, names: map[string]string{}, count: map[string]int{}}
}

// call sends one request and returns how its answer is written down.
func (s *session) call(t *testing.T, operation, body string) string {
	t.Helper()
	resp, err := http.DefaultClient.Do(s.request(t, operation, s.unmask(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	status := strings.TrimSpace(fmt.Sprintf("< %d %s", resp.StatusCode, resp.Header.Get("x-amzn-ErrorType")))
	if len(got) == 0 {
		return status + "\n"
	}
	return status + "\n" + s.mask(string(got)) + "\n"
}

// request returns the request of an operation.
func (s *session) request(t *testing.T, operation, body string) *http.Request {
	t.Helper()
	method, url, target := http.MethodPost, s.url, "Route53AutoNaming_v20170314."+operation
	if name, ok := strings.CutPrefix(operation, "ecs "); ok {
		target = "AmazonEC2ContainerServiceV20141113." + name
	}
	if call, ok := strings.CutPrefix(operation, "appmesh "); ok {
		path := ""
		method, path, _ = strings.Cut(call, " ")
		url, target = s.url+"/v20190125"+s.unmask(path), ""
		if method != http.MethodPut {
			body = "" // the line says that there is none
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if target != "" {
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", target)
	}
	return r
}

// changing finds what differs from run to run and is worth a name of its own.
var changing = regexp.MustCompile(`\b(?:(ns|srv)-[a-z2-7]{16}|([a-z2-7]{32}-[0-9a-z]{8})|(Z[A-Z2-7]{19}))\b`)

// changingECS finds the same in answers of ECS; the kind is that of the group.
var (
	changingECS = regexp.MustCompile(`\b([0-9a-f]{32})\b|\b([0-9]{19})\b|service-deployment/[^/]+/[^/]+/([\w-]{21})|\b(eni-[0-9a-f]{17})\b|\b([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b`)
	kindsECS    = []string{"id", "deployment", "service-deployment", "eni", "uuid"}
)

// These differ from run to run too, and are of no further use.
var (
	times     = regexp.MustCompile(`(Date|At)":\d+(\.\d+)?`)
	revisions = regexp.MustCompile(`InstancesRevision":\d+`)
	requests  = regexp.MustCompile(`Request ID: [0-9a-f-]{36}`)
	tokens    = regexp.MustCompile(`"[Nn]extToken":"([^"]+)"`)
)

func (s *session) mask(text string) string {
	text = requests.ReplaceAllString(text, "Request ID: <request>")
	for _, m := range changing.FindAllStringSubmatch(text, -1) {
		switch {
		case m[1] != "":
			s.name(m[0], m[1])
			s.name(m[0][len(m[1])+1:][:8], m[1]+"-prefix") // ends an HttpName
		case m[2] != "":
			s.name(m[0], "op")
		default:
			s.name(m[0], "zone")
		}
	}
	for _, m := range changingECS.FindAllStringSubmatch(text, -1) {
		for i, value := range m[1:] {
			if value != "" {
				s.name(value, kindsECS[i])
			}
		}
	}
	for _, m := range tokens.FindAllStringSubmatch(text, -1) {
		s.name(m[1], "token")
	}
	for _, value := range s.order {
		text = strings.ReplaceAll(text, value, s.names[value])
	}
	text = times.ReplaceAllString(text, `$1":<time>`)
	return revisions.ReplaceAllString(text, `InstancesRevision":<revision>`)
}

// name gives a value a name, unless it has one.
func (s *session) name(value, kind string) {
	if s.names[value] != "" {
		return
	}
	s.count[kind]++
	s.names[value] = fmt.Sprintf("<%s-%d>", kind, s.count[kind])
	s.order = append(s.order, value)
}

func (s *session) unmask(text string) string {
	for _, value := range s.order {
		text = strings.ReplaceAll(text, s.names[value], value)
	}
	return text
}
