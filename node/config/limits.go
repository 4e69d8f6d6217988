package config

// Limits protect the API listener; 0 means the built-in value.
type Limits struct {
	// MaxBodyBytes is the largest body of a request, in bytes.
	MaxBodyBytes int64 `yaml:"max_body_bytes" check:"min=0"`
	// MaxHeaderBytes is the largest header of a request, in bytes.
	MaxHeaderBytes int `yaml:"max_header_bytes" check:"min=0"`
	// MaxConnections is how many connections can be open at once.
	MaxConnections int `yaml:"max_connections" check:"min=0"`
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
