package ecs

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// ListTaskDefinitions lists the revisions of all families, or of one, in order of family
// and revision.
func (a *api) ListTaskDefinitions(_ context.Context, c *service.Call, in *ListTaskDefinitionsRequest) (*ListTaskDefinitionsResponse, error) {
	p, err := newPage(c, []any{in.FamilyPrefix, in.Sort, in.Status}, maxPage, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	status := TaskDefinitionStatusActive
	if in.Status != nil {
		status = *in.Status
	}
	list := definitionsWith(c, service.Value(in.FamilyPrefix), string(status))
	descending := service.Value(in.Sort) == SortOrderDesc
	if descending {
		list = reversed(list)
	}
	out := &ListTaskDefinitionsResponse{TaskDefinitionArns: []string{}}
	for d := range list {
		key := fmt.Sprintf("%s/%010d", d.Family, d.Revision)
		if p.After != "" && (!descending && key <= p.After || descending && key >= p.After) {
			continue
		}
		if !p.Add(key) {
			break
		}
		out.TaskDefinitionArns = append(out.TaskDefinitionArns, ownARN(c, kindTaskDefinition, d.Name()))
	}
	out.NextToken = p.Next
	return out, nil
}

// definitionsWith yields the definitions with a status, of one family or of all if it is
// "". ListTaskDefinitions takes the whole name of a family as its prefix.
func definitionsWith(c *service.Call, family, status string) iter.Seq[*task.Definition] {
	all := c.State.Task.AllDefinitions(c.Account)
	if family != "" {
		all = c.State.Task.Definitions(c.Account, family)
	}
	return func(yield func(*task.Definition) bool) {
		for d := range all {
			if d.Status == status && !yield(d) {
				return
			}
		}
	}
}

func reversed[T any](list iter.Seq[T]) iter.Seq[T] {
	all := slices.Collect(list)
	slices.Reverse(all)
	return slices.Values(all)
}

// ListTaskDefinitionFamilies lists families. One is ACTIVE if a revision is, and INACTIVE
// if all its revisions are.
func (a *api) ListTaskDefinitionFamilies(_ context.Context, c *service.Call, in *ListTaskDefinitionFamiliesRequest) (*ListTaskDefinitionFamiliesResponse, error) {
	p, err := newPage(c, []any{in.FamilyPrefix, in.Status}, maxPage, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	status := TaskDefinitionFamilyStatusActive
	if in.Status != nil {
		status = *in.Status
	}
	out := &ListTaskDefinitionFamiliesResponse{Families: []string{}}
	for f := range c.State.Task.Families(c.Account, p.After) {
		if !strings.HasPrefix(f.Name, service.Value(in.FamilyPrefix)) || !familyHas(c, f, status) {
			continue
		}
		if !p.Add(f.Name) {
			break
		}
		out.Families = append(out.Families, f.Name)
	}
	out.NextToken = p.Next
	return out, nil
}

// familyHas reports whether a family has the status. A family whose revisions have all
// been deleted has none.
func familyHas(c *service.Call, f *task.Family, status TaskDefinitionFamilyStatus) bool {
	if f.Latest > 0 {
		return status != TaskDefinitionFamilyStatusInactive
	}
	if status == TaskDefinitionFamilyStatusActive {
		return false
	}
	for range c.State.Task.Definitions(c.Account, f.Name) {
		return true
	}
	return false
}
