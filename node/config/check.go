package config

import (
	"fmt"
	"time"
)

// KeyError is a value in a configuration that cannot be used.
type KeyError struct {
	// Key is the path in the file, such as vpcs[0].id.
	Key string
	// Value is the value. Nil if it is too long to show, or may be a secret.
	Value *string
	// Rule says which values are valid.
	Rule string
}

func (e *KeyError) Error() string {
	if e.Value == nil {
		return e.Key + ": " + e.Rule
	}
	return fmt.Sprintf("%s: %q %s", e.Key, *e.Value, e.Rule)
}

// checker collects errors.
type checker struct{ errs []error }

// fail adds an error about a value.
func (k *checker) fail(key, value, rule string) {
	k.errs = append(k.errs, &KeyError{Key: key, Value: &value, Rule: rule})
}

// failHidden adds an error without showing the value.
func (k *checker) failHidden(key, rule string) {
	k.errs = append(k.errs, &KeyError{Key: key, Rule: rule})
}

// checkTag applies the rule in a field's tag to its value, or to each element of
// a list.
func (k *checker) checkTag(f field) {
	rule, ok := f.tag.Lookup("check")
	if !ok {
		return
	}
	for _, e := range f.elements() {
		if problem := violation(rule, e.value); problem != "" {
			k.fail(e.path, fmt.Sprint(e.value.Interface()), problem)
		}
	}
}

// host checks a host name.
func (k *checker) host(key, name string) {
	if problem := hostName(name); problem != "" {
		k.fail(key, name, problem)
	}
}

func minimum(d, least time.Duration) string {
	if d < least {
		return "must be " + least.String() + " or more"
	}
	return ""
}
