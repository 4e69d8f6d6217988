package node

import (
	"errors"
	"fmt"

	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/node/config"
)

// Reload loads a new configuration and applies the keys that can change while the
// node runs: those with a reload tag in package config. It reads the files of the
// certificate again and opens the audit file again. If the configuration is
// wrong, it changes nothing. Other keys that differ from those at the start need
// a restart; Reload logs them.
func (n *Node) Reload(load func() (config.Config, error)) error {
	next, err := load()
	if err == nil {
		err = n.reload(next)
	}
	return n.reloads.note(err)
}

func (n *Node) reload(next config.Config) error {
	reloaded := config.Reloaded(n.cfg.Config, next)
	// Each can be right and the mixture of both wrong.
	if err := errors.Join(next.Check(), reloaded.Check()); err != nil {
		return errors.Join(errors.New("reload: the configuration is wrong; the one before it stays"), err)
	}
	transfers, err := newTransfers(&reloaded.DNS) // reads the files of secrets
	if err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	if err := n.setTransfers(transfers); err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	n.applyReloadable(&reloaded)
	if n.audit != nil {
		n.audit.Reopen()
	}
	if err := n.reloadCerts(); err != nil {
		n.log.Warn("the certificate stays as it was", "error", err)
	}
	select {
	case n.xdsChanged <- struct{}{}:
	default: // it will look anyway
	}
	n.log.Info("configuration reloaded")
	if keys := config.NeedRestart(n.cfg.Config, next); len(keys) > 0 {
		n.log.Warn("these changes need a restart", "keys", keys)
	}
	return nil
}

// applyReloadable replaces the values that a reload changes. c must have passed
// Check.
func (n *Node) applyReloadable(c *config.Config) {
	n.level.Set(c.Level())
	rules := c.Rules()
	rules.Shared = n.shared()
	rules.Identity.Catalog = n.catalog
	rules.Task.Authorize = n.taskAuthorizer()
	n.rules.Store(&rules)
	n.accounts.Store(new(c.AccountsByKey()))
	n.setIdentities(c)
	n.rates.file.Store(c.RequestRates())
	if views, err := c.Views(); err == nil { // Check has checked it
		n.views.Store(views)
	}
}

// currentRules returns the rules by which the registry decides now.
func (n *Node) currentRules() *state.Rules { return n.rules.Load() }

// accountOf returns the account of an access key. Keys that are not listed belong
// to the default account of open mode.
func (n *Node) accountOf(accessKeyID string) (accountID string, listed bool) {
	accountID, listed = (*n.accounts.Load())[accessKeyID]
	return accountID, listed
}
