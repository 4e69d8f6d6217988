// Package xdsbootstrap makes the files with which clients of xDS start: Envoy and gRPC.
//
//	text, err := xdsbootstrap.Envoy(&xdsbootstrap.Config{Server: "127.0.0.1:8056", ID: "web-1"})
package xdsbootstrap

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Config says how a client finds and names itself to its server.
type Config struct {
	// Server is the HOST:PORT of the xDS listener, or Unix and the path of a socket.
	Server string
	// ID and Cluster name the node. An empty Cluster is the ID.
	ID, Cluster string
	// Region and Zone are where the client is. They may be empty.
	Region, Zone string
	// Metadata is the metadata of the node. It may be nil.
	Metadata map[string]any
	// CAFile is the file with the authorities of the server's certificate. Empty means
	// plain text.
	CAFile string
	// CertFile and KeyFile are the certificate of the client. They may be empty.
	CertFile, KeyFile string
	// Token is sent as "authorization: Bearer TOKEN". It may be empty.
	Token string
	// Admin is the address of the admin interface of Envoy, as Server.
	Admin string
	// StateOfTheWorld selects that protocol for Envoy, in place of delta.
	StateOfTheWorld bool
}

// Unix precedes the path of a socket in addresses.
const Unix = "unix:"

type object = map[string]any

func (c *Config) node() object {
	cluster := c.Cluster
	if cluster == "" {
		cluster = c.ID
	}
	locality := object{} // gRPC for Node reads no file without it
	if c.Region != "" || c.Zone != "" {
		locality["region"], locality["zone"] = c.Region, c.Zone
	}
	n := object{"id": c.ID, "cluster": cluster, "locality": locality}
	if len(c.Metadata) > 0 {
		n["metadata"] = c.Metadata
	}
	return n
}

// GRPC returns the file that GRPC_XDS_BOOTSTRAP names.
func GRPC(c *Config) ([]byte, error) {
	if _, err := socket(c.Server); err != nil {
		return nil, fmt.Errorf("server %q: %w", c.Server, err)
	}
	creds := object{"type": "insecure"}
	if c.CAFile != "" {
		files := object{"ca_certificate_file": c.CAFile}
		if c.CertFile != "" {
			files["certificate_file"], files["private_key_file"] = c.CertFile, c.KeyFile
		}
		creds = object{"type": "tls", "config": files}
	}
	all := object{
		"xds_servers":                            []any{object{"server_uri": c.Server, "channel_creds": []any{creds}, "server_features": []string{"xds_v3"}}},
		"node":                                   c.node(),
		"server_listener_resource_name_template": "cairn/server/%s",
	}
	if c.CertFile != "" {
		all["certificate_providers"] = object{"default": object{"plugin_name": "file_watcher", "config": object{
			"certificate_file": c.CertFile, "private_key_file": c.KeyFile, "ca_certificate_file": c.CAFile, "refresh_interval": "60s",
		}}}
	}
	return encode(all)
}

// Envoy returns the file for envoy --config-path.
func Envoy(c *Config) ([]byte, error) {
	cluster, err := c.serverCluster()
	if err != nil {
		return nil, err
	}
	admin, err := socket(c.Admin)
	if err != nil {
		return nil, fmt.Errorf("admin address %q: %w", c.Admin, err)
	}
	service := object{"envoy_grpc": object{"cluster_name": clusterName, "retry_policy": object{"retry_back_off": object{
		"base_interval": "0.2s", "max_interval": maxReconnect,
	}}}}
	if c.Token != "" {
		service["initial_metadata"] = []any{object{"key": "authorization", "value": "Bearer " + c.Token}}
	}
	api := "DELTA_GRPC"
	if c.StateOfTheWorld {
		api = "GRPC"
	}
	// Without a time limit, the proxy does not start to listen with an empty
	// configuration when its server is late.
	ads := object{"ads": object{}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
	return encode(object{
		"node":  c.node(),
		"admin": object{"address": admin},
		"dynamic_resources": object{
			"ads_config": object{
				"api_type": api, "transport_api_version": "V3", "set_node_on_first_message_only": true, "grpc_services": []any{service},
			},
			"lds_config": ads, "cds_config": ads,
		},
		"static_resources": object{"clusters": []any{cluster}},
	})
}

// maxReconnect is the longest time between two attempts of Envoy to reach its server. Its own
// default, 30 s, is so long that proxies would have old endpoints, and short-lived certificates
// would expire, although the server is back.
const maxReconnect = "2s"

// clusterName is the name of the cluster of the xDS server. It cannot be the name of a
// service, which has a dot.
const clusterName = "cairn_xds"

func (c *Config) serverCluster() (object, error) {
	address, err := socket(c.Server)
	if err != nil {
		return nil, fmt.Errorf("server %q: %w", c.Server, err)
	}
	host, _, _ := net.SplitHostPort(c.Server)
	kind := "STRICT_DNS"
	if _, err := netip.ParseAddr(host); err == nil || strings.HasPrefix(c.Server, Unix) {
		kind = "STATIC"
	}
	cluster := object{
		"name": clusterName, "type": kind, "connect_timeout": "1s",
		"load_assignment": object{"cluster_name": clusterName, "endpoints": []any{object{"lb_endpoints": []any{object{"endpoint": object{"address": address}}}}}},
		"typed_extension_protocol_options": object{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": object{
			"@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
			"explicit_http_config": object{"http2_protocol_options": object{
				"connection_keepalive": object{"interval": "10s", "timeout": "20s"},
			}},
		}},
	}
	if c.CAFile != "" {
		common := object{"validation_context": object{"trusted_ca": object{"filename": c.CAFile}}, "alpn_protocols": []string{"h2"}}
		if c.CertFile != "" {
			common["tls_certificates"] = []any{object{"certificate_chain": object{"filename": c.CertFile}, "private_key": object{"filename": c.KeyFile}}}
		}
		cluster["transport_socket"] = object{"name": "envoy.transport_sockets.tls", "typed_config": object{
			"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
			"sni":   host, "common_tls_context": common,
		}}
	}
	return cluster, nil
}

// socket returns an address as Envoy writes it.
func socket(addr string) (object, error) {
	if path, ok := strings.CutPrefix(addr, Unix); ok {
		return object{"pipe": object{"path": path}}, nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("must be HOST:PORT")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || host == "" {
		return nil, fmt.Errorf("must be HOST:PORT")
	}
	return object{"socket_address": object{"address": host, "port_value": n}}, nil
}

func encode(v any) ([]byte, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	return append(text, '\n'), err
}
