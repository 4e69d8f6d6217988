package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cairn-discovery/cairn/edge/dns"
	"github.com/cairn-discovery/cairn/node/config"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/embedded"
	"github.com/cairn-discovery/cairn/store/memory"
)

// Report is what a node with a configuration would do.
type Report struct {
	// Lines are facts, one a line.
	Lines []string
	// Warnings are likely mistakes that do not stop a node from starting.
	Warnings []string
}

func (r *Report) add(format string, args ...any) {
	r.Lines = append(r.Lines, fmt.Sprintf(format, args...))
}

func (r *Report) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

// Check tries a configuration without running a node: it reads keys, secrets,
// certificates and policies, builds every component, and opens and closes the
// listeners. It does not touch the registry. The error joins everything that
// would stop the node from starting; the report is complete in any case.
//
// A node may be running on the data folder. A listener that is in use is no
// error then, because that node is likely to use it.
func Check(ctx context.Context, cfg Config) (*Report, error) {
	r := new(Report)
	if err := cfg.Check(); err != nil {
		return r, err
	}
	r.describe(&cfg.Config)
	running, err := r.checkDataDir(cfg.DataDir)
	errs := []error{err, r.checkAudit(&cfg.Audit)}
	cfg.Audit = config.Audit{} // New would make the file
	l, err := r.checkListeners(ctx, &cfg.Config, running)
	defer l.close()
	errs = append(errs, err, r.checkComponents(ctx, cfg, l))
	return r, errors.Join(errs...)
}

// describe reports what the configuration says.
func (r *Report) describe(c *config.Config) {
	r.add("region %s, compatibility %s", c.Region, c.Compatibility)
	var users, roles, policies int
	for _, a := range c.Accounts {
		users, roles, policies = users+len(a.Users), roles+len(a.Roles), policies+len(a.Policies)
	}
	r.add("auth.mode %s; accounts %d with %d users, %d roles and %d policies", c.Auth.Mode, len(c.Accounts), users, roles, policies)
	if c.Auth.Mode == config.AuthSigV4 && users == 0 {
		if files, _ := os.ReadDir(c.DataDir); len(files) == 0 {
			r.warn("%s", noUsers)
		} else {
			r.add("users of the registry are not read by this check")
		}
	}
	if len(c.DNS.Forward) > 0 {
		r.add("names outside the zones are resolved by %s", strings.Join(c.DNS.Forward, ", "))
	}
}

// checkDataDir reports who uses the data folder.
func (r *Report) checkDataDir(dir string) (running bool, err error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.add("data_dir %s: does not exist; the node creates it", dir)
		return false, nil
	case err != nil:
		return false, fmt.Errorf("data_dir: %w", err)
	case !info.IsDir():
		return false, fmt.Errorf("data_dir: %s is not a folder", dir)
	}
	err = embedded.InUse(dir)
	if locked, ok := errors.AsType[*embedded.LockedError](err); ok {
		r.warn("%v: a second node cannot start on it", locked)
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("data_dir: %w", err)
	}
	r.add("data_dir %s: exists, and no node uses it", dir)
	return false, nil
}

// checkAudit reports where audit records go.
func (r *Report) checkAudit(a *config.Audit) error {
	if a.File == "" || a.File == config.AuditStderr {
		return nil
	}
	folder := filepath.Dir(a.File)
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.add("audit.file %s: its folder does not exist; the node creates it", a.File)
		return nil
	case err != nil:
		return fmt.Errorf("audit.file: %w", err)
	case !info.IsDir():
		return fmt.Errorf("audit.file: %s is not a folder", folder)
	}
	r.add("audit.file %s", a.File)
	return nil
}

// checkListeners opens the listeners. In place of one that cannot be opened there
// is one on a free port, so that the components can be built.
func (r *Report) checkListeners(ctx context.Context, c *config.Config, running bool) (*listeners, error) {
	l := new(listeners)
	var errs []error
	for _, one := range l.all(c) {
		err := one.open(ctx)
		switch {
		case one.addr == "":
		case err == nil:
			r.add("%s %s: can be opened", one.key, one.addr)
		case running && errors.Is(err, syscall.EADDRINUSE):
			r.add("%s %s: in use, probably by the running node", one.key, one.addr)
		default:
			errs = append(errs, err)
		}
	}
	return l, errors.Join(append(errs, l.fill(ctx))...)
}

// fill opens the listeners that every node has and that are not open.
func (l *listeners) fill(ctx context.Context) (err error) {
	const free = "127.0.0.1:0"
	for _, ln := range []*net.Listener{&l.api, &l.admin} {
		if *ln == nil {
			var lc net.ListenConfig
			if *ln, err = lc.Listen(ctx, "tcp", free); err != nil {
				return err
			}
		}
	}
	if l.dns == nil {
		l.dns, err = dns.Listen(ctx, free)
	}
	return err
}

// checkComponents builds all components on an empty store and starts none.
func (r *Report) checkComponents(ctx context.Context, cfg Config, l *listeners) error {
	cfg.OpenStore = func() (store.Store, error) { return memory.New(), nil } // so that nothing is written to the data folder
	n, err := New(cfg)
	if err != nil {
		return err
	}
	st := memory.New()
	_, err = n.wire(st, l)
	if sources := n.certs.Load(); sources != nil {
		r.checkExpiry((*sources)[0].NotAfter(), time.Now())
	}
	return errors.Join(err, st.Close())
}

// expiryWarning is how long before its end a certificate is worth a warning.
const expiryWarning = 14 * 24 * time.Hour

func (r *Report) checkExpiry(notAfter, now time.Time) {
	const form = "2006-01-02 15:04 MST"
	switch left := notAfter.Sub(now); {
	case left <= 0:
		r.warn("the certificate in tls.cert_file expired on %s", notAfter.UTC().Format(form))
	case left < expiryWarning:
		r.warn("the certificate in tls.cert_file expires on %s", notAfter.UTC().Format(form))
	default:
		r.add("tls: the certificate is valid until %s", notAfter.UTC().Format(form))
	}
}
