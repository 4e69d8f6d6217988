package cloudmap

import (
	"strconv"
	"strings"
)

// matcher tries to match s from i on, and calls next with the end of each way to
// do so until one is accepted: regular expressions by plain backtracking.
type matcher func(s []rune, i int, next func(end int) bool) bool

// matchesPattern reports whether pattern matches the whole of s. It knows the
// syntax that AWS's models use, look-ahead included, and is slow.
func matchesPattern(pattern, s string) bool {
	p := &patternParser{rest: pattern}
	m := p.alternatives()
	if p.rest != "" {
		panic("pattern not understood from here on: " + p.rest)
	}
	runes := []rune(s)
	return m(runes, 0, func(end int) bool { return end == len(runes) })
}

type patternParser struct{ rest string }

func (p *patternParser) eat(token string) bool {
	rest, found := strings.CutPrefix(p.rest, token)
	p.rest = rest
	return found
}

func (p *patternParser) char() rune {
	c := rune(p.rest[0])
	p.rest = p.rest[1:]
	if c == '\\' {
		if c = p.char(); c == 't' {
			c = '\t'
		}
	}
	return c
}

func (p *patternParser) alternatives() matcher {
	first := p.sequence()
	if !p.eat("|") {
		return first
	}
	others := p.alternatives()
	return func(s []rune, i int, next func(int) bool) bool {
		return first(s, i, next) || others(s, i, next)
	}
}

func (p *patternParser) sequence() matcher {
	if p.rest == "" || p.rest[0] == '|' || p.rest[0] == ')' {
		return func(_ []rune, i int, next func(int) bool) bool { return next(i) }
	}
	first := p.repeated()
	others := p.sequence()
	return func(s []rune, i int, next func(int) bool) bool {
		return first(s, i, func(j int) bool { return others(s, j, next) })
	}
}

func (p *patternParser) repeated() matcher {
	m := p.atom()
	const unlimited = 1 << 30
	switch {
	case p.eat("?"):
		return repeat(m, 0, 1)
	case p.eat("*"):
		return repeat(m, 0, unlimited)
	case p.eat("+"):
		return repeat(m, 1, unlimited)
	case p.eat("{"):
		limits, rest, _ := strings.Cut(p.rest, "}")
		p.rest = rest
		least, most, _ := strings.Cut(limits, ",")
		a, errA := strconv.Atoi(least)
		b, errB := strconv.Atoi(most)
		if errA != nil || errB != nil {
			panic("repetition not understood: " + limits)
		}
		return repeat(m, a, b)
	}
	return m
}

func repeat(m matcher, least, most int) matcher {
	return func(s []rune, i int, next func(int) bool) bool {
		var from func(i, n int) bool
		from = func(i, n int) bool {
			further := n < most && m(s, i, func(j int) bool { return j > i && from(j, n+1) })
			return further || n >= least && next(i)
		}
		return from(i, 0)
	}
}

func (p *patternParser) atom() matcher {
	switch {
	case p.eat("(?="):
		return ahead(p.group(), true)
	case p.eat("(?!"):
		return ahead(p.group(), false)
	case p.eat("("):
		return p.group()
	case p.eat("["):
		return p.class()
	case p.eat("^"):
		return func(_ []rune, i int, next func(int) bool) bool { return i == 0 && next(i) }
	case p.eat("$"):
		return func(s []rune, i int, next func(int) bool) bool { return i == len(s) && next(i) }
	case p.eat("."):
		return one(func(c rune) bool { return !strings.ContainsRune("\n\r\u0085\u2028\u2029", c) })
	}
	want := p.char()
	return one(func(c rune) bool { return c == want })
}

func (p *patternParser) group() matcher {
	m := p.alternatives()
	if !p.eat(")") {
		panic("group without end")
	}
	return m
}

// class parses what follows a bracket. A hyphen that can't make a range is itself.
func (p *patternParser) class() matcher {
	type span struct{ low, high rune }
	var spans []span
	for !p.eat("]") {
		low := p.char()
		high := low
		if strings.HasPrefix(p.rest, "-") && !strings.HasPrefix(p.rest, "-]") {
			p.eat("-")
			high = p.char()
		}
		spans = append(spans, span{low, high})
	}
	return one(func(c rune) bool {
		for _, s := range spans {
			if s.low <= c && c <= s.high {
				return true
			}
		}
		return false
	})
}

func ahead(m matcher, wanted bool) matcher {
	return func(s []rune, i int, next func(int) bool) bool {
		return m(s, i, func(int) bool { return true }) == wanted && next(i)
	}
}

func one(accepts func(rune) bool) matcher {
	return func(s []rune, i int, next func(int) bool) bool {
		return i < len(s) && accepts(s[i]) && next(i+1)
	}
}
