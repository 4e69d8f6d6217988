package nodetest

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestStart(t *testing.T) {
	for name, options := range map[string][]Option{
		"embedded": nil,
		"memory":   {WithMemoryStore()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := Start(t, options...)
			resp, err := http.Get(n.AdminURL + "/readyz")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
				t.Errorf("/readyz: %s: %s", resp.Status, text)
			}
		})
	}
}

func TestTwoNodes(t *testing.T) {
	a, b := Start(t, WithMemoryStore()), Start(t, WithMemoryStore())
	if a.URL == b.URL {
		t.Errorf("both nodes listen on %s", a.URL)
	}
	b.Stop(t)
	b.Stop(t)
	if resp, err := http.Get(a.AdminURL + "/livez"); err != nil {
		t.Error(err)
	} else {
		resp.Body.Close()
	}
}

func TestGoroutinesAreToldApart(t *testing.T) {
	m := marked{label: "this test"}
	release, inside := make(chan struct{}), make(chan struct{})
	go m.run(t.Context(), func(context.Context) {
		close(inside)
		<-release
	})
	<-inside
	if left := m.left(); !strings.Contains(left, "TestGoroutinesAreToldApart") {
		t.Errorf("a goroutine that runs is not seen: %q", left)
	}
	if left := (marked{label: "another test"}).left(); left != "" {
		t.Errorf("a foreign goroutine is seen: %q", left)
	}
	close(release)
	m.checkGone(t)
}
