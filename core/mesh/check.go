package mesh

import (
	"regexp"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// The rules below are those of the API reference and the user guide of App Mesh that its
// model does not have. Where the text of an error of AWS is known, it is that text.

var namePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

// maxServiceName is the length of the name of a virtual service, which is a host name.
const maxServiceName = 253

// checkName checks the name of a new resource.
func checkName(r Ref) error {
	name := r.ShortName()
	if r.Kind != KindVirtualService {
		if !namePattern.MatchString(name) {
			return command.Invalid("The name %q of a %s must have 1 to 255 letters, digits, hyphens and underscores", name, r.Kind)
		}
		return nil
	}
	if name == "" || len(name) > maxServiceName || strings.ContainsFunc(name, notInHostName) {
		return command.Invalid("The name %q of a VirtualService must be a host name of 1 to %d letters, digits, dots, hyphens and underscores", name, maxServiceName)
	}
	return nil
}

func notInHostName(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_", r))
}

// count returns how many of the values are true.
func count(values ...bool) int {
	n := 0
	for _, v := range values {
		if v {
			n++
		}
	}
	return n
}

// checkRegex checks a regular expression. That of Envoy is RE2, as this one.
func checkRegex(what, text string) error {
	if text == "" {
		return nil
	}
	if _, err := regexp.Compile(text); err != nil {
		return command.Invalid("%s has the regular expression %q, which is malformed: %s", what, text, err)
	}
	return nil
}

func (m *MeshSpec) check() error { return nil }

func (m *VirtualServiceSpec) check() error { return nil }

func (m *VirtualRouterSpec) check() error {
	ports := map[int64]bool{}
	for _, l := range m.Listeners {
		if ports[l.PortMapping.Port] {
			return errSamePort(l.PortMapping.Port)
		}
		ports[l.PortMapping.Port] = true
	}
	return nil
}

func errSamePort(port int64) error {
	return command.Invalid("Two listeners have the port %d", port)
}
