package task

import (
	"maps"
	"slices"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// DefaultPrincipal is the principal of a setting for everybody in an account.
const DefaultPrincipal = "default"

const settingInsights = "containerInsights"

// namePath is the path and the name of a user or a role.
var namePath = newPattern(`[a-zA-Z0-9+=,.@_/-]`, 512)

// settingValues are the account settings with their values, the default first; see
// "Access Amazon ECS features with account settings" in the developer guide. ARNs are
// always long here, so these settings have one value. It is never changed.
var settingValues = map[string][]string{
	"serviceLongArnFormat":            {"enabled"},
	"taskLongArnFormat":               {"enabled"},
	"containerInstanceLongArnFormat":  {"enabled"},
	"awsvpcTrunking":                  {"disabled", "enabled"},
	settingInsights:                   {"disabled", "enabled", "enhanced"},
	"fargateFIPSMode":                 {"disabled", "enabled"},
	"tagResourceAuthorization":        {"off", "on"},
	"fargateTaskRetirementWaitPeriod": {"7", "0", "14"},
	"guardDutyActivate":               {"off"},
	"defaultLogDriverMode":            {"non-blocking", "blocking"},
	"fargateEventWindows":             {"disabled", "enabled"},
}

// SettingNames returns the names of the account settings, sorted.
func SettingNames() []string { return slices.Sorted(maps.Keys(settingValues)) }

// SettingValue returns the value of a setting that counts for a principal: its own, that
// of the account, or the default.
func (s *State) SettingValue(account command.AccountID, name, principal string) string {
	for _, p := range []string{principal, DefaultPrincipal} {
		if x, ok := s.Setting(account, name, p); ok {
			return x.Value
		}
	}
	return settingValues[name][0]
}

// PutAccountSetting sets an account setting. The reply has the *Setting.
type PutAccountSetting struct {
	Name, Value string
	// Principal is the ARN of a user or role, or DefaultPrincipal.
	Principal string
}

// Decide implements command.Command.
func (c *PutAccountSetting) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, _ := stateOf(v)
	if err := checkSettingName(c.Name); err != nil {
		return command.Decision{}, err
	}
	if values := settingValues[c.Name]; !slices.Contains(values, c.Value) {
		return command.Decision{}, command.Invalid("Invalid value %s for the setting %s: it must be one of %s", quote(c.Value), c.Name, strings.Join(values, ", "))
	}
	if err := c.checkPrincipal(m.Account); err != nil {
		return command.Decision{}, err
	}
	_, exists := s.Setting(m.Account, c.Name, c.Principal)
	x := &Setting{Account: m.Account, Name: c.Name, Principal: c.Principal, Value: c.Value}
	return command.Decision{
		Changes: []command.Change{settings.Put(x)},
		Reads:   []command.Read{settings.Read(x, exists)},
		Reply:   command.Reply{Value: x},
	}, nil
}

func checkSettingName(name string) error {
	if _, ok := settingValues[name]; !ok {
		return command.Invalid("There is no setting %s", quote(name))
	}
	return nil
}

// checkPrincipal checks that a principal is one of the account, which bounds the number
// of settings by that of users and roles.
func (c *PutAccountSetting) checkPrincipal(account command.AccountID) error {
	prefix := "arn:aws:iam::" + string(account) + ":"
	rest, ok := strings.CutPrefix(c.Principal, prefix)
	kind, name, _ := strings.Cut(rest, "/")
	if c.Principal == DefaultPrincipal || ok && (rest == "root" || (kind == "user" || kind == "role") && namePath.MatchString(name)) {
		return nil
	}
	return command.Invalid("principalArn is %s: it must be the ARN of a user, a role or the root of account %s", quote(c.Principal), account)
}

// DeleteAccountSetting deletes the setting of a principal, so that the account's counts
// again. The reply has the *Setting with the value that counts then.
type DeleteAccountSetting struct{ Name, Principal string }

// Decide implements command.Command.
func (c *DeleteAccountSetting) Decide(v command.View, m *command.Meta) (command.Decision, error) {
	s, _ := stateOf(v)
	if err := checkSettingName(c.Name); err != nil {
		return command.Decision{}, err
	}
	x := &Setting{Account: m.Account, Name: c.Name, Principal: c.Principal}
	old, exists := s.Setting(m.Account, c.Name, c.Principal)
	decision := command.Decision{Reads: []command.Read{settings.Read(x, exists)}, Reply: command.Reply{Value: x}}
	if exists {
		decision.Changes = []command.Change{settings.Delete(old)}
	}
	x.Value = settingValues[c.Name][0]
	if account, ok := s.Setting(m.Account, c.Name, DefaultPrincipal); ok && c.Principal != DefaultPrincipal {
		x.Value = account.Value
	}
	return decision, nil
}
