package ecs

import (
	"context"

	"github.com/cairn-discovery/cairn/core/task"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// principalOf returns the principal of a setting: the one that is named, or the caller.
// A session has the settings of its role. The settings of the root are those of the
// account.
func principalOf(c *service.Call, in *string) string {
	principal := service.Value(in)
	if principal == "" {
		principal = callerARN(c)
		if c.Caller != nil && c.Caller.Role != nil {
			principal = c.Caller.Role.ARN
		}
	}
	if principal == rootARN(c) {
		return task.DefaultPrincipal
	}
	return principal
}

// PutAccountSetting sets a setting of a user or a role, the caller without one.
func (a *api) PutAccountSetting(ctx context.Context, c *service.Call, in *PutAccountSettingRequest) (*PutAccountSettingResponse, error) {
	setting, err := putSetting(ctx, c, *in.Name, *in.Value, principalOf(c, in.PrincipalArn))
	return &PutAccountSettingResponse{Setting: setting}, err
}

// PutAccountSettingDefault sets a setting of everybody in the account.
func (a *api) PutAccountSettingDefault(ctx context.Context, c *service.Call, in *PutAccountSettingDefaultRequest) (*PutAccountSettingDefaultResponse, error) {
	setting, err := putSetting(ctx, c, *in.Name, *in.Value, task.DefaultPrincipal)
	return &PutAccountSettingDefaultResponse{Setting: setting}, err
}

func putSetting(ctx context.Context, c *service.Call, name SettingName, value, principal string) (*Setting, error) {
	c.Target = string(name)
	reply, err := c.Propose(ctx, &task.PutAccountSetting{Name: string(name), Value: value, Principal: principal})
	if err != nil {
		return nil, err
	}
	return settingShape(c, reply.Value.(*task.Setting)), nil
}

// DeleteAccountSetting deletes the setting of a user or a role.
func (a *api) DeleteAccountSetting(ctx context.Context, c *service.Call, in *DeleteAccountSettingRequest) (*DeleteAccountSettingResponse, error) {
	c.Target = string(*in.Name)
	reply, err := c.Propose(ctx, &task.DeleteAccountSetting{Name: string(*in.Name), Principal: principalOf(c, in.PrincipalArn)})
	if err != nil {
		return nil, err
	}
	return &DeleteAccountSettingResponse{Setting: settingShape(c, reply.Value.(*task.Setting))}, nil
}

// settingShape describes a setting. That of the account has the ARN of its root.
func settingShape(c *service.Call, x *task.Setting) *Setting {
	out := &Setting{Name: SettingName(x.Name), Value: x.Value, PrincipalArn: x.Principal, Type: SettingTypeUser}
	if x.Principal == task.DefaultPrincipal {
		out.PrincipalArn = rootARN(c)
	}
	if x.Name == "guardDutyActivate" {
		out.Type = SettingTypeAwsManaged
	}
	return out
}

// ListAccountSettings lists settings that were made for a principal, or with
// effectiveSettings all that count for it.
func (a *api) ListAccountSettings(_ context.Context, c *service.Call, in *ListAccountSettingsRequest) (*ListAccountSettingsResponse, error) {
	p, err := newPage(c, []any{in.Name, in.Value, in.PrincipalArn, in.EffectiveSettings}, 10, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	principal := principalOf(c, in.PrincipalArn)
	out := &ListAccountSettingsResponse{Settings: []Setting{}}
	for _, name := range task.SettingNames() {
		x, own := c.State.Task.Setting(c.Account, name, principal)
		if service.Value(in.EffectiveSettings) {
			x = &task.Setting{Name: name, Principal: principal, Value: c.State.Task.SettingValue(c.Account, name, principal)}
		} else if !own {
			continue
		}
		if name <= p.After || in.Name != nil && string(*in.Name) != name || in.Value != nil && *in.Value != x.Value {
			continue
		}
		if !p.Add(name) {
			break
		}
		out.Settings = append(out.Settings, *settingShape(c, x))
	}
	out.NextToken = p.Next
	return out, nil
}
