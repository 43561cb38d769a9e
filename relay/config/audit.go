package config

import (
	"crypto/sha256"
	"slices"
	"strings"
)

// audit warns of what is valid and cannot be meant: groups that nobody has, and globs that nothing matches.
type audit struct {
	groups      []scalar // of channels, in their order
	tokenGroups []scalar
	models      []claimed
}

// decisive is the keys that say who serves what, and whom.
var decisive = []string{"channels", "tokens", "type", "models", "model_mapping", "groups"}

// blurs reports whether who serves what cannot be told for the problem, so that what an audit says would only be another mistake's echo.
func (p Problem) blurs() bool {
	names := strings.FieldsFunc(p.Key, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	names = slices.DeleteFunc(names, func(name string) bool { return strings.Trim(name, "0123456789") == "" })
	return len(names) == 0 || slices.ContainsFunc(names[1:], func(name string) bool { return slices.Contains(decisive, name) }) ||
		!slices.Contains(knownWords, names[len(names)-1]) || len(names) == 1 && slices.Contains(decisive, names[0])
}

// claimed is a pattern of a token's models.
type claimed struct {
	scalar
	token int // its index
}

// maxGlobWork bounds how many characters of globs are held against each other: enough for thousands of channels.
const maxGlobWork = 50_000_000

func (l *loader) audit(c *Config) {
	l.unreachable(c)
	for _, group := range l.claims.tokenGroups {
		if !l.groups[group.text] {
			l.warn(group.place, "no channel is in the group %s", group.text)
		}
	}
	l.sharedKeys(c)
	work := 0
	for _, claim := range l.claims.models {
		if !l.served(claim, c, &work) {
			l.warn(claim.place, "no channel of the token's groups has a model that this matches")
		}
	}
}

// sharedKeys warns of keys of providers that open the relay as well: clients would know them.
func (l *loader) sharedKeys(c *Config) {
	for i := range c.Channels {
		for _, key := range c.Channels[i].Keys {
			if opens, is := l.keys[sha256.Sum256([]byte(key))]; is {
				l.warn(opens, "is a key of the channel %s as well, and whoever asks the relay with it can ask its provider: make another one",
					c.Channels[i].Name)
			}
		}
	}
}

// unreachable warns of groups that no token has.
func (l *loader) unreachable(c *Config) {
	if len(c.Tokens) == 0 { // one is made, and it has all
		return
	}
	warned := map[string]bool{}
	for _, group := range l.claims.groups {
		reached := slices.ContainsFunc(c.Tokens, func(t Token) bool { return t.AllGroups || slices.Contains(t.Groups, group.text) })
		if !reached && !warned[group.text] {
			warned[group.text] = true
			l.warn(group.place, "no token has the group %s: nobody reaches the channel by it", group.text)
		}
	}
}

func (l *loader) served(claim claimed, c *Config, work *int) bool {
	token := c.Tokens[claim.token]
	for i := range c.Channels {
		channel := &c.Channels[i]
		if !token.AllGroups && !slices.ContainsFunc(channel.Groups, func(g string) bool { return slices.Contains(token.Groups, g) }) {
			continue
		}
		for _, model := range channel.Models {
			if *work += len(model) * len(claim.text); *work > maxGlobWork || overlap(claim.text, model) {
				return true
			}
		}
		for model := range channel.ModelMapping {
			if Match(claim.text, model) {
				return true
			}
		}
	}
	return false
}

// overlap reports whether any name is matched by both patterns.
func overlap(a, b string) bool {
	// row[j] is whether what stands from i in a and from j in b has a name in common.
	x, y := []rune(a), []rune(b)
	next, row := make([]bool, len(y)+1), make([]bool, len(y)+1)
	for i := len(x); i >= 0; i-- {
		for j := len(y); j >= 0; j-- {
			switch {
			case i == len(x) && j == len(y):
				row[j] = true
			case i < len(x) && x[i] == '*':
				row[j] = next[j] || j < len(y) && row[j+1]
			case j < len(y) && y[j] == '*':
				row[j] = row[j+1] || i < len(x) && next[j]
			default:
				row[j] = i < len(x) && j < len(y) && (x[i] == y[j] || x[i] == '?' || y[j] == '?') && next[j+1]
			}
		}
		next, row = row, next
	}
	return next[0]
}

// oddGlobs warns of patterns that were meant as regular expressions: nothing is called so.
func (l *loader) oddGlobs(models []scalar) {
	for _, model := range models {
		if strings.ContainsAny(model.text, ", ;") && !strings.HasPrefix(model.text, "arn:") {
			l.warn(model.place, "holds a comma or a blank, which no model has in its name: several stand in a list, each by itself: [one, two]")
			continue
		}
		if i := strings.IndexAny(model.text, `[]{}()|^$\`); i >= 0 {
			l.warn(model.place, "`%c` stands for itself here, and no model has it in its name: only * (any characters) and ? (one) stand for "+
				"others", model.text[i])
		}
	}
}
