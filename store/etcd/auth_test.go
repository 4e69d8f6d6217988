package etcd_test

import (
	"crypto/tls"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cairn-discovery/cairn/internal/testca"
	"github.com/cairn-discovery/cairn/store/etcd"
	"github.com/cairn-discovery/cairn/store/etcd/etcdtest"
)

// TestClientCertificates: etcd asks for a certificate, and the store has one or not.
func TestClientCertificates(t *testing.T) {
	ca, other := testca.New(t), testca.New(t)
	names := testca.Names{IPs: []string{"127.0.0.1"}}
	cert, key := ca.Issue(t, names)
	server := etcdtest.Start(t, "--cert-file="+cert, "--key-file="+key, "--client-cert-auth", "--trusted-ca-file="+ca.File)
	pair := func(ca *testca.CA) []tls.Certificate {
		cert, key := ca.Issue(t, names)
		c, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		return []tls.Certificate{c}
	}
	cfg := config(t, server)
	cfg.TLS = &tls.Config{RootCAs: ca.Pool, Certificates: pair(ca)}
	s := open(t, cfg)
	_, revision := load(t, s)
	keys, _ := follow(t, s, revision)
	mustPut(t, s, "a")
	want(t, keys, "a")
	for name, c := range map[string]*tls.Config{
		"no certificate":    {RootCAs: ca.Pool},
		"another authority": {RootCAs: ca.Pool, Certificates: pair(other)},
		"unknown server":    {RootCAs: other.Pool, Certificates: pair(ca)},
	} {
		cfg := config(t, server)
		cfg.TLS, cfg.Timeout = c, 1e9
		if err := tryLoad(t, cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func tryLoad(t *testing.T, cfg etcd.Config) error {
	t.Helper()
	s, err := etcd.Open(cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	_, err = s.Load(t.Context(), nil)
	return err
}

// TestUsersOfEtcd: etcd asks for a user, whose rights end at the prefix. Its tokens are
// lost when etcd starts again, as when they expire: the store gets a new one.
func TestUsersOfEtcd(t *testing.T) {
	server := etcdtest.Start(t)
	admin := etcdtest.Client(t, server.Endpoint)
	ctx := t.Context()
	end := clientv3.GetPrefixRangeEnd("/cairn/")
	for _, step := range []func() error{
		func() error { _, err := admin.UserAdd(ctx, "root", "secret"); return err },
		func() error { _, err := admin.UserGrantRole(ctx, "root", "root"); return err },
		func() error { _, err := admin.RoleAdd(ctx, "cairn"); return err },
		func() error {
			_, err := admin.RoleGrantPermission(ctx, "cairn", "/cairn/", end, clientv3.PermissionType(clientv3.PermReadWrite))
			return err
		},
		func() error { _, err := admin.UserAdd(ctx, "cairn", "password-of-cairn"); return err },
		func() error { _, err := admin.UserGrantRole(ctx, "cairn", "cairn"); return err },
		func() error { _, err := admin.AuthEnable(ctx); return err },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	cfg := config(t, server)
	cfg.Username, cfg.Password = "cairn", "password-of-cairn"
	s := open(t, cfg)
	_, revision := load(t, s)
	keys, _ := follow(t, s, revision)
	mustPut(t, s, "a")
	want(t, keys, "a")
	for key, end := range map[string]func(){"b": server.Kill, "c": server.Stop} {
		end()
		server.Run()
		load(t, s)
		mustPut(t, s, key)
		want(t, keys, key)
	}
	for name, change := range map[string]func(*etcd.Config){
		"no user":        func(c *etcd.Config) { c.Username, c.Password = "", "" },
		"wrong password": func(c *etcd.Config) { c.Password = "wrong" },
		"another prefix": func(c *etcd.Config) { c.Prefix = "/other/" },
	} {
		cfg := cfg
		cfg.Timeout = 2e9
		change(&cfg)
		err := tryLoad(t, cfg)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "password-of-cairn") {
			t.Errorf("%s: the error tells the password: %v", name, err)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}
