package server

import (
	"slices"

	"github.com/spf13/pflag"

	"github.com/cairn-discovery/cairn/node/config"
)

// givenSettings collects the flags of serve that were given, by name. A value is
// checked while the command line is parsed, so that a wrong one is an error of
// usage.
type givenSettings struct{ values map[string]string }

// addTo adds the flags of all settings, or only of those that are named.
func (g *givenSettings) addTo(flags *pflag.FlagSet, only ...string) {
	g.values = map[string]string{}
	defaults := config.Default()
	for _, s := range config.Settings() {
		if len(only) > 0 && !slices.Contains(only, s.Flag) {
			continue
		}
		flags.Var(&settingFlag{Setting: s, given: g, shown: s.Value(&defaults)}, s.Flag, s.Usage)
	}
}

// settingFlag is one setting as a pflag.Value.
type settingFlag struct {
	config.Setting
	given *givenSettings
	shown string
}

// Set checks the value and stores it.
func (f *settingFlag) Set(value string) error {
	scratch := config.Default()
	if err := f.Setting.Set(&scratch, value); err != nil {
		return err
	}
	f.given.values[f.Flag] = value
	f.shown = value
	return nil
}

// String returns the value that was given, or the default.
func (f *settingFlag) String() string { return f.shown }

// Type returns the word that help shows for the value.
func (f *settingFlag) Type() string { return f.Arg }
