package plain

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
)

// The keys of the metadata of a node.
const (
	// MetaServices is a list of the services that the proxy uses: a name, "*.NAMESPACE"
	// for all services of a namespace, or an object with name, listen and protocol for
	// a service with a listener of its own.
	MetaServices = "cairn.services"
	// MetaListen is the address of the HTTP listener for the services of the list.
	MetaListen = "cairn.listen"
	// MetaPreferNear is a boolean: instances in the zone of the proxy come first, then
	// those in its region.
	MetaPreferNear = "cairn.prefer_near"
	// metaZone is the key with which the agent of App Mesh names the zone.
	metaZone = "AvailabilityZone"
)

const (
	defaultListen = "127.0.0.1:15001"
	maxServices   = 1000 // entries in a list
)

// settings is what the metadata of a node says.
type settings struct {
	services   []service // in order of their names
	listen     string
	preferNear bool
}

// service is an entry of the list of services.
type service struct {
	name string // "*.NAMESPACE" for all services of a namespace
	// listen is the address of a listener for this service alone; empty: the common one.
	listen string
	tcp    bool
}

// key returns a text that is equal for equal settings.
func (s *settings) key() string { return fmt.Sprint(s.listen, s.preferNear, s.services) }

// outbound returns the name of the HTTP listener, and of its route.
func (s *settings) outbound() string { return "cairn_outbound" }

// settingsOf reads the metadata of a node.
func settingsOf(node *corev3.Node) (settings, error) {
	fields := node.GetMetadata().GetFields()
	s := settings{listen: cmp.Or(fields[MetaListen].GetStringValue(), defaultListen), preferNear: fields[MetaPreferNear].GetBoolValue()}
	if _, err := netip.ParseAddrPort(s.listen); err != nil {
		return s, invalid(MetaListen, s.listen, "must be IP:PORT")
	}
	list := fields[MetaServices].GetListValue().GetValues()
	if len(list) > maxServices {
		return s, status.Errorf(codes.InvalidArgument, "metadata %s: %d entries; at most %d are allowed", MetaServices, len(list), maxServices)
	}
	for _, v := range list {
		one, err := serviceOf(v)
		if err != nil {
			return s, err
		}
		s.services = append(s.services, one)
	}
	slices.SortFunc(s.services, func(a, b service) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.listen, b.listen)) })
	s.services = slices.Compact(s.services)
	return s, s.checkListeners()
}

func serviceOf(v *structpb.Value) (service, error) {
	s := service{name: v.GetStringValue()}
	if object := v.GetStructValue(); object != nil {
		s.name = object.Fields["name"].GetStringValue()
		s.listen = object.Fields["listen"].GetStringValue()
		switch protocol := object.Fields["protocol"].GetStringValue(); protocol {
		case "", "http":
		case "tcp":
			s.tcp = true
		default:
			return s, invalid(MetaServices, protocol, "must be http or tcp")
		}
	}
	if s.listen != "" {
		if _, err := netip.ParseAddrPort(s.listen); err != nil {
			return s, invalid(MetaServices, s.listen, "must be IP:PORT")
		}
	}
	_, all := strings.CutPrefix(s.name, "*.")
	_, ok := parseName(s.name)
	switch {
	case !all && !ok:
		return s, invalid(MetaServices, s.name, "must be SERVICE.NAMESPACE[:PORT], or *.NAMESPACE")
	case all && s.listen != "":
		return s, invalid(MetaServices, s.name, "cannot have a listener of its own")
	case s.tcp && s.listen == "":
		return s, invalid(MetaServices, s.name, "needs listen, because its protocol is tcp")
	}
	return s, nil
}

// checkListeners refuses two listeners with one address, which proxies reject.
func (s *settings) checkListeners() error {
	used := map[string]bool{}
	if s.hasOutbound() {
		used[s.listen] = true
	}
	for _, one := range s.services {
		if one.listen == "" {
			continue
		}
		if used[one.listen] {
			return invalid(MetaServices, one.listen, "is used by two listeners")
		}
		used[one.listen] = true
	}
	return nil
}

// hasOutbound reports whether a service uses the common listener.
func (s *settings) hasOutbound() bool {
	return slices.ContainsFunc(s.services, func(one service) bool { return one.listen == "" })
}

func invalid(key, value, rule string) error {
	if len(value) > 100 {
		value = value[:100]
	}
	return status.Errorf(codes.InvalidArgument, "metadata %s: %q %s", key, value, rule)
}

// localityOf returns where a proxy is.
func localityOf(node *corev3.Node) locality {
	l := locality{node.GetLocality().GetRegion(), node.GetLocality().GetZone()}
	if l.zone == "" {
		l.zone = node.GetMetadata().GetFields()[metaZone].GetStringValue()
	}
	return l
}
