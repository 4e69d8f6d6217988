package node

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"cairn/core/identity"
	"cairn/edge/admin/iam"
	"cairn/edge/aws/sts"
	"cairn/internal/seal"
	"cairn/replica"
)

// people is who there is, from the configuration file and the store together,
// compiled when either changes.
type people struct {
	log *slog.Logger
	key *seal.Key // nil: what is sealed cannot be opened

	file    atomic.Pointer[fileIdentities]
	replica atomic.Pointer[replica.Replica] // nil until the node runs

	compiling sync.Mutex // one at a time; others wait for the result
	compiled  atomic.Pointer[compiledDirectory]
}

// fileIdentities are those of the configuration file. They never change; a
// reload makes new ones.
type fileIdentities struct {
	source    *identity.Source
	providers []sts.Provider
}

// compiledDirectory remembers what it was made of.
type compiledDirectory struct {
	file      *fileIdentities
	stored    identity.State
	directory *identity.Directory
}

// adopt takes over what a configuration says, which Check has found to be right.
func (p *people) adopt(c *Config) {
	source, err := c.identities()
	if err != nil {
		p.log.Error("the identities of the configuration stay as they were", "error", err)
		return
	}
	p.file.Store(&fileIdentities{source, c.providers()})
}

// directory returns who there is now.
func (p *people) directory() *identity.Directory {
	file, stored := p.file.Load(), p.stored()
	if c := p.compiled.Load(); c != nil && c.file == file && c.stored == stored {
		return c.directory
	}
	p.compiling.Lock()
	defer p.compiling.Unlock()
	file, stored = p.file.Load(), p.stored()
	if c := p.compiled.Load(); c != nil && c.file == file && c.stored == stored {
		return c.directory
	}
	directory, problems := identity.Compile(p.open, file.source, stored.Source())
	for _, problem := range problems {
		p.log.Warn("an identity cannot be used", "about", problem.About, "problem", problem.Err)
	}
	p.compiled.Store(&compiledDirectory{file, stored, directory})
	return directory
}

func (p *people) stored() identity.State {
	if r := p.replica.Load(); r != nil {
		return r.Current().Identity
	}
	return identity.State{}
}

// open gives the secret of a key of the store.
func (p *people) open(k *identity.AccessKey) (string, error) {
	if p.key == nil {
		return "", errors.New("its secret is sealed, and there is no seal key: give auth.seal_key_file")
	}
	secret, err := p.key.Open(k.Sealed, iam.SealContext(k.ID))
	return string(secret), err
}

func (p *people) providers() []sts.Provider { return p.file.Load().providers }

// inFile is what the configuration file says.
func (p *people) inFile() *identity.Source { return p.file.Load().source }
