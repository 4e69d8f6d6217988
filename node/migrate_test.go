package node_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/node/nodetest"
	"github.com/cairn-discovery/cairn/store/etcd/etcdtest"
)

// TestMigrate takes a registry from files to etcd and back.
func TestMigrate(t *testing.T) {
	first := nodetest.Start(t)
	service := newService(t, first)
	backup := ""
	for i := range 300 { // more than one transaction of etcd
		if i == 200 {
			backup = takeBackup(t, first)
		}
		body := fmt.Sprintf(`{"ServiceId":%q,"InstanceId":"i-%d","Attributes":{"a":"b"}}`, service, i)
		if status, answer := call(t, first, "RegisterInstance", body); status != http.StatusOK {
			t.Fatal(answer)
		}
	}
	first.Stop(t)

	server := etcdtest.Start(t)
	m := node.Migration{Config: config.Default(), Target: filepath.Join(t.TempDir(), "back")}
	m.Config.Store, m.Config.DataDir, m.Config.EtcdEndpoints = config.StoreEtcd, first.DataDir, []string{server.Endpoint}
	m.Prepare = backup
	if prepared, err := m.Run(t.Context()); err != nil || prepared.Written < 400 {
		t.Fatalf("%+v, %v", prepared, err)
	}
	m.Prepare = ""
	to, err := m.Run(t.Context())
	if err != nil || to.Records < 600 || to.To < to.From || to.Written > 250 {
		t.Fatalf("%+v, %v", to, err)
	}
	if _, err := m.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second migration to the same place: %v", err)
	}
	shared := nodetest.Start(t, overEtcd(server))
	last := fmt.Sprintf(`{"ServiceId":%q,"InstanceId":"i-299"}`, service)
	if status, answer := call(t, shared, "GetInstance", last); status != http.StatusOK {
		t.Error(answer)
	}
	shared.Stop(t)

	m.ToEmbedded = true
	back, err := m.Run(t.Context())
	if err != nil || back.Records < to.Records || back.To < back.From {
		t.Fatalf("%+v after %+v, %v", back, to, err)
	}
	again := nodetest.Start(t, nodetest.WithDataDir(m.Target))
	if status, answer := call(t, again, "GetInstance", last); status != http.StatusOK {
		t.Error(answer)
	}
}

// takeBackup saves a backup of a node that runs.
func takeBackup(t *testing.T, n *nodetest.Node) (file string) {
	t.Helper()
	status, text := adminGet(t, n.AdminURL+"/backup")
	file = filepath.Join(t.TempDir(), "backup")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil || status != http.StatusOK {
		t.Fatal(status, err)
	}
	return file
}

// TestUnfinishedImportIsRefused: no node uses a store into which an import has not ended.
func TestUnfinishedImportIsRefused(t *testing.T) {
	server := etcdtest.Start(t)
	client := etcdtest.Client(t, server.Endpoint)
	if _, err := client.Put(t.Context(), "/cairn/format", `{"format":1,"first_revision":0,"importing":true}`); err != nil {
		t.Fatal(err)
	}
	c := nodetest.Config(t)
	c.Store, c.EtcdEndpoints = config.StoreEtcd, []string{server.Endpoint}
	n, err := node.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "an import into /cairn/ has not ended") {
		t.Errorf("the node ended with %v", err)
	}
	if _, err := client.Put(t.Context(), "/cairn/format", `{"format":2}`); err != nil {
		t.Fatal(err)
	}
	if n, err = node.New(c); err != nil {
		t.Fatal(err)
	}
	if err := n.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "its format is 2 and this version of cairn knows formats up to 1") {
		t.Errorf("the node ended with %v", err)
	}
}
