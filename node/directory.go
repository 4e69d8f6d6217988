package node

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/cairn-discovery/cairn/core/identity"
	adminidentity "github.com/cairn-discovery/cairn/edge/admin/identity"
	"github.com/cairn-discovery/cairn/edge/aws/sts"
	"github.com/cairn-discovery/cairn/internal/seal"
	"github.com/cairn-discovery/cairn/replica"
)

// directory is who there is, from the configuration file and the store together,
// compiled when either changes.
type directory struct {
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
func (d *directory) adopt(c *Config) {
	source, err := c.identities()
	if err != nil {
		d.log.Error("the identities of the configuration stay as they were", "error", err)
		return
	}
	d.file.Store(&fileIdentities{source, c.providers(d.log)})
}

// current returns who there is now.
func (d *directory) current() *identity.Directory {
	file, stored := d.file.Load(), d.stored()
	if c := d.compiled.Load(); c != nil && c.file == file && c.stored == stored {
		return c.directory
	}
	d.compiling.Lock()
	defer d.compiling.Unlock()
	file, stored = d.file.Load(), d.stored()
	if c := d.compiled.Load(); c != nil && c.file == file && c.stored == stored {
		return c.directory
	}
	compiled, problems := identity.Compile(d.open, file.source, stored.Source())
	for _, problem := range problems {
		d.log.Warn("an identity cannot be used", "about", problem.About, "problem", problem.Err)
	}
	d.compiled.Store(&compiledDirectory{file, stored, compiled})
	return compiled
}

func (d *directory) stored() identity.State {
	if r := d.replica.Load(); r != nil {
		return r.Current().Identity
	}
	return identity.State{}
}

// open gives the secret of a key of the store.
func (d *directory) open(k *identity.AccessKey) (string, error) {
	if d.key == nil {
		return "", errors.New("its secret is sealed, and there is no seal key: give auth.seal_key_file")
	}
	secret, err := d.key.Open(k.Sealed, adminidentity.SealContext(k.ID))
	return string(secret), err
}

func (d *directory) providers() []sts.Provider { return d.file.Load().providers }

// inFile is what the configuration file says.
func (d *directory) inFile() *identity.Source { return d.file.Load().source }
