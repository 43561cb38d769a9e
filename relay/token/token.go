// Package token knows the clients' keys.
package token

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"strings"

	"one-api/relay/config"
)

// Token is one client of the relay.
type Token struct {
	Name      string
	Groups    []string
	AllGroups bool
	models    []string
	allowance func(model string) bool
}

// Allows tells whether the token may ask for a model; whether any channel of its groups has it is another question.
func (t *Token) Allows(model string) bool {
	return len(t.models) == 0 ||
		slices.ContainsFunc(t.models, func(pattern string) bool { return config.Match(pattern, model) })
}

// Allowance is Allows as a function, made once: a method's value is an allocation. nil: every model.
func (t *Token) Allowance() func(model string) bool { return t.allowance }

// Store finds the token that a key belongs to. It is immutable.
type Store struct {
	byDigest map[[sha256.Size]byte]entry
}

type entry struct {
	digest [sha256.Size]byte
	token  *Token
}

// NewStore makes a store of the configured tokens.
func NewStore(tokens []config.Token) *Store {
	s := &Store{byDigest: make(map[[sha256.Size]byte]entry, len(tokens))}
	for _, t := range tokens {
		token := &Token{Name: t.Name, Groups: t.Groups, AllGroups: t.AllGroups, models: t.Models}
		if len(t.Models) > 0 {
			token.allowance = token.Allows
		}
		for _, digest := range t.Digests {
			s.byDigest[digest] = entry{digest, token}
		}
	}
	return s
}

// prefix is what client keys begin with. Some programs put it before every key that they are given, some take it away, and
// one-api stored its keys without it.
const prefix = "sk-"

// Find gives the token of a key, which may be spelt with or without its sk-; nil: the key is unknown. The time that it takes
// tells nothing about the keys: what is looked up is a digest, which a client cannot steer, and the match is confirmed in
// constant time. It does not grow with the number of tokens.
func (s *Store) Find(key string) *Token {
	if found := s.find(sha256.Sum256([]byte(key))); found != nil {
		return found
	}
	if short, has := strings.CutPrefix(key, prefix); has {
		if found := s.find(sha256.Sum256([]byte(short))); found != nil {
			return found
		}
	}
	var room [128]byte
	return s.find(sha256.Sum256(append(append(room[:0], prefix...), key...)))
}

func (s *Store) find(digest [sha256.Size]byte) *Token {
	e := s.byDigest[digest]
	if subtle.ConstantTimeCompare(e.digest[:], digest[:]) != 1 {
		return nil
	}
	return e.token
}
