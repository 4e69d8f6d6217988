package prober

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/probe"
	"github.com/cairn-discovery/cairn/core/registry"
)

// proposal is what one node has to store about checks.
type proposal struct {
	by       string // the name of the node; empty: it runs all checks
	verdicts []registry.Verdict
	checks   []hostedzone.Verdict
	update   probe.Update
}

func (p *proposal) len() int { return len(p.verdicts) + len(p.checks) + p.update.Len() }

// perCommand returns how many changes one command may have, so that it fits into one
// transaction of a store that takes so many operations; 0 means that there is no limit. A
// change of an instance rests on two records that exist, all rest on that of the node, and
// each counts twice (store.Precondition.Cost).
func perCommand(operations int) int {
	if operations <= 0 {
		return maxVerdicts
	}
	return min(max((operations-2)/4, 1), maxVerdicts)
}

// commands returns the commands of a proposal, which have at most so many changes each.
func (p *proposal) commands(changes int) (all []command.Command) {
	for part := range slices.Chunk(p.verdicts, changes) {
		all = append(all, &registry.SetVerdicts{Verdicts: part, By: p.by})
	}
	for part := range slices.Chunk(p.checks, changes) {
		all = append(all, &hostedzone.SetVerdicts{Verdicts: part, By: p.by})
	}
	for part := range slices.Chunk(p.update.Votes, changes) {
		all = append(all, &probe.Update{By: p.update.By, Votes: part})
	}
	for part := range slices.Chunk(p.update.Series, changes) {
		all = append(all, &probe.Update{By: p.update.By, Series: part})
	}
	for part := range slices.Chunk(p.update.DeleteVotes, changes) {
		all = append(all, &probe.Update{By: p.update.By, DeleteVotes: part})
	}
	for part := range slices.Chunk(p.update.DeleteSeries, changes) {
		all = append(all, &probe.Update{By: p.update.By, DeleteSeries: part})
	}
	return all
}

// propose proposes all at once.
func (p *Prober) propose(ctx context.Context, all *proposal) error {
	operations := 0
	if p.cfg.Operations != nil {
		operations = p.cfg.Operations()
	}
	commands := all.commands(perCommand(operations))
	errs := make([]error, len(commands))
	var tasks sync.WaitGroup
	for i, c := range commands {
		tasks.Go(func() { _, errs[i] = p.cfg.Replica.Propose(ctx, "", c) })
	}
	tasks.Wait()
	return errors.Join(errs...)
}
