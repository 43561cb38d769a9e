package format

import (
	"encoding/json"
	"strconv"
	"strings"

	"one-api/relay/jsonscan"
	"one-api/relay/llm"
	"one-api/relay/wire"
)

// Problem is what a client has to change in its request, and where.
type Problem struct {
	Path string // of the member; empty means the whole
	What string // "must be a string, not number"; empty means what the other format says of the feature

	feature llm.Feature // what the request asks for, and cannot be read into a conversation
	named   string      // what the client calls it
	details string      // what clients' programs go by
}

// Asks is the problem of a request that asks for something that has no place in a conversation without a format. Its words are those
// of the format that it would have to be said in (Column.Explain).
func Asks(f llm.Feature) *Problem { return &Problem{feature: f} }

// Named adds the client's word for it.
func (p *Problem) Named(word string) *Problem {
	p.named = word
	return p
}

// Detailed adds what clients' programs go by (wire.Error).
func (p *Problem) Detailed(details string) *Problem {
	p.details = details
	return p
}

// Error is the problem for the client.
func (p *Problem) Error() string {
	if p.What == "" {
		return p.Path + " asks for what cannot be converted: " + p.feature.What()
	}
	if p.Path == "" {
		return "the request " + p.What
	}
	return p.Path + " " + p.What
}

// Wire is the problem as an error of the API.
func (p *Problem) Wire() *wire.Error {
	e := wire.BadRequest(p.Path, p.Error())
	e.Details = p.details
	return e
}

// In is the problem seen from further outside. It is nil if there is none.
func (p *Problem) In(path string) *Problem {
	switch {
	case p == nil:
		return nil
	case p.Path == "":
		p.Path = path
	case p.Path[0] == '[':
		p.Path = path + p.Path
	default:
		p.Path = path + "." + p.Path
	}
	return p
}

// At is the problem in an element of a list.
func (p *Problem) At(i int) *Problem {
	if p == nil {
		return nil
	}
	return p.In("[" + strconv.Itoa(i) + "]")
}

// Wrong is a problem of the value at hand.
func Wrong(what string) *Problem { return &Problem{What: what} }

// longestQuote is how many bytes of a request an error quotes.
const longestQuote = 64

// Quote is a client's word in an error.
func Quote(s string) string { return strconv.Quote(wire.Clip(s, longestQuote)) }

// kind is what JSON calls a value. Short numbers are quoted.
func kind(value []byte) string {
	if len(value) == 0 {
		return "nothing"
	}
	switch value[0] {
	case '"':
		return "string"
	case '{':
		return "object"
	case '[':
		return "array"
	case 't', 'f':
		return "bool"
	case 'n':
		return "null"
	}
	if len(value) <= 30 {
		return "number " + string(value)
	}
	return "number"
}

// MustBe is the problem of a value of another type than it should be.
func MustBe(what string, value []byte) *Problem {
	found := kind(value)
	if what != "a whole number" {
		found, _, _ = strings.Cut(found, " ")
	}
	return Wrong("must be " + what + ", not " + found)
}

// Given reports whether an optional member was sent with a value.
func Given(value []byte) bool { return len(value) > 0 && !jsonscan.IsNull(value) }

// IsEmpty reports whether a value is missing, null, or an empty text, list or object.
func IsEmpty(value []byte) bool {
	switch string(value) {
	case "", "null", `""`, "[]", "{}":
		return true
	}
	return false
}

// IsObject reports whether a valid value is an object.
func IsObject(value []byte) bool { return len(value) > 0 && value[0] == '{' }

// String reads a text; null is an empty one.
func String(value []byte, to *string) *Problem {
	if !Given(value) {
		return nil
	}
	s, ok := jsonscan.String(value)
	if !ok {
		return MustBe("a string", value)
	}
	*to = s
	return nil
}

// Int reads a whole number; null is none.
func Int(value []byte, to *int64) (given bool, problem *Problem) {
	if !Given(value) {
		return false, nil
	}
	n, ok := jsonscan.Int(value)
	if !ok {
		return false, MustBe("a whole number", value)
	}
	*to = n
	return true, nil
}

// Float reads a number; null is none.
func Float(value []byte, to **float64) *Problem {
	if !Given(value) {
		return nil
	}
	n, err := strconv.ParseFloat(string(value), 64)
	if err != nil || value[0] != '-' && (value[0] < '0' || value[0] > '9') {
		return MustBe("a number", value)
	}
	*to = &n
	return nil
}

// Bool reads true or false; null is neither.
func Bool(value []byte, to *bool) *Problem {
	switch {
	case !Given(value):
		return nil
	case string(value) == "true":
		*to = true
	case string(value) == "false":
		*to = false
	default:
		return MustBe("true or false", value)
	}
	return nil
}

// Flag reads a boolean for which it matters whether it was given at all; null counts as absent.
func Flag(value []byte, to **bool) *Problem {
	if !Given(value) {
		return nil
	}
	*to = new(bool)
	return Bool(value, *to)
}

// Object visits the members of an object; null has none.
func Object(value []byte, visit func(name string, value []byte) *Problem) (problem *Problem) {
	if !Given(value) {
		return nil
	}
	if value[0] != '{' {
		return MustBe("an object", value)
	}
	if err := jsonscan.Object(value, func(m jsonscan.Member) {
		if problem == nil && len(m.Key) <= jsonscan.LongestKey {
			problem = visit(string(m.Key), m.Value)
		}
	}); err != nil {
		return Wrong("is not valid JSON: " + err.Error())
	}
	return problem
}

// Each visits the elements of a list; null has none.
func Each(value []byte, visit func(i int, element []byte) *Problem) (problem *Problem) {
	if !Given(value) {
		return nil
	}
	i := 0
	if !jsonscan.Elements(value, func(element []byte) {
		if problem == nil {
			problem = visit(i, element).At(i)
		}
		i++
	}) {
		return MustBe("an array", value)
	}
	return problem
}

// Count is how many elements a list has.
func Count(value []byte) (n int) {
	jsonscan.Elements(value, func([]byte) { n++ })
	return n
}

// Raw is a copy of a value that outlives the body; nil for null.
func Raw(value []byte) json.RawMessage {
	if !Given(value) {
		return nil
	}
	return json.RawMessage(value)
}
