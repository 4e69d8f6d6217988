package mesh

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testtool"
)

func TestLogFormats(t *testing.T) {
	for _, test := range []struct{ format, problem string }{
		{"", ""},
		{"no operator", ""},
		{"100 %%", ""},
		{"%%%PROTOCOL%%%", ""},
		{"[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %REQ(USER-AGENT):10%\n", ""},
		{"%START_TIME(%Y/%m/%dT%H:%M:%S%z %s)%", ""},
		{"%DYNAMIC_METADATA(a:b(c)):7%", ""},
		{"%NOPE%", "operator %NOPE%, which Envoy does not have"},
		{"%protocol%", "begins no operator"},
		{"50% of it", "begins no operator"},
		{"%", "begins no operator"},
		{"x %PROTOCOL", "operator PROTOCOL without an end"},
		{"%REQ(A%", "operator REQ without an end"},
		{"%REQ(A):%", "operator REQ without an end"},
		{"%REQ%", "%REQ% in the format of the access log needs parameters"},
		{"%PROTOCOL(x)%", "%PROTOCOL% in the format of the access log cannot have parameters"},
		{"%DURATION:3%", "%DURATION% in the format of the access log cannot have a length"},
		{"%START_TIME(x):3%", "%START_TIME% in the format of the access log cannot have a length"},
	} {
		for _, f := range []*LoggingFormat{{Text: test.format}, {JSON: []JSONFormat{{Key: "good"}, {Key: "k", Value: test.format}}}} {
			logging := &Logging{AccessLog: &AccessLog{File: &FileAccessLog{Path: "/dev/null", Format: f}}}
			err := logging.check()
			if (err == nil) != (test.problem == "") || err != nil && !strings.Contains(err.Error(), test.problem) {
				t.Errorf("%q: %v", test.format, err)
			}
		}
	}
	for _, none := range []*Logging{nil, {}, {AccessLog: &AccessLog{}}, {AccessLog: &AccessLog{File: &FileAccessLog{}}}} {
		if err := none.check(); err != nil {
			t.Error(err)
		}
	}
}

func FuzzLogFormat(f *testing.F) {
	f.Add("%REQ(A):3% %% %START_TIME(%Y)%")
	f.Fuzz(func(t *testing.T, format string) { _ = checkFormat(format) })
}

// TestEnvoyHasTheOperators: Envoy accepts a format with each operator of the tables.
func TestEnvoyHasTheOperators(t *testing.T) {
	envoy := testtool.Envoy(t)
	parameters := map[string]string{"CEL": "1", "COALESCE": `{"operators":["PROTOCOL"]}`, "COMMON_DURATION": "DS_RX_BEG:DS_RX_END", "METADATA": "ROUTE:a"}
	var text strings.Builder
	for name, o := range operators {
		text.WriteString("%" + name)
		if !o.noParameters {
			p, ok := parameters[name]
			if !ok {
				p = "a"
			}
			text.WriteString("(" + p + ")")
		}
		if o.length {
			text.WriteString(":5")
		}
		text.WriteString("%\n")
	}
	if err := checkFormat(text.String()); err != nil {
		t.Fatal(err)
	}
	type object map[string]any
	log := object{"name": "log", "typed_config": object{
		"@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": "/dev/null",
		"log_format": object{"text_format_source": object{"inline_string": text.String()}},
	}}
	proxy := object{"name": "proxy", "typed_config": object{
		"@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", "stat_prefix": "x", "cluster": "c", "access_log": []object{log},
	}}
	config, err := json.Marshal(object{"static_resources": object{
		"clusters": []object{{"name": "c", "type": "STATIC"}},
		"listeners": []object{{
			"name": "l", "address": object{"socket_address": object{"address": "127.0.0.1", "port_value": 1}},
			"filter_chains": []object{{"filters": []object{proxy}}},
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "envoy.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(envoy, "--mode", "validate", "--config-path", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
