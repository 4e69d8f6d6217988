package config

import "fmt"

// Admin is who may use the admin listener.
type Admin struct {
	// AdminHosts are further host names by which browsers and scrapers may call
	// the admin listener. IP addresses and localhost always work; other names are
	// refused, so that a web page cannot reach a loopback listener by DNS
	// rebinding.
	AdminHosts []string `yaml:"admin_hosts" check:"host"`
	// AdminTokenFile is a file with a token that requests to the admin listener
	// must send, as "Authorization: Bearer TOKEN", unless they come with a client
	// certificate. /livez and /readyz need neither. The environment variable
	// CAIRN_ADMIN_TOKEN gives the token itself instead.
	AdminTokenFile string `yaml:"admin_token_file" path:"file"`
	// AdminToken is the token itself.
	AdminToken Secret `yaml:"-" env:"CAIRN_ADMIN_TOKEN"`
}

// minAdminToken is short enough to be typed and too long to be guessed.
const minAdminToken = 16

func (a *Admin) check(k *checker) {
	if _, err := a.Token(); err != nil {
		k.failHidden("admin_token_file", err.Error())
	}
}

// Token returns the admin token, or "" if none is given.
func (a *Admin) Token() (string, error) {
	token := string(a.AdminToken)
	if a.AdminTokenFile != "" {
		var err error
		if token, err = readSecretFile(a.AdminTokenFile); err != nil {
			return "", err
		}
	}
	if token != "" && len(token) < minAdminToken || a.AdminTokenFile != "" && token == "" {
		return "", fmt.Errorf("the admin token must have %d characters or more", minAdminToken)
	}
	return token, nil
}

// AdminByCertificate reports whether a client certificate gives access to the
// admin listener.
func (c *Config) AdminByCertificate() bool { return c.TLS.Admin && c.TLS.ClientCAFile != "" }

// AdminAuthenticates reports whether the admin listener asks callers who they
// are.
func (c *Config) AdminAuthenticates() bool {
	return c.AdminToken != "" || c.AdminTokenFile != "" || c.AdminByCertificate()
}
