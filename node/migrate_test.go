package node_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

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
	operations := registerTogether(t, shared, server, service)
	restored := restore(t, takeBackup(t, shared))
	shared.Stop(t)

	m.ToEmbedded = true
	back, err := m.Run(t.Context())
	if err != nil || back.Records < to.Records || back.To < back.From {
		t.Fatalf("%+v after %+v, %v", back, to, err)
	}
	for _, dir := range []string{m.Target, restored} {
		again := nodetest.Start(t, nodetest.WithDataDir(dir))
		if status, answer := call(t, again, "GetInstance", last); status != http.StatusOK {
			t.Error(answer)
		}
		for _, id := range operations {
			if status, answer := call(t, again, "GetOperation", fmt.Sprintf(`{"OperationId":%q}`, id)); status != http.StatusOK {
				t.Error(answer)
			}
		}
		again.Stop(t)
	}
}

// registerTogether registers instances at the same time, so that their operations share
// records in etcd, and returns the ids of the operations.
func registerTogether(t *testing.T, n *nodetest.Node, server *etcdtest.Server, service string) (ids []string) {
	t.Helper()
	client := etcdtest.Client(t, server.Endpoint)
	records := func() int64 {
		found, err := client.Get(t.Context(), "/cairn/data/5o/", clientv3.WithPrefix(), clientv3.WithCountOnly())
		if err != nil {
			t.Fatal(err)
		}
		return found.Count
	}
	before := records()
	var wg sync.WaitGroup
	answers := make(chan string, 60)
	for i := range cap(answers) {
		wg.Go(func() {
			_, answer := call(t, n, "RegisterInstance", fmt.Sprintf(`{"ServiceId":%q,"InstanceId":"together-%d","Attributes":{"a":"b"}}`, service, i))
			answers <- answer
		})
	}
	wg.Wait()
	close(answers)
	for answer := range answers {
		var out struct{ OperationId string }
		if err := json.Unmarshal([]byte(answer), &out); err != nil || out.OperationId == "" {
			t.Error(answer)
		}
		ids = append(ids, out.OperationId)
	}
	if added := records() - before; added < 1 || added >= int64(len(ids)) {
		t.Errorf("%d operations are in %d records", len(ids), added)
	}
	return ids
}

// restore makes a data folder of a backup.
func restore(t *testing.T, backup string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "restored")
	saved, err := os.Open(backup)
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Close()
	if _, err := node.Restore(dir, saved); err != nil {
		t.Fatal(err)
	}
	return dir
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
