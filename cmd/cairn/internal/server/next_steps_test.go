package server

import (
	"testing"

	"github.com/cairn-discovery/cairn/node"
	"github.com/cairn-discovery/cairn/node/config"
)

func TestEnvCommand(t *testing.T) {
	secure := config.TLS{CertFile: "cert.pem", Admin: true}
	tests := []struct {
		api, admin string
		tls        config.TLS
		want       string
	}{
		{"127.0.0.1:8053", "127.0.0.1:8055", config.TLS{}, `eval "$(cairn env)"`},
		{"127.0.0.1:8053", "127.0.0.1:8055", secure, `eval "$(cairn env --endpoint https://127.0.0.1:8053 --admin https://127.0.0.1:8055)"`},
		{"127.0.0.1:9000", "127.0.0.1:8055", config.TLS{}, `eval "$(cairn env --endpoint http://127.0.0.1:9000)"`},
		{"0.0.0.0:8053", "127.0.0.1:9055", config.TLS{}, `eval "$(cairn env --admin http://127.0.0.1:9055)"`},
		{"[::]:8053", "127.0.0.1:8055", config.TLS{CertFile: "cert.pem"}, `eval "$(cairn env --endpoint https://[::1]:8053)"`},
		{"10.0.0.1:80", "127.0.0.1:8055", config.TLS{}, `eval "$(cairn env --endpoint http://10.0.0.1:80)"`},
	}
	for _, tt := range tests {
		if got := envCommand("cairn", node.Addrs{API: tt.api, Admin: tt.admin}, tt.tls); got != tt.want {
			t.Errorf("%s and %s, %+v: got %s, want %s", tt.api, tt.admin, tt.tls, got, tt.want)
		}
	}
}
