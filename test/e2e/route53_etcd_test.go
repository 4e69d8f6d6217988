package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/store/etcd/etcdtest"
)

// A zone that needs larger transactions than etcd takes by default is imported in batches
// that it takes, and so are changes and deletions.
func TestImportOverEtcd(t *testing.T) {
	t.Parallel()
	etcd := etcdtest.Start(t)
	dir := t.TempDir()
	program := build(t)
	p := serve(t, program, filepath.Join(dir, "data"), "--store", "etcd", "--etcd-endpoints", etcd.Endpoint)
	env := append(awsEnv(dir), "AWS_ENDPOINT_URL="+p.url, "CAIRN_ENDPOINT="+p.url)
	const names = 300
	file := func(ttl, names int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "$TTL %d\n", ttl)
		for i := range names {
			fmt.Fprintf(&b, "n%d A 192.0.2.%d\n", i, i%250)
		}
		path := filepath.Join(dir, "large.zone")
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, step := range []struct{ ttl, names int }{{60, names}, {120, names}, {120, 1}} {
		run(t, dir, env, program, "zone", "import", file(step.ttl, step.names), "--zone", "large.example", "--create", "--prune", "--yes")
		left := export(t, env, "large.example")
		if want := fmt.Sprintf("n0.large.example.\t%d\tIN\tA\t192.0.2.0", step.ttl); len(left) != step.names || left[0] != want {
			t.Errorf("%d names with TTL %d: %d record sets, the first is %q", step.names, step.ttl, len(left), left[0])
		}
	}
}
