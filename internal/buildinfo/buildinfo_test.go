package buildinfo

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestFrom(t *testing.T) {
	setting := func(key, value string) debug.BuildSetting { return debug.BuildSetting{Key: key, Value: value} }
	tests := map[string]struct {
		build debug.BuildInfo
		want  Info
	}{
		"nothing recorded": {debug.BuildInfo{}, Info{"devel", "unknown", runtime.Version()}},
		"a checkout": {
			debug.BuildInfo{
				Main:     debug.Module{Version: "(devel)"},
				Settings: []debug.BuildSetting{setting("vcs.revision", "abc"), setting("vcs.modified", "true")},
			},
			Info{"devel", "abc+dirty", runtime.Version()},
		},
		"a release": {
			debug.BuildInfo{
				Main:     debug.Module{Version: "v1.2.3"},
				Settings: []debug.BuildSetting{setting("vcs.revision", "abc"), setting("vcs.modified", "false")},
			},
			Info{"v1.2.3", "abc", runtime.Version()},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := from(&tt.build); got != tt.want {
				t.Errorf("from() = %+v, want %+v", got, tt.want)
			}
		})
	}
}
