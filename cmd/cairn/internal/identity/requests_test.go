package identity

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairn-discovery/cairn/core/command"
	core "github.com/cairn-discovery/cairn/core/identity"
)

// TestRequestsAreCommands decodes requests as a node does: strictly, into the
// command of the operation. Every field must arrive under its name.
func TestRequestsAreCommands(t *testing.T) {
	tests := []struct {
		operation     string
		request       any
		got, expected command.Command
	}{
		{"put-account", putAccountRequest{"123456789012", map[string]int{"q": 1}, map[string]rate{"read": {2, 3}}}, new(core.PutAccount),
			&core.PutAccount{Account: core.Account{ID: "123456789012", Quotas: map[string]int{"q": 1}, Rates: map[string]command.Rate{"read": {PerSecond: 2, Burst: 3}}}}},
		{"put-user", putPrincipalRequest{Account: "1", Name: "n", New: true, Managed: []string{"m"}, Boundary: "b", Tags: map[string]string{"k": "v"}, Groups: []string{"g"}}, new(core.PutUser),
			&core.PutUser{New: true, User: core.User{Account: "1", Name: "n", Groups: []string{"g"}, PolicyAttachments: core.PolicyAttachments{Managed: []string{"m"}, Boundary: "b"}, Tags: map[string]string{"k": "v"}}}},
		{"put-group", putPrincipalRequest{Account: "1", Name: "n", New: true, Managed: []string{"m"}}, new(core.PutGroup),
			&core.PutGroup{New: true, Group: core.Group{Account: "1", Name: "n", PolicyAttachments: core.PolicyAttachments{Managed: []string{"m"}}}}},
		{"put-role", putPrincipalRequest{Account: "1", Name: "n", New: true, Trust: "t", MaxSession: 7200}, new(core.PutRole),
			&core.PutRole{New: true, Role: core.Role{Account: "1", Name: "n", Trust: "t", MaxSession: 7200}}},
		{"put-policy", putPolicyRequest{"1", "n", "{}", true}, new(core.PutPolicy),
			&core.PutPolicy{New: true, Policy: core.Policy{Account: "1", Name: "n", Text: "{}"}}},
		{"delete-user", nameRequest{"1", "n"}, new(core.DeleteUser), &core.DeleteUser{Account: "1", Name: "n"}},
		{"edit", editRequest{Account: "1", Kind: "user", Name: "n"}, new(core.Edit), &core.Edit{Account: "1", Kind: "user", Name: "n"}},
		{"edit", editRequest{Attach: []string{"a"}, Detach: []string{"d"}, Inline: []inlineRequest{{"i", "{}"}}, Drop: []string{"x"}, Boundary: new("b"),
			Join: []string{"j"}, Leave: []string{"l"}, Tag: map[string]string{"k": "v"}, Untag: []string{"u"}, Trust: new("t"), MaxSession: new(int64(1))}, new(core.Edit),
			&core.Edit{Attach: []string{"a"}, Detach: []string{"d"}, Inline: []core.Inline{{Name: "i", Text: "{}"}}, DeleteInline: []string{"x"}, Boundary: new("b"),
				AddGroups: []string{"j"}, RemoveGroups: []string{"l"}, Tag: map[string]string{"k": "v"}, Untag: []string{"u"}, Trust: new("t"), MaxSession: new(int64(1))}},
	}
	for _, tt := range tests {
		text, err := json.Marshal(tt.request)
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(tt.got); err != nil {
			t.Errorf("%s: %s: %v", tt.operation, text, err)
		} else if diff := cmp.Diff(tt.expected, tt.got); diff != "" {
			t.Errorf("%s: %s", tt.operation, diff)
		}
	}
}
