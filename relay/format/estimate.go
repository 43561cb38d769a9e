package format

import (
	"bytes"
	"math/big"
	"unicode/utf8"

	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

// What is guessed of tokens that nobody has counted. A token is some four bytes of UTF-8 in nearly every script: four letters of Latin,
// a character and a third of Chinese.
const bytesPerToken = 4

const (
	// Text has a blank, a line break or an escape every now and then. A string as long as longestWord without any is a picture, a file or
	// sound, which is worth some tokens of its own, whatever its bytes.
	longestWord   = 2 << 10
	tokensOfMedia = 1_000
)

// TokensOf guesses how many tokens so many bytes of text are.
func TokensOf(n int) int64 { return int64((n + bytesPerToken - 1) / bytesPerToken) }

// InputOf guesses how many tokens of input a request's body is.
func InputOf(body []byte) (tokens int64) {
	text := len(body)
	for rest := body; len(rest) > longestWord; {
		open := bytes.IndexByte(rest, '"')
		if open < 0 {
			break
		}
		rest = rest[open+1:]
		end := bytes.IndexByte(rest, '"')
		if end < 0 {
			break
		}
		if end > longestWord && isOneWord(rest[:longestWord]) {
			text -= end
			tokens += tokensOfMedia
		}
		rest = rest[end:]
		if end == 0 || rest[0] != '"' {
			continue
		}
		rest = rest[1:]
	}
	return tokens + TokensOf(text)
}

// What a model reads beside the texts, in tokens: marks around each turn with the role in it, the beginning of its answer, and what names
// and frames a tool or its use. OpenAI's say 3 for a turn and 3 for the answer; Anthropic's have 7 for a conversation of one.
const (
	tokensOfTurn   = 4
	tokensOfAnswer = 3
	tokensOfTool   = 8
)

// InputOfRequest guesses the same of a request that has been read, without what only its format is written with.
func InputOfRequest(r *llm.Request) int64 {
	tokens := int64(tokensOfAnswer)
	if len(r.Instructions) > 0 {
		tokens += tokensOfTurn + tokensOfParts(r.Instructions)
	}
	for i := range r.Turns {
		tokens += tokensOfTurn + tokensOfParts(r.Turns[i].Parts)
	}
	for i := range r.Tools {
		t := &r.Tools[i]
		tokens += tokensOfTool + TokensOf(len(t.Name)+len(t.Description)+len(t.Schema))
	}
	if r.Format != nil {
		tokens += TokensOf(len(r.Format.Schema))
	}
	return tokens
}

func tokensOfParts(parts []llm.Part) (tokens int64) {
	for i := range parts {
		p := &parts[i]
		switch p.Kind {
		case llm.ToolCall:
			tokens += tokensOfTool + TokensOf(len(p.Name)+len(p.Input))
		case llm.ToolResult:
			tokens += tokensOfTool
		case llm.Text, llm.Image, llm.Document, llm.Audio, llm.Video, llm.Reasoning, llm.Redacted, llm.Refusal:
			tokens += TokensOf(len(p.Text))
		}
		if m := p.Media; m != nil {
			tokens += TokensOf(len(m.Text))
			if m.Text == "" {
				tokens += tokensOfMedia
			}
		}
		tokens += tokensOfParts(p.Parts)
	}
	return tokens
}

// isOneWord reports whether nothing is there but what base64 is made of, or nearly.
func isOneWord(text []byte) bool {
	for _, c := range text {
		if c <= ' ' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Spoken is how many bytes of text, of reasoning and of calls' arguments there are in an event's data, or in a whole answer, of any
// format.
func Spoken(data []byte) int {
	var s spoken
	s.value(data, deepestSpoken)
	return s.bytes
}

// deepestSpoken is how deep such texts are in an answer, or less.
const deepestSpoken = 8

type spoken struct{ bytes int }

func (s *spoken) value(value []byte, depth int) {
	if len(value) == 0 || depth == 0 {
		return
	}
	switch value[0] {
	case '{':
		_ = jsonscan.Object(value, func(m jsonscan.Member) { s.member(m, depth-1) })
	case '[':
		jsonscan.Elements(value, func(element []byte) { s.value(element, depth-1) })
	}
}

func (s *spoken) member(m jsonscan.Member, depth int) {
	switch string(m.Key) {
	case "content", "text", "reasoning_content", "reasoning", "thinking", "refusal", "partial_json", "arguments", "delta", "transcript",
		"summary", "output", "response":
		if len(m.Value) > 1 && m.Value[0] == '"' {
			s.bytes += len(m.Value) - 2
			return
		}
		s.value(m.Value, depth)
	case "choices", "message", "tool_calls", "function", "function_call", "functionCall", "candidates", "parts", "content_block":
		s.value(m.Value, depth)
	case "args", "input": // a call's arguments as an object
		if len(m.Value) > 2 && m.Value[0] == '{' {
			s.bytes += len(m.Value)
		}
	}
}

// CharactersOf is how many characters a member of a request has that is a text.
func CharactersOf(body []byte, name string) int {
	text, ok := jsonscan.String(jsonscan.MemberOf(body, name))
	if !ok {
		return 0
	}
	return utf8.RuneCountInString(text)
}

// SaidCost is what a usage says that a call cost, in nano-dollars, by one of the names that providers have for it; false if a member is
// none of them.
//
// OpenRouter: cost, in dollars (https://openrouter.ai/docs/use-cases/usage-accounting). xAI: cost_in_usd_ticks, 10^10 to the dollar
// (https://docs.x.ai/developers/cost-tracking). Perplexity: cost.total_cost, in dollars (https://docs.perplexity.ai).
func SaidCost(m jsonscan.Member) (nano int64, ok bool) {
	switch string(m.Key) {
	case "cost":
		value := m.Value
		if len(value) > 0 && value[0] == '{' {
			value = jsonscan.MemberOf(value, "total_cost")
		}
		return nanoOf(value)
	case "cost_in_usd_ticks":
		ticks, ok := jsonscan.Count(m.Value)
		return ticks/10 + ticks%10/5, ok
	}
	return 0, false
}

// nanoOf is a number of dollars in nano-dollars, rounded half up; false if it is none, is negative, or is more than an int64 holds.
func nanoOf(value []byte) (nano int64, ok bool) {
	const longest, longestExponent = 40, 3
	if len(value) == 0 || len(value) > longest || value[0] < '0' || value[0] > '9' {
		return 0, false
	}
	if _, exponent, has := bytes.Cut(bytes.ToLower(value), []byte{'e'}); has && len(exponent) > longestExponent {
		return 0, false
	}
	r, ok := new(big.Rat).SetString(string(value))
	if !ok {
		return 0, false
	}
	r.Mul(r, big.NewRat(1_000_000_000, 1)).Add(r, big.NewRat(1, 2))
	n := new(big.Int).Quo(r.Num(), r.Denom())
	return n.Int64(), n.IsInt64()
}
