package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// reply is what an instance of the shop answers.
type reply struct {
	Service  string  `json:"service"`
	Instance string  `json:"instance"`
	Calls    []reply `json:"calls,omitempty"`
}

// backend is an instance of a service of the shop. It answers /health, and / with its
// name after it has called the services that it needs.
type backend struct {
	service service
	id      string
	finder  finder
}

// finder finds the instances of the services that a backend calls.
type finder struct {
	resolver *resolver
	api      *api
	client   *http.Client
	port     int
}

func newFinder(dns, endpoint string, port int) finder {
	return finder{newResolver(dns), newAPI(endpoint), &http.Client{Timeout: callLimit}, port}
}

func (f *finder) close() {
	f.client.CloseIdleConnections()
	f.api.close()
}

// callLimit bounds one request between services.
const callLimit = 5 * time.Second

func (b *backend) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		answer, err := b.answer(r.Context())
		if err != nil {
			http.Error(w, b.service.name+": "+err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // an error means that the client has gone
	})
	return mux
}

func (b *backend) answer(ctx context.Context) (reply, error) {
	own := reply{Service: b.service.name, Instance: b.id}
	for _, d := range b.service.calls {
		addresses, err := b.finder.find(ctx, d)
		if err != nil {
			return own, err
		}
		called, err := get(ctx, b.finder.client, addresses[rand.IntN(len(addresses))])
		if err != nil {
			return own, err
		}
		own.Calls = append(own.Calls, called)
	}
	return own, nil
}

// find returns where the instances of a service listen; there is at least one.
func (f *finder) find(ctx context.Context, d dependency) ([]netip.AddrPort, error) {
	if d.byAPI {
		return f.discover(ctx, d.service)
	}
	addresses, err := f.resolver.lookup(ctx, d.service+"."+namespace)
	if err != nil {
		return nil, err
	}
	return withPort(addresses, f.port), nil
}

func (f *finder) discover(ctx context.Context, service string) ([]netip.AddrPort, error) {
	instances, err := f.api.discover(ctx, service)
	if err != nil {
		return nil, err
	}
	var all []netip.AddrPort
	for _, i := range instances {
		if a, err := netip.ParseAddr(i.Attributes["AWS_INSTANCE_IPV4"]); err == nil {
			all = append(all, netip.AddrPortFrom(a, uint16(f.port)))
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("DiscoverInstances finds no instance of %s", service)
	}
	return all, nil
}

func withPort(addresses []netip.Addr, port int) []netip.AddrPort {
	all := make([]netip.AddrPort, len(addresses))
	for i, a := range addresses {
		all[i] = netip.AddrPortFrom(a, uint16(port))
	}
	return all
}

// get requests / of an instance.
func get(ctx context.Context, client *http.Client, at netip.AddrPort) (reply, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at.String()+"/", nil)
	if err != nil {
		return reply{}, err
	}
	response, err := client.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return reply{}, err
	}
	if response.StatusCode != http.StatusOK {
		return reply{}, fmt.Errorf("%s answers %s: %s", at, response.Status, text)
	}
	var answer reply
	return answer, json.Unmarshal(text, &answer)
}

// serve answers on a listener until ctx ends, and then finishes requests that run.
func (b *backend) serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: b.handler(), ReadHeaderTimeout: callLimit}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), callLimit)
		defer cancel()
		stopped <- server.Shutdown(limited)
	}()
	if err := server.Serve(l); ctx.Err() == nil {
		return err
	}
	defer b.finder.close()
	return <-stopped
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

func listenAddress(ip string, port int) string { return net.JoinHostPort(ip, strconv.Itoa(port)) }
