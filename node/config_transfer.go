package node

// TSIGKey is a secret that this server and others share, to sign messages with
// (RFC 8945).
type TSIGKey struct {
	// Name is the key's name, a domain name that both sides use.
	Name string `yaml:"name"`
	// Algorithm is hmac-sha1, hmac-sha224, hmac-sha256, hmac-sha384 or
	// hmac-sha512. Empty means hmac-sha256.
	Algorithm string `yaml:"algorithm"`
	// Secret is the secret in base64. It is never logged.
	Secret Secret `yaml:"secret"`
	// SecretFile is a file that holds the secret, in base64, instead.
	SecretFile string `yaml:"secret_file"`
}

// Transfer says who may have a zone transferred, and whom to tell that it has
// changed.
type Transfer struct {
	// Zone is the name of the namespace. "*" means all public ones.
	Zone string `yaml:"zone"`
	// VPC chooses the private namespace of this name that is bound to it. Empty:
	// the public one.
	VPC string `yaml:"vpc"`
	// Secondaries are servers to which a NOTIFY goes when the zone has changed,
	// as IP or IP:PORT. They may have the zone transferred.
	Secondaries []string `yaml:"secondaries"`
	// Allow are further clients that may have it transferred. Without them and
	// without secondaries, but with a tsig_key, any address may.
	Allow []Prefix `yaml:"allow"`
	// TSIGKey is the name of the key that queries must be signed with, and
	// NOTIFY messages are. Empty: the address is enough.
	TSIGKey string `yaml:"tsig_key"`
}

// TransferLimits bound what transfers can make the server hold.
type TransferLimits struct {
	// Transfers is how many go on at a time; 0 means 16. One client has a quarter
	// of them at the most.
	Transfers int `yaml:"transfers"`
	// Timeout bounds one transfer; 0 means 5m.
	Timeout Duration `yaml:"timeout"`
	// HistoryBytes bounds the memory for changes of all zones together, from
	// which IXFR is answered; 0 means 16 MiB.
	HistoryBytes int `yaml:"history_bytes"`
	// NotifyInterval is the least time between two NOTIFY messages for one zone
	// to one secondary; 0 means 1s.
	NotifyInterval Duration `yaml:"notify_interval"`
}
