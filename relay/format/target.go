package format

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"one-api/relay/llm"
)

// longestName is how many characters OpenAI takes of a function's name.
const longestName = 64

// The ways to what a channel has sealed before it was given to a client, of whichever channel it may be.

// Reasoning is a part with what is sealed in it as its maker gave it (Seal.Reasoning). Words that nobody has signed are no state: clients
// of chat completions give those of this very provider back without.
func (t *Target) Reasoning(p *llm.Part, signature, content string) *llm.Part {
	if p.Kind != llm.Reasoning && p.Kind != llm.Redacted {
		return p
	}
	its := t.seal().Reasoning(p, signature, content)
	t.reasoned(SaysSigned(its), p.Signature != "" || p.Kind == llm.Redacted && p.Text != "")
	return its
}

// Encrypted is reasoning as its maker encrypted it, without what tells it from what other formats seal; empty: another one has made it.
func (t *Target) Encrypted(sealed, kind string) string {
	_, kept := t.seal().Open(sealed)
	its, ok := strings.CutPrefix(kept, kind)
	if !ok {
		its = ""
	}
	t.reasoned(its != "", sealed != "")
	return its
}

// OpenCallID is Seal.OpenCallID.
func (t *Target) OpenCallID(sealed string) (public, own, signature string) {
	public, own, signature = t.Seal.OpenCallID(sealed)
	if t.Unsigned && signature != "" {
		signature = ""
	}
	t.reasoned(signature != "", signature != "" || len(sealed) > len(public)+len(sealMark)+sealTag &&
		sealsReasoning(sealed[len(public)+len(sealMark)+sealTag:]))
	return public, own, signature
}

// Unread notes reasoning of an earlier turn that the provider is not given, since it could not read it.
func (t *Target) Unread() { t.Lost = true }

func (t *Target) reasoned(given, was bool) {
	t.Gave = t.Gave || given
	t.Lost = t.Lost || was && !given
}

// seal is what opens reasoning; nil, which opens nothing, if the provider has refused what it was given.
func (t *Target) seal() *Seal {
	if t.Unsigned {
		return nil
	}
	return t.Seal
}

// Name is a tool's name as OpenAI and those who are compatible take it: letters, digits, _ and -, 64 at most. Any other gets one that is
// made of those, which the answer is told of.
func (t *Target) Name(name string) string {
	if len(name) <= longestName && isPlain(name) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	mark := "_" + hex.EncodeToString(sum[:4])
	plain := PlainID(name)
	return t.renamed(plain[:min(len(plain), longestName-len(mark))]+mark, name)
}

// NameOf is Name for a provider that takes longer names.
func (t *Target) NameOf(name string, longest int) string {
	if len(name) <= longest && isPlain(name) {
		return name
	}
	return t.Name(name)
}

// NameBegun is Name for a provider whose names begin with a letter or with _.
func (t *Target) NameBegun(name string) string {
	name = t.Name(name)
	if name == "" || name[0] != '-' && (name[0] < '0' || name[0] > '9') {
		return name
	}
	was := name
	if long, ok := t.Names[name]; ok {
		was = long
	}
	return t.renamed("_"+name[:min(len(name), longestName-1)], was)
}

// renamed has the answer told what a name was.
func (t *Target) renamed(name, was string) string {
	if t.Names == nil {
		t.Names = map[string]string{}
	}
	t.Names[name] = was
	return name
}

func isPlain(name string) bool {
	return strings.IndexFunc(name, func(r rune) bool { return !isOfID(r) }) < 0
}
