package mesh

import (
	"regexp"
	"regexp/syntax"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"

	model "github.com/cairn-discovery/cairn/core/mesh"
)

// maxProgram is the size of a compiled regular expression beyond which Envoy may reject
// it: App Mesh's bootstrap sets the limit 1000.
const maxProgram = 1000

// validRegex reports whether Envoy accepts a regular expression. It rejects a whole
// route configuration because of one that it does not.
func validRegex(text string) bool {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return false
	}
	program, err := syntax.Compile(parsed.Simplify())
	return err == nil && len(program.Inst) <= maxProgram
}

func regexMatcher(text string) *matcherv3.RegexMatcher { return &matcherv3.RegexMatcher{Regex: text} }

// httpMatch returns the match of a route for HTTP, or nil if nothing can match it.
func httpMatch(m *model.HTTPMatch) *routev3.RouteMatch {
	out := anyPath()
	switch {
	case m.Path != nil && m.Path.Exact != "":
		out.PathSpecifier = &routev3.RouteMatch_Path{Path: m.Path.Exact}
	case m.Path != nil:
		if !validRegex(m.Path.Regex) {
			return nil
		}
		out.PathSpecifier = &routev3.RouteMatch_SafeRegex{SafeRegex: regexMatcher(m.Path.Regex)}
	case m.Prefix != nil && *m.Prefix != "":
		out.PathSpecifier = &routev3.RouteMatch_Prefix{Prefix: *m.Prefix}
	}
	if m.Method != "" {
		out.Headers = append(out.Headers, exactHeader(":method", m.Method))
	}
	if m.Scheme != "" {
		out.Headers = append(out.Headers, exactHeader(":scheme", m.Scheme))
	}
	if !addHeaders(out, m.Headers) || !addHostname(out, m.Hostname) {
		return nil
	}
	for _, q := range m.QueryParameters {
		one := &routev3.QueryParameterMatcher{Name: q.Name, QueryParameterMatchSpecifier: &routev3.QueryParameterMatcher_PresentMatch{PresentMatch: true}}
		if q.Match != nil && q.Match.Exact != nil {
			one.QueryParameterMatchSpecifier = &routev3.QueryParameterMatcher_StringMatch{StringMatch: exactly(*q.Match.Exact)}
		}
		out.QueryParameters = append(out.QueryParameters, one)
	}
	return out
}

// grpcMatch returns the match of a route for gRPC, or nil if nothing can match it.
func grpcMatch(m *model.GRPCMatch) *routev3.RouteMatch {
	out := anyPath()
	if m.ServiceName != nil && *m.ServiceName != "" {
		out.PathSpecifier = &routev3.RouteMatch_Prefix{Prefix: "/" + *m.ServiceName + "/"}
		if m.MethodName != "" {
			out.PathSpecifier = &routev3.RouteMatch_Path{Path: "/" + *m.ServiceName + "/" + m.MethodName}
		}
	}
	if !addHeaders(out, m.Metadata) || !addHostname(out, m.Hostname) {
		return nil
	}
	return out
}

func exactly(text string) *matcherv3.StringMatcher {
	return &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Exact{Exact: text}}
}

func exactHeader(name, value string) *routev3.HeaderMatcher {
	return stringHeader(name, exactly(value))
}

func stringHeader(name string, m *matcherv3.StringMatcher) *routev3.HeaderMatcher {
	return &routev3.HeaderMatcher{Name: name, HeaderMatchSpecifier: &routev3.HeaderMatcher_StringMatch{StringMatch: m}}
}

// addHeaders adds what headers must be. It returns false if a regular expression is not
// valid.
func addHeaders(out *routev3.RouteMatch, all []model.HeaderMatch) bool {
	for i := range all {
		h := headerMatcher(&all[i])
		if h == nil {
			return false
		}
		out.Headers = append(out.Headers, h)
	}
	return true
}

func headerMatcher(h *model.HeaderMatch) *routev3.HeaderMatcher {
	out := &routev3.HeaderMatcher{Name: h.Name, HeaderMatchSpecifier: &routev3.HeaderMatcher_PresentMatch{PresentMatch: true}}
	switch m := h.Match; {
	case m == nil:
	case m.Range != nil:
		out.HeaderMatchSpecifier = &routev3.HeaderMatcher_RangeMatch{RangeMatch: &typev3.Int64Range{Start: m.Range.Start, End: m.Range.End}}
	case m.Exact != "":
		out = exactHeader(h.Name, m.Exact)
	case m.Prefix != "":
		out = stringHeader(h.Name, &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Prefix{Prefix: m.Prefix}})
	case m.Suffix != "":
		out = stringHeader(h.Name, &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Suffix{Suffix: m.Suffix}})
	case m.Regex != "":
		if !validRegex(m.Regex) {
			return nil
		}
		out = stringHeader(h.Name, &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_SafeRegex{SafeRegex: regexMatcher(m.Regex)}})
	}
	out.InvertMatch = h.Invert != nil && *h.Invert
	return out
}

// addHostname adds what the header Host must be, with any port.
func addHostname(out *routev3.RouteMatch, h *model.HostnameMatch) bool {
	if h == nil {
		return true
	}
	text := regexp.QuoteMeta(h.Exact)
	if h.Suffix != "" {
		text = ".*" + regexp.QuoteMeta(h.Suffix)
	}
	text += "(:[0-9]+)?"
	if !validRegex(text) {
		return false
	}
	out.Headers = append(out.Headers, stringHeader(":authority", &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_SafeRegex{SafeRegex: regexMatcher(text)}}))
	return true
}

// previousHosts makes a retry go to another host.
func previousHosts() *routev3.RetryPolicy_RetryHostPredicate {
	return &routev3.RetryPolicy_RetryHostPredicate{
		Name:       "envoy.retry_host_predicates.previous_hosts",
		ConfigType: &routev3.RetryPolicy_RetryHostPredicate_TypedConfig{TypedConfig: previousHostsConfig()},
	}
}
