package registry

import (
	"cmp"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
)

// QuotaUse is how much of a quota an account uses. Of quotas that are for each
// namespace or service it is the fullest one.
type QuotaUse struct {
	Account command.AccountID
	Quota   string // its name, see Quotas.Set
	Used    int
	Limit   int // 0: none
}

// accountUse is what one account uses.
type accountUse struct {
	account command.AccountID
	used    [5]int
	limits  [5]int
}

var quotaNames = [5]string{QuotaNamespaces, QuotaServices, QuotaInstances, QuotaNamespaceInstances, QuotaOperations}

// Usage tells of the accounts that have something, and of those that come
// closest to a limit where there are more than most. Its cost grows with the
// number of services.
func (s *State) Usage(r *Rules, most int) []QuotaUse {
	accounts := s.accountUses(r)
	if len(accounts) > most {
		slices.SortFunc(accounts, func(a, b *accountUse) int {
			return cmp.Or(cmp.Compare(b.share(), a.share()), cmp.Compare(a.account, b.account))
		})
		accounts = accounts[:most]
	}
	var uses []QuotaUse
	for _, u := range accounts {
		for i, name := range quotaNames {
			uses = append(uses, QuotaUse{u.account, name, u.used[i], u.limits[i]})
		}
	}
	return uses
}

func (s *State) accountUses(r *Rules) []*accountUse {
	byID := map[command.AccountID]*accountUse{}
	var all []*accountUse
	of := func(id command.AccountID) *accountUse {
		if u := byID[id]; u != nil {
			return u
		}
		q := r.quotas(id)
		u := &accountUse{account: id, limits: [5]int{
			q.NamespacesPerAccount, q.ServicesPerNamespace, q.InstancesPerService, q.InstancesPerNamespace, q.OperationsPerAccount,
		}}
		byID[id], all = u, append(all, u)
		return u
	}
	for id, a := range s.accounts.All() {
		u := of(id)
		u.used[0], u.used[4] = a.namespaces.Len(), a.operations.Len()
		for _, ns := range a.namespaces.All() {
			u.used[1] = max(u.used[1], ns.services.Len())
			instances := 0
			for _, svc := range ns.services.All() {
				instances += svc.instances.Len()
				creator := of(svc.creator())
				creator.used[2] = max(creator.used[2], svc.instances.Len())
			}
			u.used[3] = max(u.used[3], instances)
		}
	}
	return all
}

// share is how full the fullest quota is.
func (u *accountUse) share() float64 {
	most := 0.0
	for i, limit := range u.limits {
		if limit > 0 {
			most = max(most, float64(u.used[i])/float64(limit))
		}
	}
	return most
}
