package main

import (
	"fmt"
	"strconv"
	"strings"
)

// literal is a value of JavaScript's as a minifier writes it: an object, a list, a string, a number as it stands there, true or false.
type literal any

// number is a number's text, so that nothing of it is lost.
type number string

// parser reads a literal. It knows what a minifier makes of JSON, and refuses the rest.
type parser struct {
	text []byte
	at   int
}

func parseLiteral(text []byte) (l literal, err error) {
	p := &parser{text: text}
	defer func() {
		if r := recover(); r != nil {
			why, ok := r.(parseError)
			if !ok {
				panic(r)
			}
			err = why
		}
	}()
	return p.value(), nil
}

type parseError string

func (e parseError) Error() string { return string(e) }

func (p *parser) fail(what string) {
	end := min(len(p.text), p.at+40)
	panic(parseError(fmt.Sprintf("the data's JavaScript cannot be read at %d: %s: %q", p.at, what, p.text[min(p.at, end):end])))
}

func (p *parser) peek() byte {
	if p.at >= len(p.text) {
		p.fail("it ends")
	}
	return p.text[p.at]
}

func (p *parser) take(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.at++
	return true
}

func (p *parser) want(c byte) {
	if !p.take(c) {
		p.fail("no " + string(c))
	}
}

func (p *parser) value() literal {
	switch c := p.peek(); {
	case c == '{':
		return p.object()
	case c == '[':
		return p.list()
	case c == '"' || c == '\'' || c == '`':
		return p.str()
	case c == '!':
		p.at++
		yes := p.take('0')
		if !yes {
			p.want('1')
		}
		return yes
	case c >= '0' && c <= '9' || c == '.' || c == '-':
		return p.number()
	}
	p.fail("an unknown value")
	return nil
}

func (p *parser) object() literal {
	p.want('{')
	o := map[string]literal{}
	for !p.take('}') {
		if len(o) > 0 {
			p.want(',')
		}
		var key string
		if c := p.peek(); c == '"' || c == '\'' {
			key = p.str()
		} else {
			key = p.word()
		}
		p.want(':')
		o[key] = p.value()
	}
	return o
}

func (p *parser) list() literal {
	p.want('[')
	var l []literal
	for !p.take(']') {
		if len(l) > 0 {
			p.want(',')
		}
		l = append(l, p.value())
	}
	return l
}

func (p *parser) word() string {
	from := p.at
	for c := p.peek(); c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'; c = p.peek() {
		p.at++
	}
	if p.at == from {
		p.fail("no name")
	}
	return string(p.text[from:p.at])
}

func (p *parser) number() literal {
	from := p.at
	for c := p.peek(); strings.IndexByte("0123456789.eE+-", c) >= 0; c = p.peek() {
		p.at++
	}
	return number(p.text[from:p.at])
}

func (p *parser) str() string {
	quote := p.peek()
	p.at++
	var b strings.Builder
	for {
		switch c := p.peek(); c {
		case quote:
			p.at++
			return b.String()
		case '$':
			if quote == '`' && p.at+1 < len(p.text) && p.text[p.at+1] == '{' {
				p.fail("a template")
			}
			b.WriteByte(c)
			p.at++
		case '\\':
			p.escape(&b)
		default:
			b.WriteByte(c)
			p.at++
		}
	}
}

func (p *parser) escape(b *strings.Builder) {
	p.at++
	c := p.peek()
	p.at++
	switch c {
	case 'n':
		b.WriteByte('\n')
	case 't':
		b.WriteByte('\t')
	case 'u', 'x':
		digits := map[byte]int{'u': 4, 'x': 2}[c]
		if p.at+digits > len(p.text) {
			p.fail("it ends")
		}
		r, err := strconv.ParseUint(string(p.text[p.at:p.at+digits]), 16, 32)
		if err != nil {
			p.fail("an escape")
		}
		b.WriteRune(rune(r)) //nolint:gosec // four digits
		p.at += digits
	case '\\', '"', '\'', '`', '/', '$':
		b.WriteByte(c)
	default:
		p.fail("an unknown escape")
	}
}
