package state

import (
	"cmp"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
)

// Quotas returns the rows of the table of quotas of all slices.
func Quotas() []*command.Quota {
	var all []*command.Quota
	for i := range table {
		all = append(all, table[i].quotas...)
	}
	return all
}

// DefaultLimits returns the limits without any setting.
func DefaultLimits(strict bool) command.Limits {
	limits := command.Limits{}
	for _, q := range Quotas() {
		limits[q.Name] = q.Default
		if strict {
			limits[q.Name] = q.Strict
		}
	}
	return limits
}

// QuotaUse is how much of a quota an account uses. For a quota of each namespace
// or service it is the highest number.
type QuotaUse struct {
	Account command.AccountID
	Quota   string // the name
	Used    int
	Limit   int // 0: no limit
}

// QuotaUses returns the use of every quota by the accounts that have resources.
// If there are more than maxAccounts accounts, it returns those closest to a
// limit. Its cost grows with the number of services.
func (s *State) QuotaUses(rules *Rules, maxAccounts int) []QuotaUse {
	accounts := s.quotaUses(&view{state: s, rules: rules})
	if len(accounts) > maxAccounts {
		slices.SortFunc(accounts, func(a, b []QuotaUse) int {
			return cmp.Or(cmp.Compare(highestShare(b), highestShare(a)), cmp.Compare(a[0].Account, b[0].Account))
		})
		accounts = accounts[:maxAccounts]
	}
	return slices.Concat(accounts...)
}

// quotaUses returns the use by account.
func (s *State) quotaUses(v *view) [][]QuotaUse {
	rows := Quotas()
	index := map[command.AccountID]int{}
	var accounts [][]QuotaUse
	for i, q := range rows {
		q.Count(v, func(account command.AccountID, n int) {
			at, ok := index[account]
			if !ok {
				at = len(accounts)
				index[account] = at
				accounts = append(accounts, newQuotaUses(v, account, rows))
			}
			accounts[at][i].Used = max(accounts[at][i].Used, n)
		})
	}
	return accounts
}

func newQuotaUses(v *view, account command.AccountID, rows []*command.Quota) []QuotaUse {
	uses := make([]QuotaUse, len(rows))
	for i, q := range rows {
		uses[i] = QuotaUse{Account: account, Quota: q.Name, Limit: v.Quota(account, q)}
	}
	return uses
}

// highestShare returns the largest part of a limit that is used.
func highestShare(uses []QuotaUse) float64 {
	highest := 0.0
	for _, u := range uses {
		if u.Limit > 0 {
			highest = max(highest, float64(u.Used)/float64(u.Limit))
		}
	}
	return highest
}
