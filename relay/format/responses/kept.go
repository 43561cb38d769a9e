package responses

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"one-api/relay/format"
	"one-api/relay/llm"
)

// kept is what has to be known of a request when its answer is told (llm.Request.Kept).
type kept struct {
	custom map[string]bool      // tools whose input is text, by the names that they are given elsewhere
	names  map[string]qualified // tools of namespaces, likewise
	echo   format.JSON          // members of a response that repeat those of its request
}

// qualified is the name of a tool in a namespace.
type qualified struct{ space, name string }

// keptOf is what was kept of a request; never nil.
func keptOf(r *llm.Request) *kept {
	if r != nil {
		if k, ok := r.Kept.(*kept); ok {
			return k
		}
	}
	return &kept{}
}

// longestFlat is how many characters the name of a tool may have that is made of two. The format that it is said in may shorten it
// again.
const longestFlat = 128

// flat is the one name of a tool that is in a namespace, for formats that have none. It is the same for the same tool.
func flat(space, name string) string {
	if space == "" {
		return name
	}
	if !strings.HasSuffix(space, "_") {
		space += "__"
	}
	joined := format.PlainID(space + name)
	if len(joined) <= longestFlat {
		return joined
	}
	sum := sha256.Sum256([]byte(joined))
	mark := "_" + hex.EncodeToString(sum[:4])
	return joined[:longestFlat-len(mark)] + mark
}

// of is what the client calls a tool: its name and its namespace, which may be empty.
func (k *kept) of(name string) qualified {
	if q, ok := k.names[name]; ok {
		return q
	}
	return qualified{name: name}
}

// echoed are the members of a response that repeat those of its request, and what they are if it said nothing.
var echoed = []struct{ name, unsaid string }{
	{"instructions", "null"}, {"max_output_tokens", "null"}, {"metadata", "{}"}, {"parallel_tool_calls", "true"},
	{"reasoning", `{"effort":null,"summary":null}`},
	{"temperature", "null"}, {"text", `{"format":{"type":"text"}}`}, {"tool_choice", `"auto"`}, {"top_p", "null"},
	{"truncation", `"disabled"`},
	{"safety_identifier", "null"}, {"prompt_cache_key", "null"}, {"service_tier", `"default"`},
}

// longestEcho is how many bytes of a member are repeated. A longer one is as if nothing had been said: it would be kept for as long as
// the answer takes, and told thrice.
const longestEcho = 512

// repeats notes a member that the response will repeat.
func (k *kept) repeats(said map[string][]byte) {
	var j format.JSON
	for _, m := range echoed {
		value := said[m.name]
		if !format.Given(value) || len(value) > longestEcho {
			value = []byte(m.unsaid)
		}
		j.Literal(m.name, format.Compact(value)) // an event is one line
	}
	k.echo = j
}

// unsaidEcho is the echo of a request of which nothing was kept.
var unsaidEcho = func() format.JSON {
	var k kept
	k.repeats(nil)
	return k.echo
}()
