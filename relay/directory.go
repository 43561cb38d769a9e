package relay

import (
	"slices"
	"time"

	"one-api/relay/apikey"
	"one-api/relay/config"
	"one-api/relay/gate"
)

// direct makes the directory that requests look into: the channels and keys of the configuration, and the keys that were made at run time.
func (s *Server) direct() {
	s.directing.Lock()
	defer s.directing.Unlock()
	c := s.config.Load()
	tokens := s.tokens(c)
	names := make([]string, len(tokens))
	for i := range tokens {
		names[i] = tokens[i].Name
	}
	s.budget.Keep(names)
	all := *c
	all.Tokens = tokens
	limits := s.limits.NewSet(&all)
	s.beginBudgets(&all, limits)
	s.directory.Store(&gate.Directory{
		Channels: s.pool.Set(), Keys: apikey.NewStore(tokens), ContextFallback: c.ContextFallback, Limits: limits, Prices: s.prices.Load(),
	})
	if s.options.Ledger != nil && limits.Money() {
		s.budgetsSince.Store(time.Now().UnixNano())
	}
}

// tokens is every token that holds: those of the configuration, which win over others of their names, and those that were made at run time.
func (s *Server) tokens(c *config.Config) []config.Token {
	tokens := slices.Clone(c.Tokens)
	if s.issued == nil {
		return tokens
	}
	for _, t := range s.issued.All() {
		if !inFile(c, t.Name) {
			tokens = append(tokens, t.Token)
		}
	}
	return tokens
}

func (s *Server) inFile(name string) bool { return inFile(s.config.Load(), name) }

func inFile(c *config.Config, name string) bool {
	return slices.ContainsFunc(c.Tokens, func(t config.Token) bool { return t.Name == name })
}
