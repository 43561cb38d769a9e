package config

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	keyPrefix    = "sk-"
	rootName     = "root"
	leastKey     = 8  // characters; a shorter key is a problem
	advisedKey   = 16 // characters; a shorter key is a warning
	generatedKey = 48 // characters after the prefix, as one-api's
	longestOwner = 200
)

// digest is a SHA-256 sum of a key.
type digest = [sha256.Size]byte

// digests are those of a key as it is configured and, if it lacks the prefix, with it. The store tries the other spellings of a
// key that a client shows.
func digests(key string) []digest {
	sums := []digest{sha256.Sum256([]byte(key))}
	if !strings.HasPrefix(key, keyPrefix) {
		sums = append(sums, sha256.Sum256([]byte(keyPrefix+key)))
	}
	return sums
}

// spellings are the digests of a key with and without its prefix: no two tokens may share one.
func spellings(key string) []digest {
	other, has := strings.CutPrefix(key, keyPrefix)
	if !has {
		other = keyPrefix + key
	}
	return []digest{sha256.Sum256([]byte(key)), sha256.Sum256([]byte(other))}
}

// tokens reads the file's tokens, beside the one that the environment gives.
func (l *loader) tokens(v value, tokens []Token) []Token {
	places := map[string]place{}
	for _, token := range tokens {
		places[token.Name] = variable("INITIAL_ROOT_TOKEN")
	}
	for _, element := range l.elements(v) {
		if l.exhausted() {
			break
		}
		if l.is(element, yaml.MappingNode, "a mapping") {
			tokens = append(tokens, l.token(element, places, len(tokens)))
		}
	}
	return tokens
}

// token reads one token, of that index. places are the names of those before it.
func (l *loader) token(v value, places map[string]place, index int) Token {
	t := l.tokenDefaults
	silent := textsOf(t.groups.items)
	t.groups = list{}
	readObject(l, tokenObject, v, &t)
	t.Digests = l.tokenDigests(v.place, t.key, t.keySHA256)
	if t.name != nil {
		t.Name = l.uniqueName(*t.name, places)
	}
	groups := t.groups.items
	if len(groups) == 0 {
		for _, group := range silent {
			groups = append(groups, scalar{text: group, place: v.place})
		}
	}
	t.Groups = textsOf(groups)
	l.claims.tokenGroups = append(l.claims.tokenGroups, groups...)
	for _, network := range t.networks.items {
		prefix, _ := parsePrefix(network.text) // its kind is no other
		t.AllowFrom = append(t.AllowFrom, prefix)
	}
	t.Budget, t.Unpriced = t.budget.budget(), t.unpriced
	if t.owner != nil {
		if s, ok := l.scalar(*t.owner); ok {
			if message := ownerProblem(s.text); message != "" {
				l.report(s.place, "%s", message)
			}
			t.Owner = s.text
		}
	}
	t.Models = textsOf(t.models.items)
	for _, model := range t.models.items {
		l.claims.models = append(l.claims.models, claimed{model, index})
	}
	return t.Token
}

// ownerProblem judges the name of whose a token is.
func ownerProblem(text string) string {
	if len(text) > longestOwner || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Sprintf("must be a text of up to %d bytes in one line", longestOwner)
	}
	return ""
}

// ParseToken reads the settings of a token that is made at run time, as a JSON object with the members that a token has in the file, but
// for its key. Its error is a Problems. Nothing in it is taken from the environment: a ${ in it means itself.
func ParseToken(text []byte) (Token, error) {
	l := &loader{
		decoder: decoder{env: Source{Env: func(string) (string, bool) { return "", false }}.environment(), literal: true},
		keys:    map[digest]place{}, groups: map[string]bool{}, keyless: true,
		channelDefaults: channelObject.defaults(), tokenDefaults: tokenObject.defaults(),
	}
	root, problem := parseDocument(l.file, text)
	if problem != nil {
		return Token{}, Problems{*problem}
	}
	var t Token
	if v := l.value(root, ""); l.is(v, yaml.MappingNode, "an object") {
		t = l.token(v, map[string]place{}, 0)
	}
	return t, l.problems.asError()
}

// unasked are the keys that are not offered: those of a token that is made at run time.
func (l *loader) unasked() []string {
	if l.keyless {
		return []string{"key", "key_sha256"}
	}
	return nil
}

// tokenDigests reads key or key_sha256, of which there must be one.
func (l *loader) tokenDigests(at place, plain, hashed *value) []digest {
	switch {
	case l.keyless:
		if plain != nil || hashed != nil {
			l.report(at, "a key cannot be chosen")
		}
	case plain != nil && hashed != nil:
		l.report(hashed.place, "give key or key_sha256, not both")
	case plain != nil:
		if s, ok := clientKeys.read(l, *plain); ok {
			return l.clientKey(s.place, s.text)
		}
	case hashed != nil:
		if s, ok := keySums.read(l, *hashed); ok {
			sum, _ := hex.DecodeString(s.text) // its kind is no other
			return l.claim(s.place, []digest{digest(sum)})
		}
	default:
		l.missing(at, "key", "missing (or give key_sha256)")
	}
	return nil
}

// clientKey judges a key that clients will use.
func (l *loader) clientKey(at place, key string) []digest {
	if message := keyProblem(key); message != "" {
		l.report(at, "%s", message)
		return nil
	}
	switch length := utf8.RuneCountInString(key); {
	case length < leastKey:
		l.report(at, "must have at least %d characters", leastKey)
		return nil
	case length < advisedKey:
		l.warn(at, "is easy to guess: it has fewer than %d characters", advisedKey)
	}
	if l.claim(at, spellings(key)) == nil {
		return nil
	}
	return digests(key)
}

// claim makes sure that no key opens two doors.
func (l *loader) claim(at place, sums []digest) []digest {
	for _, sum := range sums {
		if first, taken := l.keys[sum]; taken {
			l.report(at, "the same key as %v", first)
			return nil
		}
	}
	for _, sum := range sums {
		l.keys[sum] = at
		if sum == exampleKey {
			l.warn(at, "is the key of the README's example, which everybody knows: put one of your own in its place (openssl rand -hex 24)")
		}
	}
	return sums
}

// exampleKey is that of the token which README.md and docs/configuration.md show.
var exampleKey = sha256.Sum256([]byte("sk-lab-0123456789abcdef"))

// environmentTokens reserves the operators' keys and makes the root token.
func (l *loader) environmentTokens() []Token {
	l.reserve("ADMIN_TOKEN", l.settings.AdminToken)
	l.reserve("MONITOR_TOKEN", l.settings.MonitorToken)
	if l.settings.AdminToken != "" && l.settings.AdminToken == l.settings.MonitorToken {
		l.warn(variable("MONITOR_TOKEN"), "is the same as ADMIN_TOKEN: whoever may look may also switch channels off; give them two")
	}
	if l.settings.InitialRootToken == "" {
		return nil
	}
	sums := l.clientKey(variable("INITIAL_ROOT_TOKEN"), l.settings.InitialRootToken)
	return []Token{{Name: rootName, Digests: sums, AllGroups: true}}
}

func (l *loader) reserve(name, key string) {
	if key != "" {
		if utf8.RuneCountInString(key) < advisedKey {
			l.warn(variable(name), "is easy to guess: it has fewer than %d characters", advisedKey)
		}
		l.keys[sha256.Sum256([]byte(key))] = variable(name)
	}
}

// NewKey makes a client key that cannot be guessed: sk- and 48 letters and digits.
func NewKey() string { return generateKey() }

// generateKey makes a key that cannot be guessed: 48 letters and digits, some 285 bits.
func generateKey() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	const unbiased = 256 / len(alphabet) * len(alphabet)
	key := make([]byte, 0, len(keyPrefix)+generatedKey)
	key = append(key, keyPrefix...)
	random := make([]byte, 2*generatedKey)
	for {
		_, _ = rand.Read(random) // never fails: it ends the process where there is no randomness
		for _, b := range random {
			if int(b) < unbiased {
				key = append(key, alphabet[int(b)%len(alphabet)])
			}
			if len(key) == cap(key) {
				return string(key)
			}
		}
	}
}
