package node

import "fmt"

// accounts checks ids and that no name is given twice. It shows no value but
// ids, because secrets stand beside them.
func (k *checker) accounts(accounts []Account) {
	accountIDs, keyIDs := map[string]bool{}, map[string]bool{}
	for i, a := range accounts {
		key := fmt.Sprintf("accounts[%d]", i)
		switch {
		case !matches(`^[0-9]{12}$`, a.ID):
			k.bad(key+".id", a.ID, "must be twelve digits, in quotes")
		case accountIDs[a.ID]:
			k.bad(key+".id", a.ID, "is listed twice")
		}
		accountIDs[a.ID] = true
		k.users(key, a.Users, keyIDs)
	}
}

func (k *checker) users(account string, users []User, keyIDs map[string]bool) {
	names := map[string]bool{}
	for i, u := range users {
		key := fmt.Sprintf("%s.users[%d]", account, i)
		switch {
		case !matches(`^[A-Za-z0-9+=,.@_-]{1,64}$`, u.Name):
			k.bad(key+".name", u.Name, "must be 1 to 64 letters, digits and +=,.@_-")
		case names[u.Name]:
			k.bad(key+".name", u.Name, "is listed twice in its account")
		}
		names[u.Name] = true
		for j, ak := range u.AccessKeys {
			k.accessKey(fmt.Sprintf("%s.access_keys[%d]", key, j), ak, keyIDs)
		}
		if len(u.Policies) > 0 {
			k.badUnseen(key+".policies", notSupported)
		}
		if len(u.ManagedPolicies) > 0 {
			k.badUnseen(key+".managed_policies", notSupported)
		}
	}
}

func (k *checker) accessKey(key string, ak AccessKey, seen map[string]bool) {
	switch {
	case !matches(`^[A-Za-z0-9_]{1,128}$`, ak.ID):
		// Not shown: somebody may have put the secret here.
		k.badUnseen(key+".id", "must be 1 to 128 letters, digits and underscores")
	case seen[ak.ID]:
		k.bad(key+".id", ak.ID, "is listed twice")
	}
	seen[ak.ID] = true
	if ak.Secret != "" && ak.SecretFile != "" {
		k.badUnseen(key, "has both secret and secret_file; give one")
	}
}
