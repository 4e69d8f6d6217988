package sidecar

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
)

// egress sends requests to the cluster that the routes say for their host and path.
func (p *proxy) egress(route string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		action := p.resources.match(route, r)
		if action == nil {
			http.Error(w, "no route", http.StatusNotFound)
			return
		}
		p.send(w, r, action)
	})
}

// match returns the action of the first route that fits a request, or nil.
func (r *resources) match(name string, request *http.Request) *routev3.RouteAction {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, host := range r.routes[name].GetVirtualHosts() {
		if !slices.Contains(host.GetDomains(), request.Host) && !slices.Contains(host.GetDomains(), "*") {
			continue
		}
		for _, route := range host.GetRoutes() {
			if strings.HasPrefix(request.URL.Path, route.GetMatch().GetPrefix()) {
				return route.GetRoute()
			}
		}
	}
	return nil
}

// pick returns a cluster of an action, by weight.
func pick(a *routev3.RouteAction) string {
	sum := uint32(0)
	for _, c := range a.GetWeightedClusters().GetClusters() {
		sum += c.GetWeight().GetValue()
	}
	if sum == 0 {
		return a.GetCluster()
	}
	n := rand.Uint32N(sum)
	for _, c := range a.GetWeightedClusters().GetClusters() {
		if n < c.GetWeight().GetValue() {
			return c.GetName()
		}
		n -= c.GetWeight().GetValue()
	}
	return ""
}

// send sends a request to an endpoint, and to other ones if that fails and the route
// retries.
func (p *proxy) send(w http.ResponseWriter, r *http.Request, a *routev3.RouteAction) {
	ctx, cancel := context.WithTimeout(r.Context(), timeLimit)
	defer cancel()
	var used []netip.AddrPort
	var problem error
	cluster := pick(a)
	for range 1 + a.GetRetryPolicy().GetNumRetries().GetValue() {
		at, ok := p.resources.endpoint(cluster, used)
		if !ok {
			break
		}
		used = append(used, at)
		response, err := p.roundTrip(ctx, cluster, at, r)
		if err != nil {
			problem = err
			continue
		}
		if response.StatusCode == http.StatusServiceUnavailable {
			problem = fmt.Errorf("%s answers %s", at, response.Status)
			response.Body.Close()
			continue
		}
		defer response.Body.Close()
		maps.Copy(w.Header(), response.Header)
		w.WriteHeader(response.StatusCode)
		_, _ = io.Copy(w, response.Body) // an error means that one side has gone
		return
	}
	http.Error(w, fmt.Sprintf("no endpoint of %s answers: %v", cluster, problem), http.StatusServiceUnavailable)
}

// endpoint returns a healthy endpoint of a cluster, if there is one that was not used.
func (r *resources) endpoint(cluster string, used []netip.AddrPort) (netip.AddrPort, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	assignment := r.endpoints[cluster]
	if assignment == nil {
		assignment = r.clusters[cluster].GetLoadAssignment()
	}
	var all []netip.AddrPort
	for _, locality := range assignment.GetEndpoints() {
		for _, e := range locality.GetLbEndpoints() {
			if at, ok := addressOf(e); ok && !slices.Contains(used, at) {
				all = append(all, at)
			}
		}
	}
	if len(all) == 0 {
		return netip.AddrPort{}, false
	}
	return all[rand.IntN(len(all))], true
}

// addressOf returns the address of an endpoint that may get requests.
func addressOf(e *endpointv3.LbEndpoint) (netip.AddrPort, bool) {
	if h := e.GetHealthStatus(); h != corev3.HealthStatus_HEALTHY && h != corev3.HealthStatus_UNKNOWN {
		return netip.AddrPort{}, false
	}
	socket := e.GetEndpoint().GetAddress().GetSocketAddress()
	addr, err := netip.ParseAddr(socket.GetAddress())
	return netip.AddrPortFrom(addr, uint16(socket.GetPortValue())), err == nil
}

// roundTrip sends a request without a body to an endpoint.
func (p *proxy) roundTrip(ctx context.Context, cluster string, at netip.AddrPort, r *http.Request) (*http.Response, error) {
	out, err := http.NewRequestWithContext(ctx, r.Method, "http://"+at.String()+r.URL.RequestURI(), nil)
	if err != nil {
		return nil, err
	}
	out.Host, out.Header = r.Host, r.Header.Clone()
	return p.transport(cluster).RoundTrip(out)
}

// transport returns the connections to a cluster.
func (p *proxy) transport(cluster string) *http.Transport {
	if t, ok := p.clients.Load(cluster); ok {
		return t.(*http.Transport)
	}
	t, _ := p.clients.LoadOrStore(cluster, &http.Transport{
		MaxIdleConnsPerHost: 16,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			cfg, err := p.clientConfig(cluster)
			if err != nil {
				return nil, err
			}
			var d net.Dialer
			if cfg == nil {
				return d.DialContext(ctx, network, addr)
			}
			return (&tls.Dialer{NetDialer: &d, Config: cfg}).DialContext(ctx, network, addr)
		},
	})
	return t.(*http.Transport)
}

// ingress sends requests of other sidecars to the application.
func (p *proxy) ingress(route string) http.Handler {
	next := p.egress(route)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("X-Forwarded-Client-Cert", fingerprint(r.TLS))
		next.ServeHTTP(w, r)
	})
}
