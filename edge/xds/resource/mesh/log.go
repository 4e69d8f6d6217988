package mesh

import (
	"strings"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	filev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/file/v3"
	previousv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/retry/host/previous_hosts/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	model "github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
)

func previousHostsConfig() *anypb.Any { return plain.Pack(&previousv3.PreviousHostsPredicate{}) }

// accessLogs returns where a proxy logs requests and connections.
func (v *view) accessLogs(in *resource.Input) []*accesslogv3.AccessLog {
	var logging *model.Logging
	if spec := v.selfNode(in); spec != nil {
		logging = spec.Logging
	}
	if spec := v.selfGateway(in); spec != nil {
		logging = spec.Logging
	}
	if logging == nil || logging.AccessLog == nil || logging.AccessLog.File == nil {
		return nil
	}
	log := logging.AccessLog.File
	config := &filev3.FileAccessLog{Path: log.Path}
	switch f := log.Format; {
	case f == nil || f.Check() != nil: // Envoy's own format is better than no listener
	case f.JSON != nil:
		fields := map[string]*structpb.Value{}
		for _, member := range f.JSON {
			fields[member.Key] = structpb.NewStringValue(member.Value)
		}
		config.AccessLogFormat = &filev3.FileAccessLog_LogFormat{LogFormat: &corev3.SubstitutionFormatString{
			Format: &corev3.SubstitutionFormatString_JsonFormat{JsonFormat: &structpb.Struct{Fields: fields}},
		}}
	case f.Text != "":
		text := strings.TrimSuffix(f.Text, "\n") + "\n"
		config.AccessLogFormat = &filev3.FileAccessLog_LogFormat{LogFormat: &corev3.SubstitutionFormatString{
			Format: &corev3.SubstitutionFormatString_TextFormatSource{TextFormatSource: &corev3.DataSource{Specifier: &corev3.DataSource_InlineString{InlineString: text}}},
		}}
	}
	return []*accesslogv3.AccessLog{{Name: "envoy.access_loggers.file", ConfigType: &accesslogv3.AccessLog_TypedConfig{TypedConfig: plain.Pack(config)}}}
}
