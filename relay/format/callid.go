package format

import "strings"

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

func isOfID(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}
