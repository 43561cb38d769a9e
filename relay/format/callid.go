package format

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"strconv"
	"strings"
)

// The id of a tool call is what clients of every format give back unread, so that it is where a provider's own word for the call is
// kept, and what the provider has signed it with.

// callSeparator is between what is kept of an id and what is kept of a signature.
const callSeparator = "\x00"

// CallID is the id that clients are given for a call: own, the provider's id, and the signature are sealed into it, for their maker
// alone. Empty: there is none.
func (s *Seal) CallID(public, own, signature string) string {
	if own == "" && signature == "" {
		return public
	}
	return s.Into(public, own+callSeparator+signature)
}

// OpenCallID is what CallID has sealed, and the id without it.
func (s *Seal) OpenCallID(sealed string) (public, own, signature string) {
	public, both := s.Open(sealed)
	own, signature, _ = strings.Cut(both, callSeparator)
	return public, own, signature
}

// PlainID replaces what Anthropic, which is the strictest, does not take in the id of a tool call.
func PlainID(id string) string {
	return strings.Map(func(r rune) rune {
		if isOfID(r) {
			return r
		}
		return '_'
	}, id)
}

// PublicID is the id that clients are given of a call that its provider calls otherwise: one that every provider takes, for the
// conversation may go on with another. OpenAI's chat completions have taken no more than so many characters, the others 64. What a relay
// before this one has sealed into it is only given back to that.
func PublicID(own string) string {
	own, _, _ = strings.Cut(own, sealMark)
	return FitID(own, LongestCallID)
}

// LongestCallID is how many characters the strictest takes of a call's id, but for Mistral.
const LongestCallID = 40

// FitID is the id of a tool call of at most so many letters, digits, _ and -, the same every time. It is the id itself if that is one.
func FitID(id string, longest int) string {
	id = PlainID(id)
	if len(id) <= longest {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return id[:longest-hashed-1] + "_" + hex.EncodeToString(sum[:hashed/2])
}

// hashed is how many characters stand in the place of those that are cut off.
const hashed = 16

// Fits reports whether an id is one of at most so many letters, digits, _ and -.
func Fits(id []byte, longest int) bool {
	for _, c := range id {
		if !isOfID(rune(c)) {
			return false
		}
	}
	return len(id) <= longest
}

// HoldsID reports whether anywhere in a JSON text a member of one of these names, in quotes, is a string of which that is true. It looks
// at the text as it stands, and may find one that is no id: it is for a look before a longer one.
func HoldsID(text []byte, is func(id []byte) bool, names ...string) bool {
	const space = " \t\r\n"
	for _, name := range names {
		for rest := text; ; {
			at := bytes.Index(rest, []byte(name))
			if at < 0 {
				break
			}
			rest = rest[at+len(name):]
			value, ok := bytes.CutPrefix(bytes.TrimLeft(rest, space), []byte(":"))
			if !ok {
				continue
			}
			if value, ok = bytes.CutPrefix(bytes.TrimLeft(value, space), []byte(`"`)); !ok {
				continue
			}
			if end := bytes.IndexByte(value, '"'); end >= 0 && is(value[:end]) {
				return true
			}
		}
	}
	return false
}

// longestIdentifier is how many bytes are kept of an answer's id that others are made of.
const longestIdentifier = 64

// Identifier keeps of the beginning of a text what every format takes in the id of a tool call.
func Identifier(s string) string {
	return strings.Map(func(r rune) rune {
		if isOfID(r) {
			return r
		}
		return -1
	}, s[:min(len(s), longestIdentifier)])
}

// AnswerID is what the ids of an answer's calls are made of that have none: the answer's own id, or if it has none either, something that
// differs from one answer to the next.
func AnswerID(own string) string {
	if id := Identifier(own); id != "" {
		return id
	}
	return strconv.FormatUint(rand.Uint64()|1<<63, 36) //nolint:gosec // it names an answer, and is no secret
}

func isOfID(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}
