package config

// Limits protect the API listener, and those of connections the xDS listener too; 0 means
// the built-in value.
type Limits struct {
	// MaxBodyBytes is the largest body of a request, in bytes.
	MaxBodyBytes int64 `yaml:"max_body_bytes" check:"min=0"`
	// MaxHeaderBytes is the largest header of a request, in bytes.
	MaxHeaderBytes int `yaml:"max_header_bytes" check:"min=0"`
	// MaxConnections is how many connections can be open at a time; 0 means 16384. At
	// this limit and the next two, a new connection replaces the one that has been idle
	// for the longest time, one without an authenticated caller first. It is refused
	// only if all have a request in progress.
	MaxConnections int `yaml:"max_connections" check:"min=0"`
	// MaxConnectionsPerClient is the same limit for each client: an IPv4 address, or a
	// /64 network of IPv6 addresses; 0 means 1024. Behind a proxy or a load balancer,
	// which is one client, set it to max_connections.
	MaxConnectionsPerClient int `yaml:"max_connections_per_client" check:"min=0"`
	// MaxUnauthenticatedConnections is the same limit for connections on which no
	// caller was authenticated yet; 0 means a quarter of max_connections. It does not
	// apply with auth.mode open.
	MaxUnauthenticatedConnections int `yaml:"max_unauthenticated_connections" check:"min=0"`
	// ReadTimeout is how long a request may take to arrive.
	ReadTimeout Duration `yaml:"read_timeout" check:"min=0s"`
	// WriteTimeout is how long a client may take to read an answer.
	WriteTimeout Duration `yaml:"write_timeout" check:"min=0s"`
	// IdleTimeout is how long a connection may wait for its next request.
	IdleTimeout Duration `yaml:"idle_timeout" check:"min=0s"`
	// QueueSize is how many writes can wait for the store. Further writes get a
	// throttling error.
	QueueSize int `yaml:"queue_size" check:"min=0"`
}
