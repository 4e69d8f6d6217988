package e2e

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// checked is a node whose health checks run fast, and a namespace in it.
type checked struct {
	*process
	t         *testing.T
	program   string
	dir, file string
	namespace string
}

const fast = "health: {interval: 300ms, initial_interval: 100ms, max_rate_per_address: 10000}\n"

// patient are settings of a service whose probes may be slow: a busy machine is no failure.
var patient = object{"cairn.health.timeout": "30s"}

func startChecked(t *testing.T, config string) *checked {
	t.Helper()
	c := &checked{t: t, program: build(t), dir: filepath.Join(t.TempDir(), "data"), file: filepath.Join(t.TempDir(), "cairn.yaml")}
	if err := os.WriteFile(c.file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	c.start()
	c.must(t, "CreatePublicDnsNamespace", object{"Name": "farm.example"})
	c.namespace = c.all(t, "ListNamespaces", "Namespaces", object{})[0]["Id"].(string)
	return c
}

func (c *checked) start() {
	c.t.Helper()
	c.process = serve(c.t, c.program, c.dir, "--config", c.file)
}

// crash kills the node and starts it again.
func (c *checked) crash() {
	c.t.Helper()
	c.kill()
	c.start()
}

// service makes one with a check and settings.
func (c *checked) service(name string, check object, settings object) string {
	c.t.Helper()
	in := object{"Name": name, "NamespaceId": c.namespace,
		"DnsConfig": object{"DnsRecords": []object{{"Type": "A", "TTL": 5}, {"Type": "AAAA", "TTL": 5}}}}
	maps.Copy(in, check)
	id := text(c.must(c.t, "CreateService", in), "Service", "Id")
	if len(settings) > 0 {
		c.must(c.t, "UpdateServiceAttributes", object{"ServiceId": id, "Attributes": settings})
	}
	return id
}

func (c *checked) register(service, id string, attributes object) {
	c.t.Helper()
	c.must(c.t, "RegisterInstance", object{"ServiceId": service, "InstanceId": id, "Attributes": attributes})
}

// httpCheck is the check of most services here.
func httpCheck(threshold int) object {
	return object{"HealthCheckConfig": object{"Type": "HTTP", "ResourcePath": "/up", "FailureThreshold": threshold}}
}

// view is one look at an instance by all three ways.
type view struct {
	status       string // GetInstancesHealthStatus
	discover     bool   // DiscoverInstances with HealthStatus left out
	dns          bool
	discoverSays string // its status among ALL
}

// look asks for an instance of a service that has another, healthy one, so that
// nothing fails open.
func (c *checked) look(ctx context.Context, service, name, id, ip string) (v view, err error) {
	status := func(operation string, in object) object {
		_, out, callErr := c.call(ctx, operation, in)
		if callErr != nil {
			err = callErr
		}
		return out
	}
	v.status = text(status("GetInstancesHealthStatus", object{"ServiceId": service}), "Status", id)
	in := object{"NamespaceName": "farm.example", "ServiceName": name}
	v.discover = slices.Contains(idsOf(status("DiscoverInstances", in)), id)
	in["HealthStatus"] = "ALL"
	for _, i := range instancesOf(status("DiscoverInstances", in)) {
		if i["InstanceId"] == id {
			v.discoverSays = i["HealthStatus"].(string)
		}
	}
	addrs, dnsErr := c.resolve(ctx, name+".farm.example")
	if dnsErr != nil {
		err = dnsErr
	}
	v.dns = slices.Contains(addrs, ip)
	return v, err
}

func instancesOf(answer object) (all []object) {
	list, _ := answer["Instances"].([]any)
	for _, i := range list {
		all = append(all, i.(object))
	}
	return all
}

func idsOf(answer object) (ids []string) {
	for _, i := range instancesOf(answer) {
		ids = append(ids, i["InstanceId"].(string))
	}
	return ids
}

// resolve asks the node's DNS server for addresses. None is no error.
func (c *checked) resolve(ctx context.Context, name string) ([]string, error) {
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, c.dns)
	}}
	addrs, err := r.LookupHost(ctx, name+".")
	if e, ok := err.(*net.DNSError); ok && e.IsNotFound {
		return nil, nil
	}
	return addrs, err
}

// seen is what all three ways must show for a status.
func seen(status string) view {
	return view{status, status == "HEALTHY", status == "HEALTHY", status}
}

// until looks every 10 ms whether something has happened, for a minute at most.
func (c *checked) until(happened func() bool) bool {
	c.t.Helper()
	end, pace := time.Now().Add(time.Minute), time.NewTicker(10*time.Millisecond)
	defer pace.Stop()
	for !happened() {
		if time.Now().After(end) {
			return false
		}
		<-pace.C
	}
	return true
}

// await is until for what must happen.
func (c *checked) await(what string, happened func() bool) {
	c.t.Helper()
	if !c.until(happened) {
		c.t.Fatalf("there is no %s after a minute", what)
	}
}

// wait looks until the three ways agree on a status.
func (c *checked) wait(what, service, name, id, ip, status string) {
	c.t.Helper()
	c.waitFor(what, service, name, id, ip, seen(status))
}

func (c *checked) waitFor(what, service, name, id, ip string, want view) {
	c.t.Helper()
	var got view
	var err error
	if !c.until(func() bool { got, err = c.look(c.t.Context(), service, name, id, ip); return got == want }) {
		c.t.Errorf("%s: got %+v (%v), want %+v", what, got, err, want)
	}
}

// explain runs the command of that name and returns what it prints.
func (c *checked) explain(args ...string) string {
	c.t.Helper()
	return run(c.t, c.dir, []string{"CAIRN_ADMIN=" + c.admin}, c.program, append([]string{"explain"}, args...)...)
}

// metric returns the sum of a metric's values whose labels hold a text.
func (c *checked) metric(name, label string) (sum float64) {
	c.t.Helper()
	resp, err := c.client.Get(c.admin + "/metrics")
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	for line := range strings.Lines(string(all)) {
		if rest, ok := strings.CutPrefix(line, name); ok && (rest[0] == ' ' || rest[0] == '{') && strings.Contains(rest, label) {
			var v float64
			fmt.Sscan(line[strings.LastIndex(line, " ")+1:], &v)
			sum += v
		}
	}
	return sum
}

// broken is one way in which a backend goes bad and comes back.
type broken struct {
	ip       string // 127.0.0.1 unless given
	check    string // type of the check; HTTP unless given
	settings object
	well     func(net.Conn)
	ill      func(*backend)
	explains string // part of what explain says while it is ill
}

// quickly keeps the test short where a backend hangs.
var quickly = object{"cairn.health.timeout": "300ms"}

func becomes(behaves func(net.Conn)) func(*backend) {
	return func(f *backend) { f.become(behaves) }
}

func says(text string) func(*backend) { return becomes(answer(text)) }

// ways are the faults of backends.
func ways(t *testing.T) map[string]broken {
	well := answer(allWell)
	expired := certificate(t, "another.example", time.Now().Add(-24*time.Hour))
	looks := func(text string) object { return object{"cairn.health.body": text} }
	filler := strings.Repeat("x", 5112)
	return map[string]broken{
		"refuses":          {well: well, ill: (*backend).refuse, explains: "was refused"},
		"hangs before":     {well: well, ill: (*backend).full, settings: quickly, explains: "got no connection in time"},
		"hangs after":      {well: well, ill: becomes(silent), settings: quickly, explains: "connected, but got no answer in time"},
		"slow header":      {well: pieces(1, allWell), ill: becomes(trickle), settings: quickly, explains: "got no answer in time"},
		"not found":        {well: well, ill: says("HTTP/1.1 404 Not Found\r\n\r\n"), explains: "answered 404"},
		"edges":            {well: answer("HTTP/1.1 399 X\r\n\r\n"), ill: says("HTTP/1.1 400 X\r\n\r\n"), explains: "answered 400"},
		"low edge":         {well: answer("HTTP/1.1 200 X\r\n\r\n"), ill: says("HTTP/1.1 199 X\r\n\r\n"), explains: "answered 199"},
		"redirect":         {well: answer("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"), ill: says("HTTP/1.1 503 No\r\n\r\n"), explains: "answered 503"},
		"old protocol":     {well: answer("HTTP/1.0 200 OK\r\n\r\n"), ill: says("HTTP/1.0 500 No\r\n\r\n"), explains: "answered 500"},
		"continue first":   {well: answer("HTTP/1.1 100 Continue\r\n\r\n" + allWell), ill: says("HTTP/1.1 100 Continue\r\n\r\n"), explains: "answered 100"},
		"huge header":      {well: answer("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 15<<10) + "\r\n\r\n"), ill: says("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 17<<10) + "\r\n\r\n"), explains: "more than 16 KiB"},
		"huge body":        {well: endless, ill: says("HTTP/1.1 500 No\r\n\r\n"), explains: "answered 500"},
		"reset":            {well: well, ill: becomes(reset), explains: "was broken off"},
		"without a word":   {well: well, ill: becomes(func(net.Conn) {}), explains: "was broken off"},
		"not HTTP":         {well: well, ill: says("220 mail.example ESMTP\r\n"), explains: "not the protocol"},
		"IPv6":             {ip: "::1", well: well, ill: (*backend).refuse, explains: "was refused"},
		"text missing":     {well: well, ill: says("HTTP/1.1 200 OK\r\n\r\nall bad"), settings: looks("all well"), explains: "without the text"},
		"text in pieces":   {well: pieces(3, allWell), ill: says("HTTP/1.1 200 OK\r\n\r\n"), settings: looks("all well"), explains: "without the text"},
		"text too late":    {well: answer("HTTP/1.1 200 OK\r\n\r\n" + filler + "all well"), ill: says("HTTP/1.1 200 OK\r\n\r\n" + filler + "xall well"), settings: looks("all well"), explains: "without the text"},
		"own status":       {well: answer("HTTP/1.1 418 X\r\n\r\n"), ill: says(allWell), settings: object{"cairn.health.expected-status": "418,500-503"}, explains: "answered 200"},
		"any certificate":  {check: "HTTPS", well: overTLS(expired, well), ill: becomes(overTLS(expired, answer("HTTP/1.1 500 No\r\n\r\n"))), explains: "answered 500"},
		"handshake fails":  {check: "HTTPS", well: overTLS(expired, well), ill: becomes(plain), explains: "got an answer that is not TLS"},
		"handshake hangs":  {check: "HTTPS", well: overTLS(expired, well), ill: becomes(silent), settings: quickly, explains: "TLS handshake did not end in time"},
		"TCP refuses":      {check: "TCP", well: silent, ill: (*backend).refuse, explains: "was refused"},
		"TCP hangs before": {check: "TCP", well: silent, ill: (*backend).full, settings: quickly, explains: "got no connection in time"},
	}
}

// plain answers without TLS to whatever comes.
func plain(c net.Conn) {
	c.Read(make([]byte, 1024))
	io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
}

func endless(c net.Conn) {
	request(c)
	io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
	for {
		if _, err := c.Write(make([]byte, 64<<10)); err != nil {
			return
		}
	}
}

// Every way of breaking takes an instance out of DNS and DiscoverInstances, and
// back when it is well again, while another instance of the service stays.
func TestHealthFarm(t *testing.T) {
	t.Parallel()
	c := startChecked(t, fast)
	steady := newBackend(t, "127.0.0.1", answer(allWell))
	var wg sync.WaitGroup
	n := 1
	for what, way := range ways(t) {
		n++
		name := strings.ToLower(strings.ReplaceAll(what, " ", "-"))
		ip := way.ip
		if ip == "" {
			ip = fmt.Sprintf("127.0.0.%d", n)
		}
		f := newBackend(t, ip, way.well)
		kind := way.check
		if kind == "" {
			kind = "HTTP"
		}
		service := c.service(name, object{"HealthCheckConfig": object{"Type": kind, "FailureThreshold": 2}}, way.settings)
		wg.Go(func() { c.tryWay(what, service, name, way, f) })
	}
	// One service shows that what others do does not matter.
	service := c.service("steady", httpCheck(1), nil)
	c.register(service, "x", steady.attributes())
	c.wait("steady", service, "steady", "x", "127.0.0.1", "HEALTHY")
	wg.Wait()
	if got := c.explain("steady.farm.example"); !strings.Contains(got, "UNKNOWN → HEALTHY") || strings.Contains(got, "→ UNHEALTHY") {
		t.Errorf("the steady one changed:\n%s", got)
	}
}

func (c *checked) tryWay(what, service, name string, way broken, f *backend) {
	c.register(service, "x", f.attributes())
	c.waitAlone(what+": well", service, name, f.ip, "HEALTHY")
	way.ill(f)
	c.waitAlone(what+": ill", service, name, f.ip, "UNHEALTHY")
	if got := c.explain(name + ".farm.example"); !strings.Contains(got, way.explains) || !strings.Contains(got, "fails open") {
		c.t.Errorf("%s: explain does not say %q:\n%s", what, way.explains, got)
	}
	f.become(way.well)
	c.waitAlone(what+": well again", service, name, f.ip, "HEALTHY")
}

// waitAlone is wait for the only instance of a service: while it is unhealthy
// DNS fails open, DiscoverInstances does not.
func (c *checked) waitAlone(what, service, name, ip, status string) {
	c.t.Helper()
	want := seen(status)
	want.dns = true
	c.waitFor(what, service, name, "x", ip, want)
}

// scripted is a backend that answers by a script, and looks before each answer
// whether all that came before is visible.
type scripted struct {
	c             *checked
	service, name string
	ip            string
	script        string // p and f
	want          string // the state after each result: ?, + or -

	mu    sync.Mutex
	next  int
	ended chan struct{}
}

func (s *scripted) behave(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if request(conn) == "" || s.c.t.Context().Err() != nil {
		return
	}
	n := s.next
	if n > len(s.script) {
		return
	}
	if s.next++; n > 0 {
		status := map[byte]string{'?': "UNKNOWN", '+': "HEALTHY", '-': "UNHEALTHY"}[s.want[n-1]]
		s.c.wait(fmt.Sprintf("%s after %q", s.name, s.script[:n]), s.service, s.name, "x", s.ip, status)
	}
	if n == len(s.script) {
		close(s.ended)
		return
	}
	if s.script[n] == 'p' {
		io.WriteString(conn, allWell)
	} else {
		io.WriteString(conn, "HTTP/1.1 503 No\r\n\r\n")
	}
}

// The verdict changes with exactly the result that the thresholds ask for, and
// all three ways show it before the next probe is answered.
func TestHealthThresholds(t *testing.T) {
	t.Parallel()
	c := startChecked(t, fast)
	steady := newBackend(t, "127.0.0.1", answer(allWell))
	var all []*scripted
	for name, s := range map[string]struct {
		threshold    int
		success      string
		script, want string
	}{
		"one":          {1, "", "pfpfp", "+-+-+"},
		"two":          {2, "", "pfppfpffpfpp", "???++++---" + "-+"},
		"three":        {3, "", "fffppfpppffpfff", "??-----" + "-+++++" + "+-"},
		"ten":          {10, "", "pppppppppp" + "fffffffff" + "p" + "ffffffffff", "?????????+" + "+++++++++" + "+" + "+++++++++-"},
		"fast-back":    {3, "1", "fffpffpfffp", "??-++++++-+"},
		"slow-back":    {1, "4", "fpppfpppp", "-------" + "-+"},
		"mixed-starts": {3, "", "ppfppfppp", "????????+"},
	} {
		settings := maps.Clone(patient)
		if s.success != "" {
			settings["cairn.health.success-threshold"] = s.success
		}
		one := &scripted{c: c, name: name, ip: fmt.Sprintf("127.0.0.%d", len(all)+2), script: s.script, want: s.want, ended: make(chan struct{})}
		one.service = c.service(name, httpCheck(s.threshold), settings)
		c.register(one.service, "steady", steady.attributes())
		all = append(all, one)
	}
	for _, s := range all {
		c.wait(s.name, s.service, s.name, "steady", "127.0.0.1", "HEALTHY")
		c.register(s.service, "x", newBackend(t, s.ip, s.behave).attributes())
	}
	for _, s := range all {
		select {
		case <-s.ended:
		case <-time.After(2 * time.Minute):
			t.Fatalf("%s: only %d of %d probes came", s.name, s.next, len(s.script))
		}
	}
	if n := c.metric("cairn_health_verdicts_total", "UNHEALTHY"); n < 7 {
		t.Errorf("%v verdicts UNHEALTHY counted", n)
	}
}

// kill -9 and restart: verdicts come back as they were, at no moment another,
// and the checks go on.
func TestHealthAfterCrash(t *testing.T) {
	t.Parallel()
	const each = 100
	c := startChecked(t, fast)
	up, down := newBackend(t, "127.0.0.1", answer(allWell)), newBackend(t, "127.0.0.2", answer("HTTP/1.1 500 No\r\n\r\n"))
	service := c.service("many", httpCheck(3), patient)
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			for i := w; i < 2*each; i += 6 {
				f := []*backend{up, down}[i%2]
				if status, answer, err := c.call(t.Context(), "RegisterInstance", object{"ServiceId": service, "InstanceId": fmt.Sprint("i", i), "Attributes": f.attributes()}); err != nil || status != http.StatusOK {
					t.Errorf("register: %v %v", answer, err)
				}
			}
		})
	}
	wg.Wait()
	c.counts(service, map[string]int{"HEALTHY": each, "UNHEALTHY": each})
	for range 2 {
		c.crash()
		probes := c.metric("cairn_health_probes_total", "passed")
		c.await("two rounds of probes", func() bool {
			got, err := c.resolve(t.Context(), "many.farm.example")
			if err != nil || !slices.Equal(got, slices.Repeat([]string{"127.0.0.1"}, len(got))) || len(got) == 0 {
				t.Fatalf("after the restart: %v %v", got, err)
			}
			if got := c.statuses(service); got["HEALTHY"] != each || got["UNHEALTHY"] != each {
				t.Fatalf("after the restart: %v", got)
			}
			return c.metric("cairn_health_probes_total", "passed") >= probes+2*each
		})
		if n := c.metric("cairn_health_verdicts_total", "HEALTHY"); n != 0 {
			t.Errorf("%v changes of verdict after the restart", n)
		}
	}
	up.refuse()
	down.become(answer(allWell))
	c.wait("afterwards", service, "many", "i1", "127.0.0.2", "HEALTHY")
	c.counts(service, map[string]int{"HEALTHY": each, "UNHEALTHY": each})
}

// statuses counts the instances of a service by status.
func (c *checked) statuses(service string) map[string]int {
	c.t.Helper()
	n := map[string]int{}
	in := object{"ServiceId": service, "MaxResults": 100}
	for {
		answer := c.must(c.t, "GetInstancesHealthStatus", in)
		for _, status := range answer["Status"].(object) {
			n[status.(string)]++
		}
		if answer["NextToken"] == nil {
			return n
		}
		in["NextToken"] = answer["NextToken"]
	}
}

func (c *checked) counts(service string, want map[string]int) {
	c.t.Helper()
	var got map[string]int
	if !c.until(func() bool { got = c.statuses(service); return maps.Equal(got, want) }) {
		c.t.Fatalf("got %v, want %v", got, want)
	}
}
