package access

import (
	"strings"
	"unicode/utf8"
)

// pattern is text with wildcards and policy variables: * stands for any
// characters, ? for one, ${key} for a value of the request, which is taken
// literally.
type pattern struct {
	tokens []token
	fold   bool // case does not matter
	vars   bool // has variables
}

type token struct {
	kind tokenKind
	text string // of a literal; the key, in lower case, of a variable
	// fallback is what a variable is without a value; nil: then it has none.
	fallback *string
}

type tokenKind int

const (
	literal tokenKind = iota
	anyRun
	anyOne
	variable
)

// options say which characters of a pattern are special, and which names variables
// can have.
type options struct {
	wildcards, variables, fold bool
	catalog                    *Catalog
}

// compilePattern reads a pattern. Policies of version 2008-10-17 have no
// variables, and operators such as StringEquals no wildcards.
func compilePattern(path, text string, o options) (pattern, error) {
	p := pattern{fold: o.fold}
	start := 0
	flush := func(end int) {
		if start < end {
			p.literal(text[start:end])
		}
	}
	for i := 0; i < len(text); {
		switch {
		case o.wildcards && text[i] == '*':
			flush(i)
			p.wildcard(anyRun)
			i++
		case o.wildcards && text[i] == '?':
			flush(i)
			p.wildcard(anyOne)
			i++
		case o.variables && strings.HasPrefix(text[i:], "${"):
			flush(i)
			end := strings.IndexByte(text[i:], '}')
			if end < 0 {
				return p, syntaxErr(path, "the variable at %q has no end", truncate(text[i:]))
			}
			if err := p.variable(path, text[i+2:i+end], o.catalog); err != nil {
				return p, err
			}
			i += end + 1
		default:
			i++
			continue
		}
		start = i
	}
	flush(len(text))
	return p, nil
}

func (p *pattern) literal(text string) {
	if p.fold {
		text = strings.ToLower(text)
	}
	if n := len(p.tokens); n > 0 && p.tokens[n-1].kind == literal {
		p.tokens[n-1].text += text
		return
	}
	p.tokens = append(p.tokens, token{kind: literal, text: text})
}

func (p *pattern) wildcard(kind tokenKind) {
	if n := len(p.tokens); kind == anyRun && n > 0 && p.tokens[n-1].kind == anyRun {
		return
	}
	p.tokens = append(p.tokens, token{kind: kind})
}

// variable reads what is between ${ and }: a key, perhaps with a default as in
// ${aws:username, 'nobody'}, or one of the three escapes.
func (p *pattern) variable(path, body string, catalog *Catalog) error {
	switch body {
	case "*", "?", "$":
		p.literal(body)
		return nil
	}
	key, fallback, hasFallback := strings.Cut(body, ",")
	t := token{kind: variable, text: strings.ToLower(strings.TrimSpace(key))}
	if problem := catalog.keyProblem(t.text); problem != "" {
		return syntaxErr(path, "the variable ${%s} %s", truncate(body), problem)
	}
	if hasFallback {
		text := strings.TrimSpace(fallback)
		if len(text) < 2 || text[0] != '\'' || text[len(text)-1] != '\'' {
			return syntaxErr(path, "the default in ${%s} must be in single quotes", truncate(body))
		}
		text = text[1 : len(text)-1]
		t.fallback = &text
	}
	p.tokens, p.vars = append(p.tokens, t), true
	return nil
}

// resolve replaces variables by their values. It fails if one has none, or more
// than one: which of them was meant, nobody could say.
func (p *pattern) resolve(e *evaluation) (pattern, bool) {
	if !p.vars {
		return *p, true
	}
	next := pattern{fold: p.fold}
	for _, t := range p.tokens {
		switch t.kind {
		case literal:
			next.literal(t.text)
		case variable:
			values := e.values(t.text)
			switch {
			case len(values) == 1:
				next.literal(values[0])
			case len(values) == 0 && t.fallback != nil:
				next.literal(*t.fallback)
			default:
				return pattern{}, false
			}
		default:
			next.wildcard(t.kind)
		}
	}
	return next, true
}

// match reports whether s has the form of a pattern without variables. Its cost
// is at most that of len(s) times the number of tokens.
func (p *pattern) match(s string) bool {
	if p.fold {
		s = strings.ToLower(s)
	}
	if len(p.tokens) == 1 && p.tokens[0].kind == anyRun {
		return true
	}
	at, tok := 0, 0
	backAt, backTok := 0, -1 // where to go on after the last run
	for {
		if tok < len(p.tokens) && p.tokens[tok].kind == anyRun {
			tok++
			backAt, backTok = at, tok
			continue
		}
		if tok == len(p.tokens) && at == len(s) {
			return true
		}
		if n, ok := p.step(s, at, tok); ok {
			at, tok = at+n, tok+1
			continue
		}
		if backTok < 0 || backAt >= len(s) {
			return false
		}
		_, size := utf8.DecodeRuneInString(s[backAt:])
		backAt += size
		at, tok = backAt, backTok
	}
}

// step matches one token that is not a run, and returns how much it takes.
func (p *pattern) step(s string, at, tok int) (int, bool) {
	if tok == len(p.tokens) {
		return 0, false
	}
	t := &p.tokens[tok]
	if t.kind == literal {
		return len(t.text), strings.HasPrefix(s[at:], t.text)
	}
	_, size := utf8.DecodeRuneInString(s[at:])
	return size, size > 0
}
