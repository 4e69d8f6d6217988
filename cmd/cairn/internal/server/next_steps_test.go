package server

import "testing"

func TestEnvCommand(t *testing.T) {
	tests := []struct {
		address string
		secured bool
		want    string
	}{
		{"127.0.0.1:8053", false, `eval "$(cairn env)"`},
		{"127.0.0.1:8053", true, `eval "$(cairn env --endpoint https://127.0.0.1:8053)"`},
		{"127.0.0.1:9000", false, `eval "$(cairn env --endpoint http://127.0.0.1:9000)"`},
		{"0.0.0.0:8053", false, `eval "$(cairn env)"`},
		{"[::]:8053", true, `eval "$(cairn env --endpoint https://[::1]:8053)"`},
		{"10.0.0.1:80", false, `eval "$(cairn env --endpoint http://10.0.0.1:80)"`},
	}
	for _, tt := range tests {
		if got := envCommand(tt.address, tt.secured); got != tt.want {
			t.Errorf("%s, TLS %v: got %s, want %s", tt.address, tt.secured, got, tt.want)
		}
	}
}
