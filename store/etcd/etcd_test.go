package etcd_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/etcd"
	"github.com/cairn-discovery/cairn/store/etcd/etcdtest"
	"github.com/cairn-discovery/cairn/store/storetest"
)

func TestContract(t *testing.T) {
	server := etcdtest.Start(t)
	n := 0
	storetest.Run(t, func(t *testing.T) storetest.Opener {
		n++
		cfg := config(t, server)
		cfg.Prefix = fmt.Sprintf("/test%d/", n)
		return func() (store.Store, error) { return etcd.Open(cfg) }
	})
}

// config returns a configuration that logs to the test.
func config(t testing.TB, servers ...*etcdtest.Server) etcd.Config {
	cfg := etcd.Config{Prefix: "/cairn/", Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, s := range servers {
		cfg.Endpoints = append(cfg.Endpoints, s.Endpoint)
	}
	return cfg
}

func TestConfigIsChecked(t *testing.T) {
	for _, cfg := range []etcd.Config{{Prefix: "/x/"}, {Endpoints: []string{"http://127.0.0.1:1"}}} {
		if _, err := etcd.Open(cfg); err == nil || !strings.HasPrefix(err.Error(), "etcd: ") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}
