package config

import "github.com/cairn-discovery/cairn/internal/seal"

// The values of Auth.Mode.
const (
	AuthOpen  = "open"
	AuthSigV4 = "sigv4"
)

// Auth is who may call the APIs.
type Auth struct {
	// Mode is `open` or `sigv4`. In open mode every call is allowed, so it is
	// accepted on loopback listeners only. With sigv4 every call must be signed
	// with a key of accounts, or of the store, and allowed by a policy.
	Mode string `yaml:"mode" check:"oneof=open sigv4"`
	// SealKeyFile is a file with the key that encrypts session tokens, and access
	// keys in the store: 32 random bytes in base64, the same on every node. The
	// environment variable CAIRN_SEAL_KEY gives the key itself instead. Without a
	// key no role can be assumed.
	SealKeyFile string `yaml:"seal_key_file" path:"file"`
	// SealKey is the key itself.
	SealKey Secret `yaml:"-" env:"CAIRN_SEAL_KEY"`
	// FailuresPerSecond is how many calls with invalid credentials one address
	// (IPv6: one /64) can make. Further ones get only the error Rate exceeded;
	// calls with valid credentials are always served. 0: no limit.
	FailuresPerSecond float64 `yaml:"failures_per_second" check:"min=0"`
	// FailureBurst is how many such calls can come at once.
	FailureBurst int `yaml:"failure_burst" check:"min=0"`
}

func defaultAuth() Auth {
	return Auth{Mode: AuthOpen, FailuresPerSecond: 5, FailureBurst: 50}
}

// Key returns the seal key, or nil if none is given.
func (a *Auth) Key() (*seal.Key, error) {
	text := string(a.SealKey)
	if a.SealKeyFile != "" {
		var err error
		if text, err = readSecretFile(a.SealKeyFile); err != nil {
			return nil, err
		}
	}
	if text == "" {
		return nil, nil
	}
	return seal.ParseKey(text)
}
