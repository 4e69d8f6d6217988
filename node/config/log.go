package config

import (
	"cmp"
	"fmt"
	"log/slog"
)

// LogJSON is the value of Log.LogFormat for one JSON object a line.
const LogJSON = "json"

// Log is what the node logs. Logs go to stderr.
type Log struct {
	// LogFormat is `text` or `json`. Logs go to stderr.
	LogFormat string `yaml:"log_format" check:"oneof=text json" flag:"text|json" usage:"form of the log on stderr"`
	// LogLevel is `debug`, `info`, `warn` or `error`.
	LogLevel string `yaml:"log_level" check:"oneof=debug info warn error" reload:"sighup" flag:"debug|info|warn|error" usage:"least level that is logged"`
}

func defaultLog() Log { return Log{LogFormat: "text", LogLevel: "info"} }

// Level returns LogLevel as a value of slog. The level must have passed Check.
func (l *Log) Level() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cmp.Or(l.LogLevel, "info"))); err != nil {
		panic(fmt.Sprintf("config: unchecked log level %q", l.LogLevel))
	}
	return level
}
