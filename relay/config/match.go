package config

import "unicode/utf8"

// Match tells whether a model's name is matched by a pattern, in which * stands for any characters ("/" too, and none at all)
// and ? for exactly one. There is no escape, and case counts.
//
// Only the last * is ever retried, because a match with an earlier one taking more would be a match with this one taking more:
// the time is at most len(pattern) × len(name), and len(name) for a pattern that is a plain name or ends in its only *.
func Match(pattern, name string) bool {
	afterStar, retry := -1, 0 // where to go on in pattern and name when the last * has to take one character more
	p, n := 0, 0
	for n < len(name) {
		if p < len(pattern) {
			if pattern[p] == '*' {
				p++
				if p == len(pattern) {
					return true
				}
				afterStar, retry = p, n
				continue
			}
			_, size := utf8.DecodeRuneInString(name[n:])
			if width, ok := matchOne(pattern[p:], name[n:n+size]); ok {
				p += width
				n += size
				continue
			}
		}
		if afterStar < 0 {
			return false
		}
		// A whole character at a time, so that ? never meets the middle of one.
		_, size := utf8.DecodeRuneInString(name[retry:])
		retry += size
		p, n = afterStar, retry
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// matchOne tells whether pattern begins with ? or with character, and how many bytes of it that takes.
func matchOne(pattern, character string) (width int, ok bool) {
	if pattern[0] == '?' {
		return 1, true
	}
	_, width = utf8.DecodeRuneInString(pattern)
	return width, pattern[:width] == character
}

// Patterns is names of models and globs.
type Patterns []string

// Match reports whether one of them matches.
func (p Patterns) Match(name string) bool {
	for _, pattern := range p {
		if Match(pattern, name) {
			return true
		}
	}
	return false
}
