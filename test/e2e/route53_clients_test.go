package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
	"golang.org/x/tools/txtar"

	"github.com/cairn-discovery/cairn/internal/seal"
	"github.com/cairn-discovery/cairn/internal/testtool"
)

// clients is the path of the program of testdata/clients.txtar, a module of its own, which
// is compiled once for all tests. With an empty build cache this takes minutes of processor
// time, most of them for the types of Kubernetes: they are not optimized, and other tests
// that run at the same time come first.
var clients = sync.OnceValues(func() (string, error) {
	archive, err := txtar.ParseFile("testdata/clients.txtar")
	if err != nil {
		return "", err
	}
	dir := filepath.Join(binaryDir, "clients")
	for _, f := range archive.Files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			return "", err
		}
	}
	path := filepath.Join(dir, "program")
	cmd := exec.Command("nice", "-n", "19", "go", "build", "-C", dir, "-gcflags=k8s.io/...=-N -l", "-ldflags=-s -w", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as testtool.Build
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

func clientProgram(t *testing.T) string {
	t.Helper()
	path, err := clients()
	if err != nil {
		t.Log(err)
		testtool.Missing(t, "a module of testdata/clients.txtar", "none; go downloads it")
	}
	return path
}

// client runs a client of Route 53 with arguments and returns what it prints.
func client(t *testing.T, env []string, args ...string) string {
	t.Helper()
	return run(t, ".", env, clientProgram(t), args...)
}

// tsigSecret is the secret of the key updates.test.
const tsigSecret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// sealKey writes a key with which the keys of signed zones are encrypted, and returns the
// path of the file.
func sealKey(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "seal.key")
	if err := os.WriteFile(file, []byte(seal.NewKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// route53Process is a node with public zones that its key may update and transfer.
func route53Process(t *testing.T, zones ...string) (*process, []string) {
	t.Helper()
	dir := t.TempDir()
	config := "auth: {seal_key_file: " + sealKey(t) + "}\ndns:\n  tsig_keys: [{name: updates.test, secret: " + tsigSecret + "}]\n"
	for _, key := range []string{"update", "transfer"} {
		config += "  " + key + ":\n"
		for _, zone := range zones {
			config += "    - {zone: " + zone + ", tsig_key: updates.test}\n"
		}
	}
	file := filepath.Join(dir, "cairn.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	program := build(t)
	p := serve(t, program, filepath.Join(dir, "data"), "--config", file)
	env := append(awsEnv(dir), "AWS_ENDPOINT_URL="+p.url, "CAIRN_ENDPOINT="+p.url)
	empty := filepath.Join(dir, "empty.zone")
	if err := os.WriteFile(empty, []byte("$TTL 60\nkept TXT \"of nobody\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, zone := range zones {
		run(t, dir, env, program, "zone", "import", empty, "--zone", zone, "--create", "--yes")
	}
	return p, env
}

// export returns the lines of a zone, without those of the apex.
func export(t *testing.T, env []string, zone string) []string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(run(t, ".", env, build(t), "zone", "export", zone)) {
		if !strings.HasPrefix(line, zone+".") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// The control loops of external-dns, with its registry of TXT records: a second run finds
// nothing to do, and at the end nothing of it is left.
func TestExternalDNS(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind, want string
	}{
		{"aws", "create: 10 created, 0 updated, 0 deleted\ncreate again: 0 created, 0 updated, 0 deleted\n" +
			"change: 2 created, 3 updated, 6 deleted\nchange again: 0 created, 0 updated, 0 deleted\n" +
			"delete: 0 created, 0 updated, 6 deleted\ndelete again: 0 created, 0 updated, 0 deleted\n"},
		{"rfc2136", "create: 5 created, 0 updated, 0 deleted\ncreate again: 0 created, 0 updated, 0 deleted\n" +
			"change: 1 created, 2 updated, 2 deleted\nchange again: 0 created, 0 updated, 0 deleted\n" +
			"delete: 0 created, 0 updated, 4 deleted\ndelete again: 0 created, 0 updated, 0 deleted\n"},
	} {
		t.Run(test.kind, func(t *testing.T) {
			p, env := route53Process(t, "loop.example")
			args := []string{"externaldns", test.kind, "loop.example"}
			if test.kind == "rfc2136" {
				args = append(args, p.dns, "updates.test", tsigSecret)
			}
			if got := client(t, env, args...); got != test.want {
				t.Errorf("got\n%swant\n%s", got, test.want)
			}
			if left := export(t, env, "loop.example"); !slices.Equal(left, []string{"kept.loop.example.\t60\tIN\tTXT\t\"of nobody\""}) {
				t.Errorf("left: %q", left)
			}
		})
	}
}

// lego joins the values of several challenges for one name, and takes out only its own.
func TestLego(t *testing.T) {
	t.Parallel()
	p, env := route53Process(t, "lego.example", "deep.lego.example")
	texts := func() []string {
		m, _, err := new(dns.Client).Exchange(new(dns.Msg).SetQuestion("_acme-challenge.www.deep.lego.example.", dns.TypeTXT), p.dns)
		if err != nil {
			t.Fatal(err)
		}
		all := []string{}
		for _, rr := range m.Answer {
			all = append(all, rr.(*dns.TXT).Txt...)
		}
		slices.Sort(all)
		return all
	}
	values := func(out string) (all []string) {
		for line := range strings.Lines(out) {
			_, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			all = append(all, value)
		}
		slices.Sort(all)
		return all
	}
	lego := func(args ...string) []string {
		return values(client(t, env, append([]string{"lego", p.dns, "www.deep.lego.example"}, args...)...))
	}
	if want := lego("present", "one", "two"); !slices.Equal(texts(), want) || len(want) != 2 {
		t.Errorf("got %q, want %q", texts(), want)
	}
	one := lego("cleanup", "one")
	if got := texts(); len(got) != 1 || got[0] == one[0] {
		t.Errorf("got %q", got)
	}
	lego("cleanup", "two", "two")
	if got := texts(); len(got) != 0 {
		t.Errorf("left: %q", got)
	}
}

// cert-manager has a record set of a group for each challenge, and takes a record set that is
// gone for removed.
func TestCertManager(t *testing.T) {
	t.Parallel()
	p, env := route53Process(t, "manager.example", "deep.manager.example")
	solve := func(args ...string) string {
		return client(t, env, append([]string{"certmanager", p.dns, "_acme-challenge.www.deep.manager.example"}, args...)...)
	}
	u := &updater{t, p.dns}
	for _, step := range []struct {
		args []string
		out  string
		want []string
	}{
		{[]string{"present", "one", "two"}, "INSYNC\nINSYNC\n", []string{`"one"`, `"two"`}},
		{[]string{"present", "one"}, "INSYNC\n", []string{`"one"`, `"two"`}},
		{[]string{"cleanup", "one", "one"}, "INSYNC\ngone\n", []string{`"two"`}},
		{[]string{"cleanup", "two"}, "INSYNC\n", []string{}},
	} {
		out := solve(step.args...)
		if got := u.ask("_acme-challenge.www.deep.manager.example.", dns.TypeTXT); out != step.out || !slices.Equal(got, step.want) {
			t.Errorf("%q: %s %q", step.args, out, got)
		}
	}
}

// dnscontrol reads all pages, and divides changes into batches.
func TestDNSControl(t *testing.T) {
	t.Parallel()
	_, env := route53Process(t, "a.example", "b.example", "control.example", "c.example", "d.example")
	const want = "zones: 5 pages: 3\nname servers: true\ncreate: 700 changes in 3 batches\nrecord sets: 703 pages: 8\ndelete: 700 changes in 3 batches\n"
	if got := client(t, env, "dnscontrol", "control.example", "700"); got != want {
		t.Errorf("got\n%s", got)
	}
	if left := export(t, env, "control.example"); len(left) != 1 {
		t.Errorf("left: %q", left)
	}
}

// nsupdate of BIND: what is signed with the key changes the zone, and nothing else does.
func TestNSUpdate(t *testing.T) {
	t.Parallel()
	nsupdate := testtool.Need(t, "nsupdate", "bind9-dnsutils")
	p, env := route53Process(t, "update.example")
	host, port, _ := net.SplitHostPort(p.dns)
	send := func(key, commands string) (string, error) {
		args := []string{"-t", "5"}
		if key != "" {
			args = append(args, "-y", key)
		}
		cmd := exec.Command(nsupdate, args...)
		cmd.Stdin = strings.NewReader(fmt.Sprintf("server %s %s\nzone update.example\n%ssend\n", host, port, commands))
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	const good = "hmac-sha256:updates.test:" + tsigSecret
	before := export(t, env, "update.example")
	for _, test := range []struct{ key, commands, want string }{
		{"", "add a.update.example 60 A 192.0.2.1\n", "REFUSED"},
		{"hmac-sha256:updates.test:AAAA", "add a.update.example 60 A 192.0.2.1\n", "BADSIG"},
		{"hmac-sha256:other.test:" + tsigSecret, "add a.update.example 60 A 192.0.2.1\n", "BADKEY"},
		{"hmac-sha512:updates.test:" + tsigSecret, "add a.update.example 60 A 192.0.2.1\n", "BADKEY"},
		{good, "prereq nxdomain kept.update.example\nadd a.update.example 60 A 192.0.2.1\n", "YXDOMAIN"},
		{good, "prereq yxrrset kept.update.example A\nadd a.update.example 60 A 192.0.2.1\n", "NXRRSET"},
		{good, "add a.update.example 60 A 192.0.2.1\nadd a.elsewhere.example 60 A 192.0.2.1\n", "NOTZONE"},
	} {
		if out, err := send(test.key, test.commands); err == nil || !strings.Contains(out, test.want) {
			t.Errorf("%s %s: %v %s", test.key, test.commands, err, out)
		}
	}
	if got := export(t, env, "update.example"); !slices.Equal(got, before) {
		t.Errorf("a refused update changed something: %q", got)
	}
	for _, commands := range []string{
		"prereq nxdomain a.update.example\nadd a.update.example 60 A 192.0.2.1\nadd a.update.example 60 A 192.0.2.2\n",
		"prereq yxrrset a.update.example A\ndel a.update.example A 192.0.2.1\nadd b.update.example 60 TXT \"x y\" z\n",
		"add m.update.example 60 MX 10 a.update.example\nadd m.update.example 60 CAA 0 issue \"ca.example\"\ndel kept.update.example\n",
		"del update.example NS\ndel update.example SOA\n", // they stay: RFC 2136 section 3.4.2.3
	} {
		if out, err := send(good, commands); err != nil {
			t.Errorf("%s: %v %s", commands, err, out)
		}
	}
	want := []string{
		"a.update.example.\t60\tIN\tA\t192.0.2.2", "b.update.example.\t60\tIN\tTXT\t\"x y\" \"z\"",
		"m.update.example.\t60\tIN\tCAA\t0 issue \"ca.example\"", "m.update.example.\t60\tIN\tMX\t10 a.update.example.",
	}
	if got := export(t, env, "update.example"); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if out := run(t, ".", env, build(t), "zone", "export", "update.example"); !strings.Contains(out, "\tNS\t") || !strings.Contains(out, "\tSOA\t") {
		t.Errorf("the apex lacks records:\n%s", out)
	}
}
