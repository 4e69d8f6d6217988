package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/cairn-discovery/cairn/internal/seal"
)

// Lives of certificates: the shortest that the configuration allows.
const leafLife, rootLife = "10s", "40s"

const (
	trustSecret = "spiffe://shop"
	ownSecret   = "spiffe://shop/virtualNode/client"
)

// identity is what a proxy gets from a node.
type identity struct {
	roots [][]byte // certificates in DER
	leaf  *x509.Certificate
}

// identity asks a node for the secrets of a proxy.
func (p *process) identity() (*identity, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := grpc.NewClient(p.flag("--xds-addr"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(ctx)
	if err != nil {
		return nil, err
	}
	const secrets = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
	if err := stream.Send(&discoveryv3.DiscoveryRequest{TypeUrl: secrets, ResourceNames: []string{trustSecret, ownSecret},
		Node: &corev3.Node{Id: "mesh/shop/virtualNode/client", Cluster: "test"}}); err != nil {
		return nil, err
	}
	resp, err := stream.Recv()
	if err != nil {
		return nil, err
	}
	id := new(identity)
	for _, r := range resp.Resources {
		var s tlsv3.Secret
		if err := r.UnmarshalTo(&s); err != nil {
			return nil, err
		}
		switch s.Name {
		case trustSecret:
			rest := s.GetValidationContext().GetTrustedCa().GetInlineBytes()
			for block, more := pem.Decode(rest); block != nil; block, more = pem.Decode(more) {
				id.roots = append(id.roots, block.Bytes)
			}
		case ownSecret:
			c := s.GetTlsCertificate()
			pair, err := tls.X509KeyPair(c.GetCertificateChain().GetInlineBytes(), c.GetPrivateKey().GetInlineBytes())
			if err != nil {
				return nil, err
			}
			id.leaf = pair.Leaf
		}
	}
	if len(id.roots) == 0 || id.leaf == nil {
		return nil, fmt.Errorf("no secrets: %v", resp.Resources)
	}
	return id, nil
}

// accepts returns an error unless a proxy of one node trusts that of another.
func (id *identity) accepts(other *identity) error {
	pool := x509.NewCertPool()
	for _, der := range id.roots {
		root, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		pool.AddCert(root)
	}
	_, err := other.leaf.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return err
}

// put creates a resource of App Mesh.
func (p *process) put(path, body string) {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodPut, "http://"+p.api+"/v20190125/meshes"+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := caller.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %s %s", path, resp.Status, answer)
	}
}

// madeRoots counts the roots that a node has made.
func (p *process) madeRoots() int {
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		p.t.Fatal(err)
	}
	return bytes.Count(text, []byte("root certificate made"))
}

// identities returns what all nodes give out, after it was checked that each one accepts all.
func identities(t *testing.T, nodes []*process) (all []*identity) {
	t.Helper()
	for _, p := range nodes {
		id, err := p.identity()
		if err != nil {
			t.Fatalf("node %s: %v", p.flag("--node-name"), err)
		}
		all = append(all, id)
	}
	for i, a := range all {
		for j, b := range all {
			if err := a.accepts(b); err != nil {
				t.Errorf("node %d does not accept the certificate of node %d: %v", i, j, err)
			}
		}
	}
	return all
}

// untilRoots waits until all nodes have so many roots, the same ones. Meanwhile each accepts
// the certificates of all.
func untilRoots(t *testing.T, nodes []*process, want int) [][]byte {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		all := identities(t, nodes)
		if t.Failed() {
			t.FailNow()
		}
		if !slices.ContainsFunc(all, func(id *identity) bool {
			return len(id.roots) != want || !slices.EqualFunc(id.roots, all[0].roots, bytes.Equal)
		}) {
			return all[0].roots
		}
		if time.Now().After(deadline) {
			t.Fatalf("not all nodes have the same %d roots", want)
		}
	}
}

// TestAuthorityOfCluster: three nodes have one root for a mesh, and each accepts the
// certificates of all. The node that made it is killed, and another one makes the next root
// in time; certificates are accepted all the time, also by the node that was killed.
func TestAuthorityOfCluster(t *testing.T) {
	t.Parallel() // it waits for certificates to age
	dir := t.TempDir()
	sealKey := filepath.Join(dir, "seal.key")
	if err := os.WriteFile(sealKey, []byte(seal.NewKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	nodes := startClusterWith(t, fmt.Sprintf("auth: {seal_key_file: %s}\nnodes: {lease: 2s}\nxds: {authority: {meshes: [shop], leaf_life: %s, root_life: %s}}\n", sealKey, leafLife, rootLife))
	nodes[0].put("", `{"meshName":"shop"}`)
	nodes[0].put("/shop/virtualNodes", `{"virtualNodeName":"client","spec":{"backendDefaults":{"clientPolicy":{"tls":{
		"certificate":{"sds":{"secretName":"`+ownSecret+`"}},"validation":{"trust":{"sds":{"secretName":"`+trustSecret+`"}}}}}}}}`)
	for _, p := range nodes {
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			if _, err := p.identity(); err == nil {
				break
			} else if time.Now().After(deadline) {
				t.Fatal(err)
			}
		}
	}
	first := untilRoots(t, nodes, 1)
	made := slices.IndexFunc(nodes, func(p *process) bool { return p.madeRoots() == 1 })
	if made < 0 {
		t.Fatal("no node says that it has made the root")
	}
	maker := nodes[made]
	maker.kill()
	left := slices.Delete(slices.Clone(nodes), made, made+1)
	both := untilRoots(t, left, 2)
	if !bytes.Equal(both[0], first[0]) {
		t.Error("the first root has changed")
	}
	if n := left[0].madeRoots() + left[1].madeRoots(); n != 1 {
		t.Errorf("%d roots were made", n)
	}
	maker.run()
	maker.await()
	if again := untilRoots(t, nodes, 2); !slices.EqualFunc(again, both, bytes.Equal) {
		t.Error("the node that was killed brings other roots")
	}
	// The second root signs, and the first one goes.
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		roots := identities(t, nodes)[0].roots
		if !slices.ContainsFunc(roots, func(der []byte) bool { return bytes.Equal(der, first[0]) }) {
			break
		}
		if t.Failed() || time.Now().After(deadline) {
			t.Fatal("the first root does not go")
		}
	}
}
