package rest

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// testRoutes are patterns of every kind.
var testRoutes = []Route{
	{"GET", "/v1/meshes", 0},
	{"PUT", "/v1/meshes", 1},
	{"GET", "/v1/meshes/{mesh}", 2},
	{"GET", "/v1/meshes/{mesh}/nodes/{node}", 3},
	{"GET", "/v1/meshes/all", 4},
	{"POST", "/zone/{Id}/rrset/", 5},
	{"GET", "/zone/{Id}/rrset", 6},
	{"GET", "/{bucket}?tagging", 7},
	{"GET", "/{bucket}?list-type=2", 8},
	{"GET", "/{bucket}", 9},
	{"GET", "/{bucket}/{key+}", 10},
	{"GET", "/files/{path+}/meta/info", 11},
	{"GET", "/", 12},
}

func TestMatch(t *testing.T) {
	r, err := New(testRoutes)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		method, path, query string
		index               int // -1: none
		labels              []string
	}{
		{"GET", "/v1/meshes", "", 0, nil},
		{"GET", "/v1/meshes/", "", 0, nil},
		{"PUT", "/v1/meshes", "", 1, nil},
		{"POST", "/v1/meshes", "", -1, nil},
		{"get", "/v1/meshes", "", -1, nil},
		{"GET", "/v1/meshes/m", "", 2, []string{"m"}},
		{"GET", "/v1/meshes/all", "", 4, nil},
		{"GET", "/v1/meshes/a%2Fb", "", 2, []string{"a/b"}},
		{"GET", "/v1/meshes/%61ll", "", 4, nil},
		{"GET", "/v1/meshes/a+b%20c%C3%A9", "", 2, []string{"a+b cé"}},
		{"GET", "/v1/meshes/m/nodes/n", "", 3, []string{"m", "n"}},
		{"GET", "/v1/meshes/all/nodes/n", "", 3, []string{"all", "n"}}, // goes back from the literal
		{"GET", "/v1/meshes//nodes/n", "", 10, []string{"v1", "meshes//nodes/n"}},
		{"POST", "/zone/Z1/rrset", "", 5, []string{"Z1"}},
		{"POST", "/zone/Z1/rrset/", "", 5, []string{"Z1"}},
		{"POST", "/zone/%2Fhostedzone%2FZ1/rrset/", "", 5, []string{"/hostedzone/Z1"}},
		{"POST", "/zone/%zz/rrset", "", -1, nil},
		{"POST", "/zone//rrset", "", -1, nil},
		{"GET", "/b", "", 9, []string{"b"}},
		{"GET", "/b", "tagging", 7, []string{"b"}},
		{"GET", "/b", "tagging=&x=1", 7, []string{"b"}},
		{"GET", "/b", "list-type=2", 8, []string{"b"}},
		{"GET", "/b", "list-type=1", 9, []string{"b"}},
		{"GET", "/b/k", "", 10, []string{"b", "k"}},
		{"GET", "/b/k/l%2Fm", "", 10, []string{"b", "k/l/m"}},
		{"GET", "/files/a/b/meta/info", "", 11, []string{"a/b"}},
		{"GET", "/files/meta/info", "", 10, []string{"files", "meta/info"}},
		{"GET", "/", "", 12, nil},
		{"GET", "", "", -1, nil},
		{"GET", "/b" + strings.Repeat("/x", maxSegments), "", -1, nil},
	} {
		index, labels, ok := r.Match(test.method, test.path, test.query)
		if ok != (test.index >= 0) || ok && (index != test.index || !slices.Equal(labels, test.labels)) {
			t.Errorf("%s %s?%s: got %d %q %v, want %d %q", test.method, test.path, test.query, index, labels, ok, test.index, test.labels)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, routes := range [][]Route{
		{{"GET", "no/slash", 0}},
		{{"GET", "/a/{x}", 0}, {"GET", "/a/{y}", 1}},
		{{"GET", "/a/", 0}, {"GET", "/a", 1}},
		{{"GET", "/{x+}", 0}, {"GET", "/{y+}", 1}},
		{{"GET", "/{x+}/{y}", 0}},
		{{"GET", "/a?b=1", 0}, {"GET", "/a?b=1", 1}},
	} {
		if _, err := New(routes); err == nil {
			t.Errorf("%v is accepted", routes)
		}
	}
}

// FuzzMatch: a match has as many labels as the pattern, none of them empty, and
// the pattern with its labels put in leads to the same route again.
func FuzzMatch(f *testing.F) {
	r, err := New(testRoutes)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("GET", "/v1/meshes/a%2Fb", "x=1")
	f.Add("POST", "/zone/Z1/rrset/", "")
	f.Add("GET", "/files/a/b/meta/info", "tagging")
	f.Fuzz(func(t *testing.T, method, path, query string) {
		index, labels, ok := r.Match(method, path, query)
		if !ok {
			return
		}
		pattern, _, _ := strings.Cut(testRoutes[index].Pattern, "?")
		var built strings.Builder
		used := 0
		for segment := range strings.SplitSeq(strings.Trim(pattern, "/"), "/") {
			text := segment
			if _, isLabel := labelName(segment); isLabel {
				if used == len(labels) || labels[used] == "" {
					t.Fatalf("%s has labels %q", path, labels)
				}
				text = url.PathEscape(labels[used])
				used++
			}
			built.WriteString("/" + text)
		}
		if used != len(labels) {
			t.Fatalf("%s has labels %q", path, labels)
		}
		again, sameLabels, ok := r.Match(method, built.String(), query)
		if !ok || again != index || !slices.Equal(labels, sameLabels) {
			t.Fatalf("%s leads to %d %q, and %s to %d %q", path, index, labels, built.String(), again, sameLabels)
		}
	})
}
