package plain

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
)

const (
	maxName   = 1024 // octets of a name
	maxLabels = 32   // labels of a host
	maxFilter = 10   // pairs of a filter
)

// name is the name of a service as clients write it:
//
//	SERVICE.NAMESPACE[:PORT][?KEY=VALUE[&KEY=VALUE…]]
//
// "|" is the same as "?", for clients that cut off what follows a question mark. There can
// be a "/" before it, for clients that use what precedes it as a host (gRPC for Node).
type name struct {
	host string // SERVICE.NAMESPACE as given
	// port is used for instances without a port; 0: none is given.
	port uint16
	// filter has the attributes that instances must have; nil: all instances.
	filter map[string]string
	// instance selects one instance that is a host name; see cluster.go.
	instance string
}

// instanceKey is the key in a filter that selects one instance by its id. It cannot be
// an attribute, because it is empty.
const instanceKey = ""

// parseName parses a name. It returns false if the text is not a name of this form.
func parseName(text string) (n name, ok bool) {
	if len(text) > maxName {
		return n, false
	}
	text, err := url.PathUnescape(text)
	if err != nil {
		return n, false
	}
	host, filter := text, ""
	if i := strings.IndexAny(text, "?|"); i >= 0 {
		host, filter = strings.TrimSuffix(text[:i], "/"), text[i+1:]
		if !n.parseFilter(filter) {
			return n, false
		}
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		port, err := strconv.ParseUint(host[i+1:], 10, 16)
		if err != nil || port == 0 {
			return n, false
		}
		host, n.port = host[:i], uint16(port)
	}
	n.host = strings.TrimSuffix(host, ".")
	return n, utf8.ValidString(n.String()) && !strings.HasSuffix(n.host, ".") && !strings.HasPrefix(n.host, ".") && strings.Contains(n.host, ".") && strings.Count(n.host, ".") < maxLabels &&
		!strings.ContainsFunc(n.host, func(r rune) bool { return r <= ' ' || strings.ContainsRune("/%:?|", r) })
}

func (n *name) parseFilter(text string) bool {
	pairs := strings.Split(text, "&")
	if len(pairs) > maxFilter {
		return false
	}
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return false
		}
		if key == instanceKey {
			n.instance = unescaped(value)
			continue
		}
		if key = unescaped(key); n.filter == nil {
			n.filter = map[string]string{}
		}
		n.filter[key] = unescaped(value)
	}
	return true
}

// escaper escapes the characters that have a meaning in a filter. They are escaped twice,
// because clients may escape a name as a whole.
var escaper = strings.NewReplacer("%", "%2525", "&", "%2526", "=", "%253D", "|", "%257C", "?", "%253F")

// unescaped returns a key or a value without escapes. A percent sign that begins no escape
// is one.
func unescaped(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// String returns the one form in which the name is used for clusters.
func (n name) String() string {
	var b strings.Builder
	b.WriteString(n.host)
	if n.port != 0 {
		b.WriteString(":" + strconv.Itoa(int(n.port)))
	}
	separator := "|"
	for _, key := range n.filterKeys() {
		b.WriteString(separator + escaper.Replace(key) + "=" + escaper.Replace(n.filter[key]))
		separator = "&"
	}
	if n.instance != "" {
		b.WriteString(separator + "=" + escaper.Replace(n.instance))
	}
	return b.String()
}

func (n name) filterKeys() []string {
	keys := make([]string, 0, len(n.filter))
	for key := range n.filter {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// matches reports whether an instance has the attributes of the filter.
func (n *name) matches(inst *registry.Instance) bool {
	if n.instance != "" && string(inst.ID()) != n.instance {
		return false
	}
	for key, want := range n.filter {
		if got, ok := inst.Attributes().Get(key); !ok || got != want {
			return false
		}
	}
	return true
}

// resolve returns the service with a name that the account may see. Service and
// namespace names may have dots: the longest name of a namespace decides.
func resolve(in *resource.Input, account command.AccountID, host string) (*registry.Service, bool) {
	for i := range len(host) {
		if host[i] != '.' || i == 0 || i == len(host)-1 {
			continue
		}
		ns, ok := findNamespace(in, account, host[i+1:])
		if !ok {
			continue
		}
		in.Use(resource.ServiceNamed(ns.ID, host[:i]))
		if svc, ok := ns.Service(host[:i]); ok {
			return svc, true
		}
	}
	return nil, false
}

// Find returns a service of a namespace that the account may see.
func Find(in *resource.Input, account command.AccountID, namespace, service string) (*registry.Service, bool) {
	ns, ok := findNamespace(in, account, namespace)
	if !ok {
		return nil, false
	}
	in.Use(resource.ServiceNamed(ns.ID, service))
	return ns.Service(service)
}

// findNamespace returns the namespace with a name that the account may see: its own,
// or else one that is shared with it.
func findNamespace(in *resource.Input, account command.AccountID, text string) (*registry.Namespace, bool) {
	in.Use(resource.NamespaceNamed(text))
	rules, state := &in.Rules.Registry, &in.State.Registry
	if ns, ok := state.NamespaceForDiscovery(rules, account, account, text); ok {
		return ns, true
	}
	for _, ns := range state.VisibleNamespaces(rules, account, "") {
		if strings.EqualFold(ns.HTTPName, text) || ns.IsDNS() && strings.EqualFold(ns.Name, text) {
			return ns, true
		}
	}
	return nil, false
}
