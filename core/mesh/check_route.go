package mesh

import (
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

func (m *RouteSpec) check() error {
	if count(m.HTTP != nil, m.HTTP2 != nil, m.GRPC != nil, m.TCP != nil) != 1 {
		return command.Invalid("A route must have exactly one of httpRoute, http2Route, grpcRoute and tcpRoute")
	}
	if err := checkWeights(m.Targets()); err != nil {
		return err
	}
	switch {
	case m.HTTP != nil:
		return m.HTTP.check()
	case m.HTTP2 != nil:
		return m.HTTP2.check()
	case m.GRPC != nil:
		return m.GRPC.check()
	}
	return nil
}

// checkWeights checks the weights, which are relative: their sum need not be 100.
func checkWeights(targets []WeightedTarget) error {
	sum := int64(0)
	for _, t := range targets {
		sum += t.Weight
	}
	if sum < 1 || sum > 100 {
		return command.Invalid("The weights of weightedTargets add up to %d: the sum must be from 1 to 100", sum)
	}
	return nil
}

func (r *HTTPRoute) check() error {
	if r.Match.Prefix == nil && r.Match.Path == nil {
		return command.Invalid("match must have a prefix or a path")
	}
	if err := r.Match.check(); err != nil {
		return err
	}
	return r.RetryPolicy.check()
}

func (r *GRPCRoute) check() error {
	if r.Match.MethodName != "" && r.Match.ServiceName == nil {
		return command.Invalid("match has the methodName %q without a serviceName", r.Match.MethodName)
	}
	if err := checkHeaders(r.Match.Metadata); err != nil {
		return err
	}
	return r.RetryPolicy.check()
}

func (p *RetryPolicy) check() error {
	if p != nil && len(p.HTTPRetryEvents)+len(p.TCPRetryEvents)+len(p.GRPCRetryEvents) == 0 {
		return command.Invalid("retryPolicy must have at least one event")
	}
	if p == nil {
		return nil
	}
	for _, event := range p.HTTPRetryEvents {
		if !slices.Contains(httpRetryEvents, event) {
			return command.Invalid("httpRetryEvents has %q: there are %s", event, strings.Join(httpRetryEvents, ", "))
		}
	}
	return nil
}

// httpRetryEvents are those of HttpRetryPolicy in the App Mesh API reference.
var httpRetryEvents = []string{"server-error", "gateway-error", "client-error", "stream-error"}

// check checks what routes and gateway routes have in common.
func (m *HTTPMatch) check() error {
	switch {
	case m.Prefix != nil && m.Path != nil:
		return command.Invalid("match has a prefix and a path: it can have one of them")
	case m.Prefix != nil && !strings.HasPrefix(*m.Prefix, "/"):
		return command.Invalid("match has the prefix %q: it must begin with /", *m.Prefix)
	}
	if err := m.Path.check(); err != nil {
		return err
	}
	for _, q := range m.QueryParameters {
		if q.Name == "" {
			return command.Invalid("match has a query parameter without a name")
		}
	}
	return checkHeaders(m.Headers)
}

func (p *PathMatch) check() error {
	switch {
	case p == nil:
		return nil
	case count(p.Exact != "", p.Regex != "") != 1:
		return command.Invalid("path must have exactly one of exact and regex")
	case p.Exact != "" && !strings.HasPrefix(p.Exact, "/"):
		return command.Invalid("match has the path %q: it must begin with /", p.Exact)
	}
	return checkRegex("path", p.Regex)
}

func checkHeaders(headers []HeaderMatch) error {
	for _, h := range headers {
		if h.Match == nil {
			continue
		}
		if r := h.Match.Range; r != nil && r.Start >= r.End {
			return command.Invalid("The header %s has a range from %d to %d: start must be less than end", h.Name, r.Start, r.End)
		}
		if err := checkRegex("The header "+h.Name, h.Match.Regex); err != nil {
			return err
		}
	}
	return nil
}
