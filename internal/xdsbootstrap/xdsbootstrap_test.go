package xdsbootstrap

import (
	"encoding/json"
	"testing"
)

// TestLocality: the node of gRPC always has a locality, without which gRPC for Node does
// not read the file.
func TestLocality(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   map[string]string
	}{
		{Config{Server: "127.0.0.1:8056", ID: "a"}, map[string]string{}},
		{Config{Server: "127.0.0.1:8056", ID: "a", Region: "r", Zone: "z"}, map[string]string{"region": "r", "zone": "z"}},
	} {
		text, err := GRPC(&c.config)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Node struct{ Locality map[string]string }
		}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		l := got.Node.Locality
		if l == nil || len(l) != len(c.want) || l["region"] != c.want["region"] || l["zone"] != c.want["zone"] {
			t.Errorf("%s: locality %v, want %v", text, l, c.want)
		}
	}
}

// TestReconnect: Envoy connects again within seconds of the return of its server; its own
// default is 30 s, in which short-lived certificates expire.
func TestReconnect(t *testing.T) {
	text, err := Envoy(&Config{Server: "127.0.0.1:8056", ID: "a", Admin: "127.0.0.1:9901"})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Dynamic struct {
			ADS struct {
				Services []struct {
					Envoy struct {
						Retry struct {
							BackOff map[string]string `json:"retry_back_off"`
						} `json:"retry_policy"`
					} `json:"envoy_grpc"`
				} `json:"grpc_services"`
			} `json:"ads_config"`
		} `json:"dynamic_resources"`
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if s := got.Dynamic.ADS.Services; len(s) != 1 || s[0].Envoy.Retry.BackOff["max_interval"] != maxReconnect {
		t.Errorf("%s", text)
	}
}
