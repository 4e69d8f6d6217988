package config

import (
	"fmt"

	"github.com/cairn-discovery/cairn/core/command"
)

// XDS is how clients of xDS are served: Envoy and gRPC.
type XDS struct {
	// Drain is how long an instance that was deregistered is among the endpoints of
	// proxies as DRAINING: they finish requests to it and send no new ones. 0: it is
	// removed at once.
	Drain Duration `yaml:"drain" check:"min=0s"`
	// MaxStreams is how many streams can be open; 0 means 20000.
	MaxStreams int `yaml:"max_streams" check:"min=0"`
	// MaxSubscriptions is how many resources one stream can subscribe to; 0 means
	// 20000.
	MaxSubscriptions int `yaml:"max_subscriptions" check:"min=0"`
	// Tokens let clients in that send one of them as "authorization: Bearer TOKEN".
	// They have no effect with auth.mode open.
	Tokens []XDSToken `yaml:"tokens"`
}

// XDSToken lets clients see the services of an account.
type XDSToken struct {
	// Account is the id of the account.
	Account string `yaml:"account"`
	// File is a file with the token, at least 16 octets.
	File string `yaml:"file" path:"file" check:"notempty"`
}

func defaultXDS() XDS { return XDS{Drain: seconds(5)} }

// ReadTokens returns the account of each token.
func (x *XDS) ReadTokens() (map[string]string, error) {
	tokens := make(map[string]string, len(x.Tokens))
	for i, t := range x.Tokens {
		text, err := readSecretFile(t.File)
		if err != nil {
			return nil, err
		}
		if len(text) < 16 {
			return nil, &KeyError{Key: fmt.Sprintf("xds.tokens[%d].file", i), Rule: "must have a token of at least 16 octets"}
		}
		tokens[text] = t.Account
	}
	return tokens, nil
}

func (x *XDS) check(k *checker) {
	for i, t := range x.Tokens {
		if !command.AccountID(t.Account).Valid() {
			k.fail(fmt.Sprintf("xds.tokens[%d].account", i), t.Account, "must be twelve digits, in quotes")
		}
	}
}

// xdsExposure returns why only this machine may reach the xDS listener.
func (c *Config) xdsExposure() string {
	switch {
	case c.Auth.Mode == AuthOpen:
		return "auth.mode open shows the whole registry to everybody who reaches it: set auth.mode to sigv4, or"
	case c.TLS.CertFile == "" && !c.TLS.AllowPlainHTTP:
		return "without TLS everybody on the way can read along: give tls.cert_file and tls.key_file, or set" +
			" tls.allow_plain_http where the network itself is encrypted, or"
	}
	return ""
}
