// Package apikey knows the clients' keys: what the configuration calls tokens. The word token is for what models count.
package apikey

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/netip"
	"strings"
	"time"

	"one-api/relay/config"
)

// Key is what one client of the relay may ask for.
type Key struct {
	Of        *config.Token
	Name      string
	Groups    []string
	AllGroups bool
	// ForeignIDs says that it may name what an upstream keeps and nobody is known to have made.
	ForeignIDs bool

	disabled bool
	expires  time.Time
	networks []netip.Prefix

	models config.Patterns
}

// Allows reports whether the client may ask for a model; whether any channel of its groups has it is another question.
func (k *Key) Allows(model string) bool { return len(k.models) == 0 || k.models.Match(model) }

// Expires is from when on it opens nothing; zero: never.
func (k *Key) Expires() time.Time { return k.expires }

// Allowance is the models that the client may ask for. nil: every one.
func (k *Key) Allowance() *config.Patterns {
	if len(k.models) == 0 {
		return nil
	}
	return &k.models
}

// Store finds a client by its key. It is immutable.
type Store struct {
	byDigest map[[sha256.Size]byte]entry
}

type entry struct {
	digest [sha256.Size]byte
	key    *Key
	until  time.Time // from when on the digest opens nothing; zero: it has no end of its own
}

// NewStore makes a store of the configured tokens.
func NewStore(tokens []config.Token) *Store {
	s := &Store{byDigest: make(map[[sha256.Size]byte]entry, len(tokens))}
	for i := range tokens {
		t := &tokens[i]
		key := &Key{Of: t, Name: t.Name, Groups: t.Groups, AllGroups: t.AllGroups, ForeignIDs: t.ForeignIDs, models: t.Models}
		key.disabled, key.expires, key.networks = t.Disabled, t.Expires, t.AllowFrom
		for _, digest := range t.Digests {
			s.byDigest[digest] = entry{digest: digest, key: key}
		}
		if t.Former != nil {
			s.byDigest[*t.Former] = entry{digest: *t.Former, key: key, until: t.FormerUntil}
		}
	}
	return s
}

// prefix is what client keys begin with. Some programs put it before every key that they are given, some take it away, and
// one-api stored its keys without it.
const prefix = "sk-"

// Find gives the client of a key, which may be spelt with or without its sk-; nil: the key is unknown. The time that it takes
// tells nothing about the keys: what is looked up is a digest, which a client cannot steer, and the match is confirmed in
// constant time. It does not grow with the number of keys.
func (s *Store) Find(key string) *Key {
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

func (s *Store) find(digest [sha256.Size]byte) *Key {
	e := s.byDigest[digest]
	if subtle.ConstantTimeCompare(e.digest[:], digest[:]) != 1 {
		return nil
	}
	if !e.until.IsZero() && !time.Now().Before(e.until) {
		return nil // it was replaced, and has had its time
	}
	return e.key
}
