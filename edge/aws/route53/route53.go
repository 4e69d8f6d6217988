// Package route53 is the Amazon Route 53 API, version 2013-04-01: hosted zones and their
// record sets, health checks, the VPCs of private zones, tags and signing. Zones of
// namespaces of AWS Cloud Map are shown, and can only be changed through that API.
//
// Shapes, decoders, encoders, constraints and the table of operations are generated
// from the API's model (files *_gen.go). What is written by hand is what the model
// does not say.
package route53

import (
	"context"
	"net/netip"
	"strings"

	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/edge/aws/restxml"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// apiName is the prefix of the API's actions in policies, and the service in
// credential scopes and ARNs.
const apiName = "route53"

// Config is what the API needs besides the state.
type Config struct {
	// NewKey makes keys for DNSSEC. Nil: no zone can be signed.
	NewKey func() (*dnssec.Key, error)
	// Answer asks the DNS server. Nil: there is none.
	Answer func(context.Context, Question) (Answer, error)
	// Observe returns what this node last found of a health check, or of an instance of a
	// service. Nil: it runs no checks.
	Observe func(check, service, instance string) (Observation, bool)
	// Checkers are the addresses that probes come from. Nil: they are not known.
	Checkers func() []netip.Prefix
}

// api has the handlers.
type api struct {
	//lint:ignore U1000 answers for operations that a newer model adds
	unsupported
	newKey      func() (*dnssec.Key, error)
	answer      func(context.Context, Question) (Answer, error)
	observation func(check, service, instance string) (Observation, bool)
	checkers    func() []netip.Prefix
	namespaces  *namespaceCache
}

// New returns the API.
func New(cfg Config) (*service.API, error) {
	a := &api{newKey: cfg.NewKey, answer: cfg.Answer, observation: cfg.Observe, checkers: cfg.Checkers, namespaces: newNamespaceCache()}
	return service.New(service.Definition{
		Name:       apiName,
		Protocol:   &restxml.Protocol{Namespace: xmlNamespace},
		AnyRegion:  true,
		Operations: operations(a),
		Policies:   policies,
		Keys:       keys,
		Errors:     declaredError,
		Sensitive:  sensitive,

		RefusedPath: refusedPath,
	})
}

// refusedPaths are the beginnings of the paths of operations that are not in the model, and
// what is missing for them.
var refusedPaths = map[string]string{
	"cidrcollection":             "cairn has no CIDR collections",
	"delegationset":              "cairn has no reusable delegation sets; all zones have the name servers of dns.name_servers",
	"reusabledelegationsetlimit": "cairn has no reusable delegation sets",
	"queryloggingconfig":         "cairn has no query logging",
	"trafficpolic":               "cairn has no traffic policies",
}

// refusedPath returns what is missing for a path; see service.Definition.
func refusedPath(path string) string {
	_, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/") // without the version
	for prefix, missing := range refusedPaths {
		if strings.HasPrefix(rest, prefix) {
			return missing
		}
	}
	if strings.HasPrefix(rest, "hostedzone/") && strings.HasSuffix(rest, "/features") {
		return "cairn has no features of hosted zones"
	}
	return ""
}

// trimID removes the kind from an id: answers have /hostedzone/Z1, and requests
// have that or Z1.
func trimID(id *string) *string {
	if id == nil {
		return nil
	}
	for _, kind := range []string{"/hostedzone/", "/healthcheck/", "/change/", "/delegationset/"} {
		if rest, found := strings.CutPrefix(*id, kind); found {
			return &rest
		}
	}
	return id
}
