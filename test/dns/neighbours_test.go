package dns_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/internal/testtool"
)

// internal is the namespace that docs/dns.md uses.
const internal = "internal.example.com"

// freePort is a port that was free a moment ago, for programs that cannot say
// which they took.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return port(ln.Addr().String())
}

// daemon runs a program until the test ends.
func daemon(t *testing.T, path string, args ...string) {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		slow := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // how a program ends that was told to is its own matter
		slow.Stop()
	})
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// through asks another resolver.
func through(resolver, name string, qtype uint16) (*dns.Msg, error) {
	m, _, err := (&dns.Client{Timeout: 2 * time.Second}).Exchange(new(dns.Msg).SetQuestion(name, qtype), resolver)
	return m, err
}

// resolverInFront checks that a resolver which has cairn for one domain gives
// its answers.
func resolverInFront(t *testing.T, w *fixture, addr string) {
	t.Helper()
	ns := w.namespace(t, internal, false)
	web := w.service(t, ns, "web", "A", "MULTIVALUE")
	srv := w.service(t, ns, "_http._tcp", "SRV", "MULTIVALUE")
	alias := w.service(t, ns, "old", "CNAME", "WEIGHTED")
	w.service(t, ns, "empty", "A", "MULTIVALUE")
	w.register(t, web, "i-1", "IPV4=10.0.0.1")
	w.register(t, srv, "a", "IPV4=10.0.1.1", "PORT=8001")
	w.register(t, alias, "x", "CNAME=web."+internal)
	eventually(t, "the resolver answers", func() error {
		m, err := through(addr, "web."+internal+".", dns.TypeA)
		if err == nil && !slices.Equal(addresses(m), []string{"10.0.0.1"}) {
			err = fmt.Errorf("got %v", m)
		}
		return err
	})
	for _, c := range []struct {
		name  string
		qtype uint16
		rcode int
		want  string // in the answer section; empty: it is empty
	}{
		{"_http._tcp." + internal + ".", dns.TypeSRV, dns.RcodeSuccess, "1 1 8001 a._http._tcp." + internal},
		{"a._http._tcp." + internal + ".", dns.TypeA, dns.RcodeSuccess, "10.0.1.1"},
		{"old." + internal + ".", dns.TypeA, dns.RcodeSuccess, "10.0.0.1"},
		{"empty." + internal + ".", dns.TypeA, dns.RcodeSuccess, ""},
		{"gone." + internal + ".", dns.TypeA, dns.RcodeNameError, ""},
	} {
		m, err := through(addr, c.name, c.qtype)
		if err != nil || m.Rcode != c.rcode || c.want == "" != (len(m.Answer) == 0) || !strings.Contains(m.String(), c.want) {
			t.Errorf("%s: %v\n%v", c.name, err, m)
		}
	}
}

func TestUnbound(t *testing.T) {
	path := testtool.Need(t, "unbound", packages["unbound"])
	w := start(t)
	listen := freePort(t)
	dir := t.TempDir()
	config := writeFile(t, "unbound.conf", fmt.Sprintf(`server:
  interface: 127.0.0.1@%s
  username: ""
  chroot: ""
  directory: %q
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  num-threads: 1
remote-control:
  control-enable: no
`, listen, dir)+example(t, "unbound", "@8054", "@"+w.dnsPort))
	daemon(t, path, "-d", "-c", config)
	resolverInFront(t, w, "127.0.0.1:"+listen)
}

func TestDnsmasq(t *testing.T) {
	path := testtool.Need(t, "dnsmasq", packages["dnsmasq"])
	w := start(t)
	listen := freePort(t)
	config := writeFile(t, "dnsmasq.conf", fmt.Sprintf("port=%s\nlisten-address=127.0.0.1\nbind-interfaces\n"+
		"no-resolv\nno-hosts\nstop-dns-rebind\nuser=\ngroup=\npid-file=\n", listen)+
		example(t, "dnsmasq", "#8054", "#"+w.dnsPort))
	daemon(t, path, "--keep-in-foreground", "--log-facility=-", "--conf-file="+config)
	resolverInFront(t, w, "127.0.0.1:"+listen)
}

// backend is an HTTP server that says its name.
func backend(t *testing.T, addr, name string) string {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, name)
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(ln)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return port(ln.Addr().String())
}

// names asks a proxy so often that every backend it has answers, and returns
// who did.
func names(proxy string) (map[string]bool, error) {
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	found := map[string]bool{}
	for range 20 {
		resp, err := client.Get("http://" + proxy + "/")
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s: %v", resp.Status, err)
		}
		found[string(text)] = true
	}
	return found, nil
}

// reaches waits until a proxy has exactly these backends.
func reaches(t *testing.T, proxy string, want ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("the proxy has the backends %v", want), func() error {
		found, err := names(proxy)
		if err != nil {
			return err
		}
		for _, name := range want {
			if !found[name] || len(found) != len(want) {
				return fmt.Errorf("%w: it has %v", errNotYet, found)
			}
		}
		return nil
	})
}

// HAProxy's server-template follows SRV records: addresses and ports.
func TestHAProxy(t *testing.T) {
	path := testtool.Need(t, "haproxy", packages["haproxy"])
	w := start(t)
	ns := w.namespace(t, internal, false)
	srv := w.service(t, ns, "_web._tcp", "SRV", "MULTIVALUE")
	w.register(t, srv, "one", "IPV4=127.0.0.1", "PORT="+backend(t, "127.0.0.1:0", "one"))
	w.register(t, srv, "two", "IPV4=127.0.0.1", "PORT="+backend(t, "127.0.0.1:0", "two"))
	listen := freePort(t)
	config := writeFile(t, "haproxy.cfg", fmt.Sprintf(`defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend f
  bind 127.0.0.1:%s
  default_backend web
`, listen)+example(t, "haproxy", ":8054", ":"+w.dnsPort))
	daemon(t, path, "-db", "-f", config)
	reaches(t, "127.0.0.1:"+listen, "one", "two")
	w.register(t, srv, "three", "IPV4=127.0.0.1", "PORT="+backend(t, "127.0.0.1:0", "three"))
	w.deregister(t, srv, "one")
	reaches(t, "127.0.0.1:"+listen, "two", "three")
}

// nginx follows A records by a variable.
func TestNginx(t *testing.T) {
	path := testtool.Need(t, "nginx", packages["nginx"])
	w := start(t)
	ns := w.namespace(t, internal, false)
	web := w.service(t, ns, "web", "A", "MULTIVALUE")
	upstream := backend(t, "127.0.0.2:0", "one")
	backend(t, "127.0.0.3:"+upstream, "two")
	w.register(t, web, "one", "IPV4=127.0.0.2")
	listen, dir := freePort(t), t.TempDir()
	user := ""
	if os.Getuid() == 0 {
		user = "user root;"
	}
	config := writeFile(t, "nginx.conf", fmt.Sprintf(`%s
daemon off;
pid %[2]s/pid;
error_log stderr;
events {}
http {
access_log off;
client_body_temp_path %[2]s; proxy_temp_path %[2]s; fastcgi_temp_path %[2]s; uwsgi_temp_path %[2]s; scgi_temp_path %[2]s;
`, user, dir)+example(t, "nginx", "127.0.0.1:8054", "127.0.0.1:"+w.dnsPort, "127.0.0.1:8080", "127.0.0.1:"+listen,
		":9000", ":"+upstream)+"}\n")
	daemon(t, path, "-p", dir, "-c", config)
	reaches(t, "127.0.0.1:"+listen, "one")
	w.register(t, web, "two", "IPV4=127.0.0.3")
	reaches(t, "127.0.0.1:"+listen, "one", "two")
	w.deregister(t, web, "one")
	reaches(t, "127.0.0.1:"+listen, "two")
}

// Go's own resolver.
func TestGoResolver(t *testing.T) {
	w := start(t)
	w.shop(t)
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, w.Addrs().DNS)
	}}
	addrs, err := r.LookupHost(t.Context(), "web.shop.example.")
	slices.Sort(addrs)
	if want := []string{"10.0.0.1", "10.0.0.2", "2001:db8::1"}; err != nil || !slices.Equal(addrs, want) {
		t.Errorf("LookupHost: %v, %v", addrs, err)
	}
	_, srvs, err := r.LookupSRV(t.Context(), "http", "tcp", "shop.example.")
	if err != nil || len(srvs) != 2 || srvs[0].Port+srvs[1].Port != 8001+8002 {
		t.Errorf("LookupSRV: %v, %v", srvs, err)
	}
	cname, err := r.LookupCNAME(t.Context(), "old.shop.example.")
	if err != nil || cname != "web.shop.example." {
		t.Errorf("LookupCNAME: %v, %v", cname, err)
	}
	for _, name := range []string{"gone.shop.example.", "empty.shop.example."} {
		_, err = r.LookupHost(t.Context(), name)
		if e, ok := errors.AsType[*net.DNSError](err); !ok || !e.IsNotFound {
			t.Errorf("LookupHost(%s): %v", name, err)
		}
	}
}

// glibc's resolver knows no port, so this needs port 53 of an address of its
// own, and a mount namespace with another /etc/resolv.conf.
func TestGlibc(t *testing.T) {
	unshare, err := exec.LookPath("unshare")
	if err != nil || os.Getuid() != 0 {
		t.Skip("needs root and unshare")
	}
	const addr = "127.0.53.77"
	if ln, err := net.Listen("tcp", addr+":53"); err != nil {
		t.Skipf("needs port 53: %v", err)
	} else {
		ln.Close()
	}
	w := start(t, listenOn(addr+":53"))
	w.shop(t)
	conf := writeFile(t, "resolv.conf", "nameserver "+addr+"\nsearch shop.example\noptions edns0 timeout:5 attempts:1\n")
	inside := func(command string) string {
		out := run(t, unshare, "-m", "sh", "-c", "mount --bind "+conf+" /etc/resolv.conf || exit 77; "+command)
		if strings.Contains(out, "permission denied") || strings.Contains(out, "not permitted") {
			t.Skipf("no mount namespace: %s", out)
		}
		return out
	}
	out := inside("getent ahosts web; echo; getent ahosts old.shop.example; echo; getent ahosts gone.shop.example || echo none")
	for _, want := range []string{"10.0.0.1", "10.0.0.2", "2001:db8::1", "none"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
}
