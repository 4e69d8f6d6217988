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
	// Authority is the built-in certificate authority for meshes that have none.
	Authority Authority `yaml:"authority"`
}

// Authority issues certificates to the proxies of meshes; see docs/mesh.md.
type Authority struct {
	// Meshes are the names of the meshes that have the built-in authority; `*` is all.
	// Left out, there is none. It needs auth.seal_key_file or CAIRN_SEAL_KEY.
	Meshes []string `yaml:"meshes" reload:"sighup" check:"notempty"`
	// LeafLife is how long the certificate of a proxy is valid. At half of it, the proxy
	// gets the next one.
	LeafLife Duration `yaml:"leaf_life" reload:"sighup" check:"min=10s"`
	// RootLife is how long the certificate of an authority is valid. At half of it,
	// proxies trust a second one. It is at least four times leaf_life.
	RootLife Duration `yaml:"root_life" reload:"sighup" check:"min=40s"`
}

// XDSToken lets clients see the services of an account.
type XDSToken struct {
	// Account is the id of the account.
	Account string `yaml:"account"`
	// File is a file with the token, at least 16 octets.
	File string `yaml:"file" path:"file" check:"notempty"`
}

func defaultXDS() XDS {
	const day = 24 * 3600
	return XDS{Drain: seconds(5), Authority: Authority{LeafLife: seconds(day), RootLife: seconds(10 * 365 * day)}}
}

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

func (x *XDS) check(k *checker, a *Auth) {
	if len(x.Authority.Meshes) > 0 && a.SealKeyFile == "" && a.SealKey == "" {
		k.failHidden("xds.authority.meshes", "needs a key that protects private keys in the store: auth.seal_key_file or CAIRN_SEAL_KEY")
	}
	if x.Authority.RootLife.Duration < 4*x.Authority.LeafLife.Duration {
		k.fail("xds.authority.root_life", x.Authority.RootLife.String(), "must be at least four times leaf_life")
	}
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
