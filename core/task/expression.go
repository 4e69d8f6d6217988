package task

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// Expression is an expression of the cluster query language; see "Cluster query
// language" in the ECS developer guide. It is immutable.
type Expression struct{ match func(*candidate) bool }

// candidate is a container instance and what runs there.
type candidate struct {
	instance *ContainerInstance
	tasks    []*Task // not the stopped ones
}

// Match reports whether a container instance satisfies the expression.
func (e *Expression) Match(s *State, i *ContainerInstance) bool {
	return e.match(&candidate{i, liveTasks(s.TasksOfInstance(i.Account, i.Cluster, i.ID))})
}

// Limits of an expression.
const (
	maxExpression = 2000 // characters
	maxDepth      = 32   // of parentheses and negations
)

// ParseExpression parses an expression.
func ParseExpression(text string) (*Expression, error) {
	if len(text) > maxExpression {
		return nil, command.Invalid("The expression has more than %d characters.", maxExpression)
	}
	p := &expressionParser{tokens: expressionTokens(text), text: text}
	match, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.at < len(p.tokens) {
		return nil, p.fail("unexpected " + strconv.Quote(p.tokens[p.at]))
	}
	return &Expression{match}, nil
}

type expressionParser struct {
	tokens []string
	at     int
	text   string
}

func (p *expressionParser) fail(problem string) error {
	return command.Invalid("Invalid expression %q: %s.", p.text, problem)
}

// peek returns the next token, "" at the end.
func (p *expressionParser) peek() string {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return ""
}

func (p *expressionParser) next() string {
	token := p.peek()
	p.at++
	return token
}

func (p *expressionParser) take(words ...string) bool {
	if slices.Contains(words, strings.ToLower(p.peek())) {
		p.at++
		return true
	}
	return false
}

func (p *expressionParser) or(depth int) (func(*candidate) bool, error) {
	a, err := p.and(depth)
	for err == nil && p.take("or", "||") {
		var b func(*candidate) bool
		left := a
		b, err = p.and(depth)
		a = func(c *candidate) bool { return left(c) || b(c) }
	}
	return a, err
}

func (p *expressionParser) and(depth int) (func(*candidate) bool, error) {
	a, err := p.not(depth)
	for err == nil && p.take("and", "&&") {
		var b func(*candidate) bool
		left := a
		b, err = p.not(depth)
		a = func(c *candidate) bool { return left(c) && b(c) }
	}
	return a, err
}

func (p *expressionParser) not(depth int) (func(*candidate) bool, error) {
	if depth > maxDepth {
		return nil, p.fail("it is nested too deeply")
	}
	if p.take("not", "!") {
		a, err := p.not(depth + 1)
		return func(c *candidate) bool { return !a(c) }, err
	}
	if p.take("(") {
		a, err := p.or(depth + 1)
		if err == nil && !p.take(")") {
			err = p.fail("a parenthesis is not closed")
		}
		return a, err
	}
	return p.comparison()
}

func (p *expressionParser) comparison() (func(*candidate) bool, error) {
	subject := p.next()
	values := subjectOf(subject)
	if values == nil {
		return nil, p.fail(strconv.Quote(subject) + " is not the name of an attribute or property")
	}
	operator := strings.ToLower(p.next())
	switch operator {
	case "exists":
		return func(c *candidate) bool { return len(values(c)) > 0 }, nil
	case "!exists", "not_exists":
		return func(c *candidate) bool { return len(values(c)) == 0 }, nil
	case "in", "not_in", "!in":
		list, err := p.list()
		if err != nil {
			return nil, err
		}
		in := func(c *candidate) bool {
			return slices.ContainsFunc(values(c), func(v string) bool { return slices.Contains(list, v) })
		}
		if operator == "in" {
			return in, nil
		}
		return func(c *candidate) bool { return !in(c) }, nil
	}
	return p.compare(values, operator)
}

func (p *expressionParser) compare(values func(*candidate) []string, operator string) (func(*candidate) bool, error) {
	if p.at >= len(p.tokens) {
		return nil, p.fail("it ends too early")
	}
	arg := p.next()
	any := func(f func(v string) bool) func(*candidate) bool {
		return func(c *candidate) bool { return slices.ContainsFunc(values(c), f) }
	}
	switch operator {
	case "==", "=", "equals":
		return any(func(v string) bool { return v == arg }), nil
	case "!=", "not_equals":
		is := any(func(v string) bool { return v == arg })
		return func(c *candidate) bool { return !is(c) }, nil
	case "=~", "matches", "!~", "not_matches":
		pattern, err := regexp.Compile("^(?:" + arg + ")$")
		if err != nil {
			return nil, p.fail("the pattern " + strconv.Quote(arg) + " is not valid")
		}
		is := any(pattern.MatchString)
		if operator == "=~" || operator == "matches" {
			return is, nil
		}
		return func(c *candidate) bool { return !is(c) }, nil
	case ">", ">=", "<", "<=", "greater_than", "greater_than_equal", "less_than", "less_than_equal":
		return any(func(v string) bool { return ordered(operator, v, arg) }), nil
	}
	return nil, p.fail("unknown operator " + strconv.Quote(operator))
}

func ordered(operator, a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	order := strings.Compare(a, b)
	if errX == nil && errY == nil {
		switch {
		case x < y:
			order = -1
		case x > y:
			order = 1
		default:
			order = 0
		}
	}
	switch operator {
	case ">", "greater_than":
		return order > 0
	case ">=", "greater_than_equal":
		return order >= 0
	case "<", "less_than":
		return order < 0
	}
	return order <= 0
}

func (p *expressionParser) list() ([]string, error) {
	if !p.take("[") {
		return nil, p.fail("a list such as [a, b] is expected")
	}
	var list []string
	for p.at < len(p.tokens) {
		if p.take("]") {
			return list, nil
		}
		if !p.take(",") {
			list = append(list, p.next())
		}
	}
	return nil, p.fail("a list is not closed")
}

// subjectOf returns the values of an attribute or property, or nil if there is no such
// property.
func subjectOf(name string) func(*candidate) []string {
	if attribute, ok := strings.CutPrefix(name, "attribute:"); ok && attribute != "" {
		return func(c *candidate) []string {
			for _, a := range c.instance.Attributes {
				if a.Name == attribute {
					return []string{a.Value}
				}
			}
			return nil
		}
	}
	one := func(f func(*candidate) string) func(*candidate) []string {
		return func(c *candidate) []string { return []string{f(c)} }
	}
	switch name {
	case "ec2InstanceId":
		return one(func(c *candidate) string { return c.instance.EC2InstanceID })
	case "containerInstanceId":
		return one(func(c *candidate) string { return c.instance.ID })
	case "agentConnected":
		return one(func(c *candidate) string { return strconv.FormatBool(c.instance.AgentConnected) })
	case "agentVersion":
		return one(func(c *candidate) string {
			if c.instance.VersionInfo == nil {
				return ""
			}
			return c.instance.VersionInfo.AgentVersion
		})
	case "registeredAt":
		return one(func(c *candidate) string { return strconv.FormatInt(c.instance.Registered/1000, 10) })
	case "runningTasksCount":
		return one(func(c *candidate) string { return strconv.Itoa(len(c.tasks)) })
	case "task:group", "task:family", "task:startedBy":
		return func(c *candidate) []string {
			var all []string
			for _, x := range c.tasks {
				all = append(all, map[string]string{"task:group": x.Group, "task:family": x.Family, "task:startedBy": x.StartedBy}[name])
			}
			return all
		}
	}
	return nil
}

// expressionTokens splits an expression into words, operators and brackets. A quoted
// text is one word.
func expressionTokens(text string) []string {
	var tokens []string
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" {
			return tokens
		}
		n := tokenLength(text)
		token := text[:n]
		if quoted := token[0] == '"' || token[0] == '\''; quoted {
			token = strings.Trim(token, token[:1])
		}
		tokens = append(tokens, token)
		text = text[n:]
	}
}

func tokenLength(text string) int {
	for _, operator := range []string{"==", "!=", "=~", "!~", ">=", "<=", "&&", "||"} {
		if strings.HasPrefix(text, operator) {
			return 2
		}
	}
	switch {
	case strings.HasPrefix(text, "!exists"):
		return len("!exists")
	case strings.HasPrefix(text, "!in"):
		return len("!in")
	case strings.ContainsRune("()[],<>=!", rune(text[0])):
		return 1
	case text[0] == '"' || text[0] == '\'':
		if end := strings.IndexByte(text[1:], text[0]); end >= 0 {
			return end + 2
		}
		return len(text)
	}
	if end := strings.IndexAny(text, " \t\r\n()[],=!<>&|"); end > 0 {
		return end
	}
	return max(1, min(len(text), wordEnd(text)))
}

// wordEnd returns the end of a word that starts with a character of an operator.
func wordEnd(text string) int {
	if end := strings.IndexAny(text[1:], " \t\r\n()[],=!<>&|"); end >= 0 {
		return end + 1
	}
	return len(text)
}
