package task

import "testing"

func TestRoleNames(t *testing.T) {
	const mine = "arn:aws:iam::123456789012:role/"
	for _, tt := range []struct {
		role, want string
		valid      bool
	}{
		{"", "", true},
		{"web", mine + "web", true},
		{"a+=,.@-_1", mine + "a+=,.@-_1", true},
		{mine + "web", mine + "web", true},
		{mine + "team/part/web", mine + "team/part/web", true},
		{"team/web", mine + "team/web", true},
		{"a b", mine + "a b", false},
		{"a\nb", mine + "a\nb", false},
		{mine, mine, false},
		{mine + "a*", mine + "a*", false},
		{mine + "0123456789012345678901234567890123456789012345678901234567890123", mine + "0123456789012345678901234567890123456789012345678901234567890123", true},
		{mine + "01234567890123456789012345678901234567890123456789012345678901234", mine + "01234567890123456789012345678901234567890123456789012345678901234", false},
		{"arn:aws:iam::210987654321:role/web", "arn:aws:iam::210987654321:role/web", false}, // of another account
		{"arn:aws:iam::123456789012:user/web", "arn:aws:iam::123456789012:user/web", false},
		{"arn:aws:sts::123456789012:assumed-role/web/x", "arn:aws:sts::123456789012:assumed-role/web/x", false},
	} {
		d := &Definition{Account: "123456789012"}
		got := d.roleARN(tt.role)
		if err := d.checkRole("taskRoleArn", got); got != tt.want || (err == nil) != tt.valid {
			t.Errorf("%q is %q: %v", tt.role, got, err)
		}
	}
}

// TestActingRole: the execution role registers a task, else the task role, and those of the
// overrides count before those of the definition.
func TestActingRole(t *testing.T) {
	const mine = "arn:aws:iam::123456789012:role/"
	for _, tt := range []struct {
		name      string
		d         Definition
		overrides *TaskOverride
		want      string
	}{
		{"none", Definition{}, nil, ""},
		{"task role", Definition{TaskRoleARN: mine + "t"}, nil, mine + "t"},
		{"execution role", Definition{TaskRoleARN: mine + "t", ExecutionRoleARN: mine + "e"}, nil, mine + "e"},
		{"no roles in the overrides", Definition{TaskRoleARN: mine + "t"}, &TaskOverride{}, mine + "t"},
		{"overrides", Definition{ExecutionRoleARN: mine + "e"}, &TaskOverride{ExecutionRoleARN: mine + "o"}, mine + "o"},
		{"name in the overrides", Definition{ExecutionRoleARN: mine + "e"}, &TaskOverride{ExecutionRoleARN: "o"}, mine + "o"},
		{"task role in the overrides", Definition{ExecutionRoleARN: mine + "e"}, &TaskOverride{TaskRoleARN: "o"}, mine + "e"},
		{"only task roles", Definition{TaskRoleARN: mine + "t"}, &TaskOverride{TaskRoleARN: "o"}, mine + "o"},
	} {
		x := &Task{Account: "123456789012", Overrides: tt.overrides}
		if got := x.actingRole(&tt.d); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestRegistrationPause: each failed attempt to register doubles the pause.
func TestRegistrationPause(t *testing.T) {
	for _, tt := range []struct {
		attempts int
		want     int64
	}{{0, 5000}, {1, 5000}, {2, 10_000}, {3, 20_000}, {7, 320_000}, {8, 320_000}, {1000, 320_000}} {
		if got := (&Registration{Attempts: tt.attempts}).pause(); got != tt.want {
			t.Errorf("after %d attempts: %d, want %d", tt.attempts, got, tt.want)
		}
	}
}
