package explain

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/registry"
)

// service explains a service and all its instances.
func (e *explanation) service(ns *registry.Namespace, svc *registry.Service, dns bool) {
	e.Service = &Service{ID: string(svc.ID), Name: svc.Name, Check: checkText(svc)}
	e.find("service %s is %s; %s", svc.Name, svc.ID, e.Service.Check)
	if dns {
		e.Outcome = "NOERROR"
		e.records(svc)
	}
	reports := e.reports(svc.ID)
	for _, inst := range svc.Instances("") {
		e.Instances = append(e.Instances, e.instance(svc, inst, reports[inst.ID()]))
		e.instanceHints(ns, svc, inst, reports[inst.ID()])
	}
	if svc.DNS != nil {
		if n := e.rotation(svc); dns {
			e.policy(svc, n)
			e.aliases(svc)
		}
	}
	slices.SortStableFunc(e.Instances, func(a, b Instance) int { return order(a) - order(b) })
}

func order(i Instance) int {
	if i.InDNS && i.InDiscover {
		return 1
	}
	return 0
}

func checkText(svc *registry.Service) string {
	switch {
	case svc.CustomHealth:
		return "its health is told by UpdateInstanceCustomHealthStatus"
	case svc.HealthCheck == nil:
		return "it has no health check, so all its instances are answered"
	}
	c := svc.Check()
	kind := string(c.Type)
	if c.Settings.GRPC {
		kind = "gRPC"
	}
	if c.ResourcePath != "" {
		kind += " " + c.ResourcePath
	}
	if c.FailureThreshold == 1 {
		return sprintf("its instances are checked by %s, and one failure makes one UNHEALTHY", kind)
	}
	return sprintf("its instances are checked by %s, and %s failures in a row make one UNHEALTHY", kind, small(c.FailureThreshold))
}

func (e *explanation) records(svc *registry.Service) {
	e.Service.Policy = string(svc.DNS.Policy)
	for _, rec := range svc.DNS.Records {
		e.Service.Records = append(e.Service.Records, sprintf("%s %d", rec.Type, rec.TTL))
		if svc.HasHealth() && rec.TTL > 60 {
			e.hint("TTL %d s: clients may use a dead address for %s; UpdateService can lower it", rec.TTL, span(rec.TTL))
		}
	}
	e.find("it has records %s", strings.Join(e.Service.Records, ", "))
}

// instance explains one instance.
func (e *explanation) instance(svc *registry.Service, inst *registry.Instance, r health.Report) Instance {
	h := svc.Health(inst)
	out := Instance{ID: string(inst.ID()), Health: h.String()}
	out.healthy = h == registry.Healthy || h == registry.Unknown && !svc.HasHealth()
	out.InDiscover = out.healthy
	out.Reasons = append(out.Reasons, e.healthReason(svc, inst, r))
	if len(r.Votes) > 0 {
		out.Reasons = append(out.Reasons, votes(r.Votes))
	}
	if r.Distrusted {
		out.Reasons = append(out.Reasons, "the node that probes it seems to be cut off, so its verdict does not become worse now")
	}
	if l, ok := e.reg.Lease(svc.ID, inst.ID()); ok {
		out.Reasons = append(out.Reasons, e.leaseReason(l))
	}
	for _, k := range sortedKeys(e.q.Parameters) {
		if v, ok := inst.Attributes().Get(k); !ok || v != e.q.Parameters[k] {
			out.InDiscover = false
			out.Reasons = append(out.Reasons, sprintf("filtered by %s=%s in DiscoverInstances", k, e.q.Parameters[k]))
		}
	}
	for _, ev := range r.Events {
		out.Events = append(out.Events, e.event(ev))
	}
	return out
}

// votes says what the nodes that probe an instance have found.
func votes(all []health.Vote) string {
	var texts []string
	for _, v := range all {
		text := v.Verdict.String()
		if v.Abstains {
			text = "no say, since it may not probe the address"
		}
		texts = append(texts, v.Node+": "+text)
	}
	return "votes of nodes: " + strings.Join(texts, ", ")
}

// leaseReason says what happens to an instance that is not renewed.
func (e *explanation) leaseReason(l registry.Lease) string {
	if l.Expired {
		return sprintf("unless it is registered again it is deregistered at %s", e.clock(l.Due()))
	}
	return sprintf("it has %s %d: it becomes UNHEALTHY unless it is heard of by %s", registry.AttrTTL, l.TTL, e.clock(l.Due()))
}

// healthReason says where an instance's health comes from.
func (e *explanation) healthReason(svc *registry.Service, inst *registry.Instance, r health.Report) string {
	since := ""
	if inst.Changed > 0 {
		since = " since " + e.clock(int64(inst.Changed)*1000)
	}
	switch {
	case inst.Expired:
		ttl, _ := inst.Attributes().Get(registry.AttrTTL)
		return sprintf("UNHEALTHY%s: not heard of for longer than its %s of %s s", since, registry.AttrTTL, ttl)
	case svc.CustomHealth:
		return sprintf("%s%s, as it was told", inst.Health, since)
	case svc.HealthCheck == nil:
		return "there is no health check"
	case !r.Probed:
		return sprintf("%s%s, and it is not probed by this node", inst.Health, since)
	case r.LastAt.IsZero():
		return sprintf("%s%s: %s %s", inst.Health, since, r.Target, r.Last)
	}
	return sprintf("%s%s: %s %s at %s%s", inst.Health, since, r.Target, r.Last, e.clock(r.LastAt.UnixMilli()), streak(r.Streak, r.Last, r.Needed, inst.Health))
}

// streak says how many like results there were, and how many there must be while
// that is not enough.
func streak(n int, last health.Reason, needed int, h registry.Health) string {
	if n == 0 || !last.Counts() {
		return ""
	}
	what, becomes := "failure", registry.Unhealthy
	if last.Pass() {
		what, becomes = "pass", registry.Healthy
	}
	text := sprintf(", %s %s in a row", ordinal(n), what)
	if h != becomes && n < needed {
		text += sprintf(" of the %d that make it %s", needed, becomes)
	}
	return text
}

func (e *explanation) event(ev health.Event) string {
	why := ev.String()
	switch ev.Cause {
	case health.Probed:
		why += streak(int(ev.Streak), ev.Reason, 0, registry.Health(ev.To))
	case health.Expired:
		why = "its " + registry.AttrTTL + " ran out"
	}
	return sprintf("%s %s → %s: %s", e.clock(ev.At), ev.From, ev.To, why)
}

// instanceHints gives advice on the usual mistakes.
func (e *explanation) instanceHints(ns *registry.Namespace, svc *registry.Service, inst *registry.Instance, r health.Report) {
	for _, key := range []string{registry.AttrIPv4, registry.AttrIPv6} {
		text, _ := inst.Attributes().Get(key)
		if addr, err := netip.ParseAddr(text); err == nil && ns.Type == registry.DNSPublic && addr.IsPrivate() {
			e.hint("private address %s in the public zone %s: clients outside your network cannot reach it", text, ns.Name)
		}
	}
	port, _ := inst.Attributes().Get(registry.AttrPort)
	if !r.Probed {
		return
	}
	check := svc.Check()
	switch r.Last.Kind {
	case health.BadStatus:
		e.statusHint(check, r.Last.Code)
	case health.Refused:
		e.hint("nothing listens on port %s: is AWS_INSTANCE_PORT right, and does the process listen on that address and not only on loopback?", port)
	case health.ConnectTimeout:
		e.hint("connections time out: a firewall that drops packets, a wrong address, or a host that is down")
	case health.AnswerTimeout:
		e.hint("the instance accepts connections and then does not answer in time: it may be overloaded; %s allows it more time", registry.AttrCheckTimeout)
	case health.TLSTimeout:
		e.hint("the instance accepts connections and does not answer the TLS handshake: does port %s speak another protocol? Then the check's type must be HTTP or TCP", port)
	case health.NotServing:
		e.hint("the gRPC health service answers, and says no: ResourcePath without its slash is the service that is asked for, and / is the server as a whole")
	case health.NotResolved:
		e.hint("the resolver of this machine finds no IPv4 address of the name of the health check: check the name, and /etc/resolv.conf")
	case health.CallFailed:
		e.callHint(r.Last.Code, port)
	case health.NoResources:
		e.hint("this node has no file descriptor or port left for a probe, or has no address of the instance's family: see health.max_probes and the limits of the process")
	case health.Unreachable:
		e.hint("this node has no route to the address: is it the address inside this network?")
	case health.Reset:
		e.hint("the instance accepts connections and hangs up: does port %s belong to another protocol, or does a proxy in between have no backend?", port)
	case health.LargeHeader:
		e.hint("the answer's header is larger than 16 KiB: choose a path for ResourcePath that sets no cookies")
	case health.TLSFailed:
		e.hint("the TLS handshake fails, though probes offer TLS 1.0 to 1.3 and accept any certificate: the log of the server on port %s says why it refuses", port)
	case health.NotTLS:
		e.hint("port %s does not speak TLS: if it speaks plain HTTP, the check's type must be HTTP", port)
	case health.WantsCertificate:
		e.hint("the server wants a client certificate, and probes have none: let port %s serve ResourcePath without one, or use a check of type TCP", port)
	case health.BadAnswer:
		e.badAnswerHint(check, port)
	case health.TextMissing:
		e.hint("the body does not hold %q (%s) in its first 5,120 bytes", check.Settings.Body, registry.AttrCheckBody)
	case health.Forbidden:
		e.hint("the address may not be probed: see health.allow, health.deny and health.allow_reserved in the configuration")
	case health.NoAddress:
		e.hint("the instance was registered without an address and a port, so it cannot be checked: register it again with AWS_INSTANCE_PORT")
	}
}

func (e *explanation) badAnswerHint(check *registry.Check, port string) {
	if check.Type == registry.CheckHTTPS {
		e.hint("the answer inside TLS is not HTTP/1: does port %s serve another protocol? Then the check's type must be TCP", port)
		return
	}
	e.hint("the answer is not HTTP/1: does port %s speak TLS? Then the check's type must be HTTPS; for another protocol it must be TCP", port)
}

func (e *explanation) callHint(code uint16, port string) {
	const unimplemented, unavailable = 12, 14
	switch code {
	case unimplemented:
		e.hint("the gRPC server on port %s does not have the service grpc.health.v1.Health", port)
	case unavailable:
		e.hint("no gRPC connection: does port %s speak gRPC, and TLS as the check's type says (HTTPS: with, else without)?", port)
	}
}

func (e *explanation) statusHint(check *registry.Check, code uint16) {
	switch {
	case code == 404:
		e.hint("answered 404: is ResourcePath %s right?", check.ResourcePath)
	case code == 401 || code == 403:
		e.hint("answered %s: the path wants credentials, which health checks do not have", strconv.Itoa(int(code)))
	case code >= 300 && code < 400:
		e.hint("answered %s: redirects are not followed; ResourcePath must be what answers itself, or %s allow the status", strconv.Itoa(int(code)), registry.AttrCheckExpectedStatus)
	case code >= 500:
		e.hint("answered %s: the instance itself says that it is not well; its own log knows why", strconv.Itoa(int(code)))
	case code == 400 || code == 421:
		e.hint("answered %s: the server may not know the Host that it is asked for; %s sets another", strconv.Itoa(int(code)), registry.AttrCheckHost)
	}
}
