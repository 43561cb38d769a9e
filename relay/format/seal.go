package format

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"

	"one-api/relay/llm"
	"one-api/relay/secret"
)

// Seal keeps what only its maker may get back (a signature of Gemini's, say) inside of what clients send back unread: the id of a
// tool call. What was sealed for one maker is taken off before any other sees the id, and so is what nobody of here has sealed.
type Seal struct {
	key   secret.Key
	kin   []secret.Key // of other channels to the same maker
	maker string       // who reads what is sealed: a provider, or one account with it
	names string       // what pseudonyms are made with; empty: there are none
}

// sealMark is between an id and what is sealed into it. Ids consist of letters, digits, _ and -.
const sealMark = "__sealed_"

// sealTag is how many characters of base64 prove that the relay has sealed something: the hint of a key, and a part of what it makes.
const sealTag = 16

// NewSeal makes the seal of a channel, whose maker may have other channels. With an empty secret it is of use to this process alone, and
// nobody has a pseudonym.
func NewSeal(of, maker string, kin ...secret.Key) *Seal {
	s := &Seal{key: secret.Of(of), kin: kin, maker: maker, names: of}
	if of == "" {
		s.key = secret.Passing()
	}
	return s
}

func (s *Seal) tag(key secret.Key, id, kept string) string {
	return key.Hint + base64.RawURLEncoding.EncodeToString(key.Sum("seal", s.maker, id, kept))[:sealTag-secret.HintLength]
}

// proves reports whether a tag is of a channel to the maker.
func (s *Seal) proves(tag, id, kept string) bool {
	by := func(key secret.Key) bool {
		return strings.HasPrefix(tag, key.Hint) && hmac.Equal([]byte(s.tag(key, id, kept)), []byte(tag))
	}
	return by(s.key) || slices.ContainsFunc(s.kin, by)
}

// Into seals something into an id; nothing is no change.
func (s *Seal) Into(id, kept string) string {
	if kept == "" || s == nil {
		return id
	}
	return id + sealMark + s.tag(s.key, id, kept) + base64.RawURLEncoding.EncodeToString([]byte(kept))
}

// Open is the id as its maker gave it, and what was sealed into it for the same; empty means nothing.
func (s *Seal) Open(sealed string) (id, kept string) {
	at := strings.LastIndex(sealed, sealMark)
	if at < 0 {
		return sealed, ""
	}
	id, rest := sealed[:at], sealed[at+len(sealMark):]
	if s == nil || len(rest) < sealTag {
		return id, ""
	}
	text, err := base64.RawURLEncoding.DecodeString(rest[sealTag:])
	if err != nil || !s.proves(rest[:sealTag], id, string(text)) {
		return id, ""
	}
	return id, string(text)
}

// Reasoning is a part with what is sealed in it as its maker gave it: signature and content are what its format begins the one and the
// other with. What another maker has sealed, or nobody, is as if it were not there. Every other part is what it was.
func (s *Seal) Reasoning(p *llm.Part, signature, content string) *llm.Part {
	sealed := p.Signature
	switch p.Kind {
	case llm.Reasoning:
	case llm.Redacted:
		sealed = p.Text
	case llm.Text, llm.Image, llm.Document, llm.Audio, llm.Video, llm.ToolCall, llm.ToolResult, llm.Refusal:
		return p
	}
	_, kept := s.Open(sealed)
	if its, ok := strings.CutPrefix(kept, signature); ok {
		return &llm.Part{Kind: llm.Reasoning, Text: p.Text, Signature: its}
	}
	its, ok := strings.CutPrefix(kept, content)
	if !ok {
		its = ""
	}
	return &llm.Part{Kind: llm.Redacted, Text: its}
}

// Unsealed is the id without what is sealed into it.
func Unsealed(id string) string {
	id, _ = (*Seal)(nil).Open(id)
	return id
}

// Unseal takes what is sealed off all ids in a JSON text. Nearly always there is nothing, and it is the text itself. reasoned: some of it
// was what its maker has thought.
func Unseal(text []byte) (unsealed []byte, reasoned bool) {
	mark := []byte(sealMark)
	at := bytes.Index(text, mark)
	if at < 0 {
		return text, false
	}
	out := make([]byte, 0, len(text))
	for at >= 0 {
		end := at + len(mark)
		for end < len(text) && isOfID(rune(text[end])) {
			end++
		}
		out = append(out, text[:at]...)
		if end-at < len(mark)+sealTag || end == len(text) || text[end] != '"' {
			out = append(out, text[at:end]...) // somebody's own word
		} else {
			reasoned = reasoned || sealsReasoning(string(text[at+len(mark)+sealTag:end]))
		}
		text = text[end:]
		at = bytes.Index(text, mark)
	}
	return append(out, text...), reasoned
}

// sealsReasoning reports whether what is sealed, behind its tag, is more than an id: a signature, or reasoning itself.
func sealsReasoning(behind string) bool {
	text, err := base64.RawURLEncoding.DecodeString(behind)
	if err != nil {
		return false
	}
	if _, signature, ofCall := strings.Cut(string(text), callSeparator); ofCall {
		return signature != ""
	}
	return len(text) > 0
}

// EndUser is a client's word for its end user as a provider takes it: as it is, or if it is longer than that or looks like an
// address, a name that is the same every time and says nothing to those who have not the secret.
func (s *Seal) EndUser(user string, longest int) string {
	if utf8.RuneCountInString(user) <= longest && !strings.Contains(user, "@") {
		return user
	}
	if s == nil || s.names == "" {
		return "" // rather than a name that anybody could make
	}
	mac := hmac.New(sha256.New, []byte(s.names))
	mac.Write([]byte(user))
	return "u_" + hex.EncodeToString(mac.Sum(nil))[:40]
}
