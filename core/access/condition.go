package access

import "strings"

// condition is one key under one operator.
type condition struct {
	key      string // lower case
	negated  bool
	ifExists bool
	over     set
	operands []operand
	// null is set for the Null operator, which has absent instead of operands:
	// whether the key must be absent, or must be there.
	null   bool
	absent []bool
}

// set is how an operator goes over a key that has many values.
type set int

const (
	single set = iota
	forAll
	forAny
)

// conditionReader carries what reading a condition needs.
type conditionReader struct {
	path      string
	variables bool // the policy's version has them
	catalog   *Catalog
}

// readConditions reads a Condition element: all its operators and keys must
// hold, and one of the values of each.
func (r *policyReader) readConditions(n *node) ([]condition, error) {
	if n.kind != objectNode {
		return nil, syntaxErr(n.path, "must be an object of operators")
	}
	var all []condition
	for _, m := range n.members {
		if m.value.kind != objectNode || len(m.value.members) == 0 {
			return nil, syntaxErr(m.value.path, "must be an object of condition keys")
		}
		for _, key := range m.value.members {
			c, err := r.readCondition(m.name, key)
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	return all, nil
}

func (r *policyReader) readCondition(operatorName string, m member) (condition, error) {
	c := condition{key: strings.ToLower(m.name)}
	path := m.value.path
	if problem := r.catalog.keyProblem(c.key); problem != "" {
		return c, syntaxErr(path, "%q %s", truncate(m.name), problem)
	}
	name := operatorName
	if rest, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		c.over, name = forAll, rest
	} else if rest, ok := strings.CutPrefix(name, "ForAnyValue:"); ok {
		c.over, name = forAny, rest
	}
	values, err := m.value.oneOrMany()
	if err != nil {
		return c, err
	}
	if name == "Null" && c.over == single {
		c.null = true
		return c, c.readNull(values)
	}
	name, c.ifExists = strings.CutSuffix(name, "IfExists")
	op, ok := operators(name)
	if !ok {
		return c, syntaxErr(path, "%q is not a condition operator", truncate(operatorName))
	}
	c.negated = op.negated
	for _, v := range values {
		text, err := v.scalar()
		if err != nil {
			return c, err
		}
		o, err := op.read(&conditionReader{v.path, r.variables, r.catalog}, text)
		if err != nil {
			return c, err
		}
		c.operands = append(c.operands, o)
	}
	return c, nil
}

func (c *condition) readNull(values []*node) error {
	for _, v := range values {
		text, err := v.scalar()
		if err != nil {
			return err
		}
		b, err := readBool(&conditionReader{path: v.path}, text)
		if err != nil {
			return err
		}
		c.absent = append(c.absent, bool(b.(boolOperand)))
	}
	return nil
}

// matches reports whether the request meets the condition of a statement with the
// given effect.
//
// The documentation of AWS is not clear in two cases, which are decided so that less is
// allowed. If a key has several values and the operator is for one, an Allow statement
// needs a match of all values, a Deny statement of one. If a variable under a negated
// operator has no value, the condition of an Allow statement is false, that of a Deny
// statement true.
func (c *condition) matches(e *evaluation, effect effect) bool {
	values := e.values(c.key)
	if c.null {
		for _, absent := range c.absent {
			if absent == (len(values) == 0) {
				return true
			}
		}
		return false
	}
	if len(values) == 0 {
		switch {
		case c.ifExists || c.over == forAll:
			return true
		case c.over == forAny:
			return false
		}
		return c.negated && !(effect == allow && c.unresolved(e))
	}
	all := c.over == forAll || c.over == single && effect == allow
	for _, v := range values {
		if c.meets(e, effect, v) != all {
			return !all
		}
	}
	return all
}

// meets reports whether one value of the request does.
func (c *condition) meets(e *evaluation, effect effect, value string) bool {
	matched := false
	for _, o := range c.operands {
		ok, resolved := o.matches(e, value)
		if !resolved && c.negated && effect == allow {
			return false
		}
		matched = matched || ok
	}
	return matched != c.negated
}

// unresolved reports whether a variable in the operands has no value.
func (c *condition) unresolved(e *evaluation) bool {
	for _, o := range c.operands {
		if _, resolved := o.matches(e, ""); !resolved {
			return true
		}
	}
	return false
}
