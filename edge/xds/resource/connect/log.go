package connect

import (
	"strings"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	streamv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/stream/v3"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
)

// field is a member of an access log.
type field struct{ name, value string }

// path is replaced by the path with or without the query.
const path = "PATH"

// The members of access logs; see "Access logging" in the documents of Envoy.
var (
	httpFormat = []field{
		{"start_time", "%START_TIME%"}, {"method", "%REQ(:METHOD)%"}, {"path", path}, {"protocol", "%PROTOCOL%"},
		{"response_code", "%RESPONSE_CODE%"}, {"response_flags", "%RESPONSE_FLAGS%"}, {"bytes_received", "%BYTES_RECEIVED%"},
		{"bytes_sent", "%BYTES_SENT%"}, {"duration", "%DURATION%"}, {"authority", "%REQ(:AUTHORITY)%"},
		{"request_id", "%REQ(X-REQUEST-ID)%"}, {"upstream_host", "%UPSTREAM_HOST%"},
	}
	tcpFormat = []field{
		{"start_time", "%START_TIME%"}, {"response_flags", "%RESPONSE_FLAGS%"}, {"bytes_received", "%BYTES_RECEIVED%"},
		{"bytes_sent", "%BYTES_SENT%"}, {"duration", "%DURATION%"}, {"upstream_host", "%UPSTREAM_HOST%"},
	}
)

// accessLogs returns the log of requests or connections that the service wants. It goes to
// the output of the proxy.
func (v *view) accessLogs(fields []field) []*accesslogv3.AccessLog {
	if v.logs == nil {
		return nil
	}
	format := new(corev3.SubstitutionFormatString)
	if v.logs.Format == "JSON" {
		object := &structpb.Struct{Fields: map[string]*structpb.Value{}}
		for _, f := range fields {
			object.Fields[f.name] = structpb.NewStringValue(v.valueOf(f))
		}
		format.Format = &corev3.SubstitutionFormatString_JsonFormat{JsonFormat: object}
	} else {
		var all []string
		for _, f := range fields {
			all = append(all, v.valueOf(f))
		}
		format.Format = &corev3.SubstitutionFormatString_TextFormatSource{TextFormatSource: &corev3.DataSource{
			Specifier: &corev3.DataSource_InlineString{InlineString: strings.Join(all, " ") + "\n"},
		}}
	}
	config := &streamv3.StdoutAccessLog{AccessLogFormat: &streamv3.StdoutAccessLog_LogFormat{LogFormat: format}}
	return []*accesslogv3.AccessLog{{
		Name: "envoy.access_loggers.stdout", ConfigType: &accesslogv3.AccessLog_TypedConfig{TypedConfig: plain.Pack(config)},
	}}
}

func (v *view) valueOf(f field) string {
	switch {
	case f.value != path:
		return f.value
	case v.logs.IncludeQueryParameters == "ENABLED":
		return "%PATH(WQ)%"
	}
	return "%PATH(NQ)%"
}
