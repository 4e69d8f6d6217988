package ecs

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// maxDeployments is the number of service deployments, or revisions, that one call
// can describe.
const maxDeployments = 20

// deploymentRef is what the ARN of a service deployment or of a service revision
// means.
type deploymentRef struct{ cluster, service, id string }

// parseDeployment returns the parts of an ARN KIND/CLUSTER/SERVICE/ID. It returns
// false if the account has nothing there.
func parseDeployment(c *service.Call, member, kind, text string) (r deploymentRef, own bool, err error) {
	a, ok := arn.Parse(text)
	parts := strings.Split(a.Resource, "/")
	if !ok || a.Service != name || len(parts) != 4 || parts[0] != kind {
		return r, false, command.Invalid("Invalid identifier: %s is %q, which is not the ARN of a %s", member, text, kind)
	}
	return deploymentRef{parts[1], parts[2], parts[3]}, a.Account == c.Account && a.Region == region(c), nil
}

// ListServiceDeployments lists the deployments of a service, newest first.
func (a *api) ListServiceDeployments(_ context.Context, c *service.Call, in *ListServiceDeploymentsRequest) (*ListServiceDeploymentsResponse, error) {
	svc, err := requireService(c, in.Cluster, in.Service)
	if err != nil {
		return nil, err
	}
	filters := *in
	filters.NextToken, filters.MaxResults = nil, nil
	p, err := newPage(c, &filters, maxPage, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListServiceDeploymentsResponse{ServiceDeployments: []ServiceDeploymentBrief{}}
	passed := p.After == ""
	for _, d := range newestFirst(c, svc) {
		if !passed {
			passed = d.ID == p.After
			continue
		}
		if !deploymentWanted(d, in) {
			continue
		}
		if !p.Add(d.ID) {
			break
		}
		out.ServiceDeployments = append(out.ServiceDeployments, briefDeployment(c, d))
	}
	out.NextToken = p.Next
	return out, nil
}

// newestFirst returns the deployments of a service.
func newestFirst(c *service.Call, svc *task.Service) []*task.ServiceDeployment {
	list := slices.Collect(c.State.Task.ServiceDeployments(svc.Account, svc.Cluster, svc.Name))
	slices.SortFunc(list, func(a, b *task.ServiceDeployment) int {
		return cmp.Or(cmp.Compare(b.Created, a.Created), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// deploymentWanted reports whether a deployment passes the filters. Both bounds of the
// time are part of the range.
func deploymentWanted(d *task.ServiceDeployment, in *ListServiceDeploymentsRequest) bool {
	if len(in.Status) > 0 && !slices.Contains(in.Status, ServiceDeploymentStatus(d.Status)) {
		return false
	}
	t := in.CreatedAt
	return t == nil || (t.After == nil || d.Created >= int64(*t.After)) && (t.Before == nil || d.Created <= int64(*t.Before))
}

// requireService returns a service that must exist, deleted ones included.
func requireService(c *service.Call, clusterText, text *string) (*task.Service, error) {
	cluster, err := findCluster(c, clusterText)
	if err != nil {
		return nil, err
	}
	svc, err := findService(c, cluster.Name, service.Value(text))
	if err == nil && svc == nil {
		err = task.ErrServiceNotFound()
	}
	return svc, err
}

// DescribeServiceDeployments describes deployments by their ARNs.
func (a *api) DescribeServiceDeployments(_ context.Context, c *service.Call, in *DescribeServiceDeploymentsRequest) (*DescribeServiceDeploymentsResponse, error) {
	const member = "serviceDeploymentArns"
	if err := checkItems(member, len(in.ServiceDeploymentArns), maxDeployments); err != nil {
		return nil, err
	}
	out := &DescribeServiceDeploymentsResponse{ServiceDeployments: []ServiceDeployment{}, Failures: []Failure{}}
	for _, text := range in.ServiceDeploymentArns {
		r, own, err := parseDeployment(c, member, kindServiceDeployment, text)
		if err != nil {
			return nil, err
		}
		d, ok := c.State.Task.ServiceDeployment(c.Account, r.cluster, r.service, r.id)
		if !ok || !own {
			out.Failures = append(out.Failures, Failure{Arn: text, Reason: reasonMissing})
			continue
		}
		out.ServiceDeployments = append(out.ServiceDeployments, describeServiceDeployment(c, d))
	}
	return out, nil
}

// DescribeServiceRevisions describes revisions of services by their ARNs.
func (a *api) DescribeServiceRevisions(_ context.Context, c *service.Call, in *DescribeServiceRevisionsRequest) (*DescribeServiceRevisionsResponse, error) {
	const member = "serviceRevisionArns"
	if err := checkItems(member, len(in.ServiceRevisionArns), maxDeployments); err != nil {
		return nil, err
	}
	out := &DescribeServiceRevisionsResponse{ServiceRevisions: []ServiceRevision{}, Failures: []Failure{}}
	for _, text := range in.ServiceRevisionArns {
		r, own, err := parseDeployment(c, member, kindServiceRevision, text)
		if err != nil {
			return nil, err
		}
		revision, ok := c.State.Task.Revision(c.Account, r.cluster, r.service, r.id)
		if !ok || !own {
			out.Failures = append(out.Failures, Failure{Arn: text, Reason: reasonMissing})
			continue
		}
		out.ServiceRevisions = append(out.ServiceRevisions, describeRevision(c, revision))
	}
	return out, nil
}

// StopServiceDeployment ends a deployment that is in progress: with ROLLBACK, which is
// the default, the service returns to the revision before.
func (a *api) StopServiceDeployment(ctx context.Context, c *service.Call, in *StopServiceDeploymentRequest) (*StopServiceDeploymentResponse, error) {
	text := service.Value(in.ServiceDeploymentArn)
	c.Target = text
	r, own, err := parseDeployment(c, "serviceDeploymentArn", kindServiceDeployment, text)
	if err != nil {
		return nil, err
	}
	if !own {
		return nil, task.NewError(task.ServiceDeploymentNotFound, "Service deployment not found.")
	}
	abort := in.StopType != nil && *in.StopType == StopServiceDeploymentStopTypeAbort
	if _, err := c.Propose(ctx, &task.StopServiceDeployment{Cluster: r.cluster, Service: r.service, ID: r.id, Abort: abort}); err != nil {
		return nil, err
	}
	return &StopServiceDeploymentResponse{ServiceDeploymentArn: text}, nil
}
