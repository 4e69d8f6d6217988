// Package endpoint serves the metadata and the credentials of tasks: the task metadata
// endpoint of ECS, versions 3 and 4, the credentials endpoint, and task protection.
//
// Each task has a listener of its own in its network namespace, at 169.254.170.2:80. So
// who asks is known by the listener: a task sees nothing of another one, whatever path
// it asks for. Answers come from the newest snapshot.
package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/replica"
)

// address is where tasks find the endpoint.
func address() netip.AddrPort { return netip.MustParseAddrPort("169.254.170.2:80") }

// Replica is what a Server reads and writes to; a *replica.Replica.
type Replica interface {
	Current() *replica.Snapshot
	Propose(ctx context.Context, account command.AccountID, op command.Command) (command.Reply, error)
}

// Credentials are those of a session of a role.
type Credentials struct {
	AccessKeyID, SecretAccessKey, Token string
	Expires                             time.Time
}

// Driver is what a Server needs of the driver of the tasks.
type Driver interface {
	Listen(ctx context.Context, taskID string, address netip.AddrPort) (net.Listener, error)
	Stats(ctx context.Context, taskID, container string) (json.RawMessage, error)
}

// Subnet is what tasks may know of the subnet that their addresses are from.
type Subnet struct {
	// VPC is the id of its VPC. Empty: none.
	VPC string
	// IPv4 is its range. IPv6 is not valid if tasks have no IPv6 addresses.
	IPv4, IPv6 netip.Prefix
	// Gateway is the default route of its tasks.
	Gateway netip.Addr
	// DNS are the resolvers of its tasks, and Search their search list.
	DNS    []netip.Addr
	Search []string
}

// Config is what a Server needs. All members are required but Issue and Subnets.
type Config struct {
	Replica Replica
	Rules   func() *state.Rules
	Driver  Driver
	// Issue makes credentials of a role for a session of this name. The role may be
	// empty, if Open. Nil: there are none.
	Issue func(account command.AccountID, role, session string) (*Credentials, error)
	// Open gives credentials to tasks without a role too. The API does not check them.
	Open bool
	// Subnets are those of the tasks. Metadata lacks what is not known of a subnet.
	Subnets []Subnet
	Logger  *slog.Logger
}

// Server serves the tasks of a node. It implements runner.Endpoint.
type Server struct {
	cfg   Config
	mu    sync.Mutex
	tasks map[string]*served
}

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Replica == nil || cfg.Rules == nil || cfg.Driver == nil || cfg.Logger == nil {
		return nil, errors.New("endpoint: Replica, Rules, Driver and Logger are required")
	}
	return &Server{cfg: cfg, tasks: map[string]*served{}}, nil
}

// served is a task that is served.
type served struct {
	server *http.Server
	done   chan struct{} // closed when Serve has returned
}

// Limits of a server: tasks are not trusted.
const (
	readTimeout  = 10 * time.Second
	writeTimeout = 30 * time.Second
	idleTimeout  = time.Minute
	maxHeader    = 16 << 10
)

// Open implements runner.Endpoint.
func (s *Server) Open(ctx context.Context, t *task.Task) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tasks[t.ID] != nil {
		return nil
	}
	ln, err := s.cfg.Driver.Listen(ctx, t.ID, address())
	if err != nil {
		return err
	}
	h := &handler{Server: s, account: t.Account, cluster: t.Cluster, id: t.ID}
	one := &served{done: make(chan struct{}), server: &http.Server{
		Handler: h.routes(), ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
	}}
	s.tasks[t.ID] = one
	go func() {
		defer close(one.done)
		if err := one.server.Serve(&limited{Listener: ln}); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.cfg.Logger.Warn("the endpoint of a task has failed", "task", t.ID, "error", err)
		}
	}()
	return nil
}

// Close implements runner.Endpoint. It waits until nothing of the task is served.
func (s *Server) Close(taskID string) {
	s.mu.Lock()
	one := s.tasks[taskID]
	delete(s.tasks, taskID)
	s.mu.Unlock()
	if one == nil {
		return
	}
	_ = one.server.Close() // connections of a task that ends
	<-one.done
}

// Credentials implements runner.Endpoint. A role that tasks cannot assume is an error, so
// that the task does not start without its credentials.
func (s *Server) Credentials(t *task.Task, d *task.Definition) (path string, err error) {
	role := roleOf(t, d)
	if s.cfg.Issue == nil || role == "" && !s.cfg.Open {
		return "", nil
	}
	if _, err := s.cfg.Issue(t.Account, role, t.ID); err != nil {
		return "", err
	}
	return "/v2/credentials/" + credentialsID(t.ID), nil
}

// credentialsID returns the id of a task in the form of a UUID.
func credentialsID(task string) string {
	if len(task) != 32 {
		return task
	}
	return task[:8] + "-" + task[8:12] + "-" + task[12:16] + "-" + task[16:20] + "-" + task[20:]
}

// maxConnections is how many connections a task may have open.
const maxConnections = 64

// limited accepts a bounded number of connections.
type limited struct {
	net.Listener
	mu   sync.Mutex
	open int
}

func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		full := l.open >= maxConnections
		if !full {
			l.open++
		}
		l.mu.Unlock()
		if !full {
			return &counted{Conn: c, from: l}, nil
		}
		c.Close()
	}
}

// counted is a connection that is counted once when it is closed.
type counted struct {
	net.Conn
	from *limited
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() {
		c.from.mu.Lock()
		c.from.open--
		c.from.mu.Unlock()
	})
	return c.Conn.Close()
}
