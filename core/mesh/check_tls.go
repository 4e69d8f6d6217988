package mesh

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

func (d *BackendDefaults) check() error {
	if d == nil {
		return nil
	}
	return d.ClientPolicy.check("backendDefaults")
}

func (p *ClientPolicy) check(what string) error {
	if p == nil || p.TLS == nil {
		return nil
	}
	enforced := p.TLS.Enforce == nil || *p.TLS.Enforce
	return p.TLS.Validation.SubjectAlternativeNames.check(what, !enforced)
}

// check checks names that a certificate must have. Names with a wildcard are for clients
// that do not enforce TLS.
func (s *SubjectAlternativeNames) check(what string, wildcard bool) error {
	if s == nil {
		return nil
	}
	if len(s.Match.Exact) == 0 {
		return command.Invalid("%s has subjectAlternativeNames without a name", what)
	}
	for _, name := range s.Match.Exact {
		host, isWild := strings.CutPrefix(name, "*.")
		switch {
		case isWild && !wildcard:
			return command.Invalid("%s has the subject alternative name %q: a wildcard is valid only in a client policy with enforce false", what, name)
		case strings.Contains(name, "://"):
		case !isHost(host):
			return command.Invalid("%s has the subject alternative name %q: it must be a host name or a URI", what, name)
		}
	}
	return nil
}

// isHost reports whether a text is a host name.
func isHost(text string) bool {
	return text != "" && len(text) <= maxServiceName && !strings.ContainsFunc(text, notInHostName)
}
