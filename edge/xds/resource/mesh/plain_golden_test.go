package mesh

import (
	"fmt"
	"os"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
)

// TestGoldenPlain compares what clients get from the registry alone with a golden file,
// and has the real Envoy check it. It is in this package because its checks are here.
func TestGoldenPlain(t *testing.T) {
	w := newFixture(t)
	for _, i := range []struct{ service, id, attributes string }{
		{"web", "a", "AWS_INSTANCE_IPV4=10.0.0.1 AWS_INSTANCE_PORT=8080 AVAILABILITY_ZONE=eu-west-1a weight=3 version=1"},
		{"web", "b", "AWS_INSTANCE_IPV4=10.0.0.2 AWS_INSTANCE_IPV6=2001:db8::2 AWS_INSTANCE_PORT=8080 AVAILABILITY_ZONE=eu-west-1b version=2"},
		{"web", "c", "AWS_INSTANCE_IPV4=10.0.0.3 REGION=eu-west-2 version=2"},
		{"one-host", "x", "AWS_INSTANCE_CNAME=db.example.com AWS_INSTANCE_PORT=5432"},
		{"hosts", "x", "AWS_INSTANCE_CNAME=a.example.com AWS_INSTANCE_PORT=443"},
		{"hosts", "y", "AWS_INSTANCE_CNAME=b.example.com AWS_INSTANCE_PORT=443"},
	} {
		attributes := map[string]string{}
		for word := range strings.FieldsSeq(i.attributes) {
			key, value, _ := strings.Cut(word, "=")
			attributes[key] = value
		}
		w.instance("shop", i.service, i.id, attributes)
	}
	var got strings.Builder
	for _, c := range []struct {
		name, metadata string
		listeners      []string // of a gRPC client or server, by name
	}{
		{"all services of a namespace", `{"cairn.services": ["*.shop"], "cairn.listen": "127.0.0.1:15002"}`, nil},
		{"services by name", `{"cairn.prefer_near": true, "cairn.services": ["web.shop:80", "web.shop?version=2", "gone.shop",
			{"name": "one-host.shop", "listen": "127.0.0.1:5432", "protocol": "tcp"}, {"name": "web.shop", "listen": "[::1]:81", "protocol": "http"}]}`, nil},
		{"gRPC", `{}`, []string{"web.shop", "web.shop:80", "web.shop|version=2", "hosts.shop", "cairn/server/127.0.0.1:80", "cairn/server/[::]:80"}},
	} {
		node := &corev3.Node{Id: "proxy", Locality: &corev3.Locality{Region: "eu-west-1", Zone: "eu-west-1a"}, Metadata: new(structpb.Struct)}
		if err := protojson.Unmarshal([]byte(c.metadata), node.Metadata); err != nil {
			t.Fatal(err)
		}
		v, err := (&plain.Source{Region: "eu-west-1"}).View(w.input(), &resource.Proxy{Node: node, Account: account})
		if err != nil {
			t.Fatal(err)
		}
		all := w.everything(v, c.listeners...)
		check(t, all)
		fmt.Fprintf(&got, "## %s\n%s", c.name, text(t, all))
		if c.listeners == nil {
			t.Run(c.name, func(t *testing.T) { validate(t, all) })
		}
	}
	const golden = "testdata/plain.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("differs from %s (run with -update and look at the difference): %s", golden, firstDifference(got.String(), string(want)))
	}
}
