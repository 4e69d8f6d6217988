package command

// Quota is one row of the table of quotas: a limit for each account. The rows
// are in the packages of the slices.
type Quota struct {
	// Name is the key in the configuration, such as "services_per_namespace".
	Name string
	// What is the name in error messages, such as "services per namespace".
	What string
	// Default and Strict are the limits without a setting, in extended and in
	// strict mode. Zero means no limit.
	Default, Strict int
	// Guard names what decisions that ask for the quota write when several nodes share the
	// store, so that two nodes cannot both use the last of it; see core/guard. Empty: they
	// write another record in any case, or the quota is of one record alone.
	Guard string
	// Count calls add with what accounts use. If it calls add more than once for
	// an account, the highest number counts.
	Count func(v View, add func(AccountID, int))
}

// Limits are the values of quotas by name. A quota without a value has no limit.
type Limits map[string]int

// Quotas are the limits that the configuration sets.
type Quotas struct {
	// Limits apply to every account that is not in Accounts.
	Limits Limits
	// Accounts replace single values of Limits.
	Accounts map[AccountID]Limits
}

// Of returns the limit of a quota for an account. Zero means no limit.
func (q *Quotas) Of(account AccountID, name string) int {
	if n, ok := q.Accounts[account][name]; ok {
		return n
	}
	return q.Limits[name]
}
