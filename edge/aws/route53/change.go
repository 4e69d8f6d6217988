package route53

import (
	"context"

	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/timestamp"
)

// changeInfo is the answer to a change that was just made. It is done when the call
// returns; strict mode says so a moment later, as AWS does.
func (a *api) changeInfo(c *service.Call, id, comment string) *ChangeInfo {
	out := &ChangeInfo{Id: "/change/" + id, Status: ChangeStatusInsync, SubmittedAt: timestamp.Milliseconds(c.Now.UnixMilli()), Comment: comment}
	if c.Rules.HostedZones.Strict {
		out.Status = ChangeStatusPending
	}
	return out
}

// pendingTime is how long a change is pending in strict mode, in milliseconds.
const pendingTime = 500

func (a *api) GetChange(_ context.Context, c *service.Call, in *GetChangeRequest) (*GetChangeResponse, error) {
	id := service.Value(trimID(in.Id))
	change, ok := c.State.HostedZones.Change(id)
	if !ok {
		return nil, &hostedzone.Error{Code: hostedzone.NoSuchChange, Message: "Could not find resource with ID: " + id}
	}
	if change.Account != c.Account {
		return nil, &hostedzone.Error{Code: hostedzone.AccessDenied, Message: "The change " + id + " is not owned by you."}
	}
	out := &ChangeInfo{Id: "/change/" + id, Status: ChangeStatusInsync, SubmittedAt: timestamp.Milliseconds(change.Submitted), Comment: change.Comment}
	if c.Rules.HostedZones.Strict && c.Now.UnixMilli() < change.Submitted+pendingTime {
		out.Status = ChangeStatusPending
	}
	return &GetChangeResponse{ChangeInfo: out}, nil
}
