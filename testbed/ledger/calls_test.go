package ledger

import (
	"fmt"
	"strings"

	"one-api/testbed/standin"
)

// What an answer of each dialect costs by the prices below, in nano-dollars: each counts standin.Input, of which standin.Cached were
// cached, and standin.Output; Anthropic's has written some to the cache as well.
const prices = `prices:
  - {model: "gpt-4o*", input: 2, cached: 1, output: 8}
  - {model: "claude-*", input: 3, cached: 0.3, cache_write: 3.75, output: 15}
  - {model: "gemini-*", input: 1, cached: 0.25, output: 4}
  - {model: "text-embedding-*", input: 0.5}
`

// cost is what tokens cost that a provider has counted, or that were guessed.
func cost(dialect string, uncached, cached, written, output int64) int64 {
	switch dialect {
	case "openai":
		return uncached*2000 + cached*1000 + output*8000
	case "anthropic":
		return uncached*3000 + cached*300 + written*3750 + output*15000
	default:
		return uncached*1000 + cached*250 + output*4000
	}
}

// known is what each answer of a dialect costs.
func known(dialect string) int64 {
	if dialect == "anthropic" {
		return cost(dialect, standin.Fresh, standin.Cached, standin.Written, standin.Output)
	}
	return cost(dialect, standin.Input-standin.Cached, standin.Cached, 0, standin.Output)
}

// row is what has to be remembered of an attempt.
type row struct {
	dialect, outcome, source string
	cost                     int64 // nano-dollars; -1: what the tokens cost that the row has, which are guesses
}

// left is the outcome of a call whose client left, and whose upstream went on to its end: that may come before the relay sees that the
// client has gone.
const left = "client_gone or completed"

// kind is a kind of call, and what is to become of it.
type kind struct {
	name          string
	path          string // a model's name for %s; empty: chat completions
	body          string // a model's name and the text for %s
	first, second string // dialects of its channels; second may be empty
	acts          map[string]act
	leaves        bool // its client does, behind the first piece
	resume        bool
	rows          []row
	status        int  // 0: 200
	guessed       bool // its sums are not the provider's
}

const (
	chatBody     = `{"model":%q,"messages":[{"role":"user","content":%q}]}`
	streamBody   = `{"model":%q,"stream":true,"messages":[{"role":"user","content":%q}]}`
	countedBody  = `{"model":%q,"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":%q}]}`
	messagesBody = `{"model":%q,"max_tokens":100,"messages":[{"role":"user","content":%q}]}`
	messageSBody = `{"model":%q,"max_tokens":100,"stream":true,"messages":[{"role":"user","content":%q}]}`
	inputBody    = `{"model":%q,"input":%q}`
	geminiBody   = `{"contents":[{"role":"user","parts":[{"text":%q}]}]}`
)

func good(dialect string) row { return row{dialect, "completed", "provider", known(dialect)} }
func failed(dialect, outcome string) row {
	return row{dialect, outcome, "none", 0}
}
func guessed(dialect, outcome string) row { return row{dialect, outcome, "estimated", -1} }

// kinds are all of them.
var kinds = []kind{
	{name: "whole", body: chatBody, first: "openai", rows: []row{good("openai")}},
	{name: "streamed", body: streamBody, first: "openai", rows: []row{good("openai")}},
	{name: "streamed-and-counted", body: countedBody, first: "openai", rows: []row{good("openai")}},
	{name: "native-messages", path: "/v1/messages", body: messagesBody, first: "anthropic", rows: []row{good("anthropic")}},
	{name: "native-messages-streamed", path: "/v1/messages", body: messageSBody, first: "anthropic", rows: []row{good("anthropic")}},
	{name: "converted", body: chatBody, first: "anthropic", rows: []row{good("anthropic")}},
	{name: "converted-and-streamed", body: streamBody, first: "anthropic", rows: []row{good("anthropic")}},
	{name: "converted-back", path: "/v1/messages", body: messageSBody, first: "openai", rows: []row{good("openai")}},
	{name: "responses-converted", path: "/v1/responses", body: inputBody, first: "anthropic", rows: []row{good("anthropic")}},
	{name: "gemini", path: "/v1beta/models/%s:generateContent", body: geminiBody, first: "gemini", rows: []row{good("gemini")}},
	{name: "gemini-streamed", path: "/v1beta/models/%s:streamGenerateContent?alt=sse", body: geminiBody, first: "gemini", rows: []row{good("gemini")}},
	{
		name: "gemini-thinks", path: "/v1beta/models/%s:generateContent", body: geminiBody, first: "gemini", acts: map[string]act{"gemini": thinks},
		rows: []row{{"gemini", "completed", "provider", cost("gemini", standin.Input-standin.Cached, standin.Cached, 0, standin.Output+standin.GeminiThoughts)}},
	},
	{name: "gemini-converted", path: "/v1beta/models/%s:generateContent", body: geminiBody, first: "openai", rows: []row{good("openai")}},
	{name: "chat-by-gemini", body: streamBody, first: "gemini", rows: []row{good("gemini")}},
	{
		name: "retried", body: chatBody, first: "openai", second: "anthropic", acts: map[string]act{"openai": isBusy},
		rows: []row{failed("openai", "upstream_status"), good("anthropic")},
	},
	{
		name: "retried-behind-much-text", body: streamBody, first: "anthropic", second: "openai", acts: map[string]act{"anthropic": fails},
		rows: []row{failed("anthropic", "upstream_status"), good("openai")},
	},
	{
		name: "refused-upstream", body: chatBody, first: "openai", acts: map[string]act{"openai": refuses}, status: 400,
		rows: []row{failed("openai", "upstream_status")},
	},
	{
		name: "drained", body: streamBody, first: "openai", acts: map[string]act{"openai": goesOn}, leaves: true,
		rows: []row{{"openai", left, "provider", known("openai")}},
	},
	{
		name: "drained-converted", body: streamBody, first: "anthropic", acts: map[string]act{"anthropic": goesOn}, leaves: true,
		rows: []row{{"anthropic", left, "provider", known("anthropic")}},
	},
	{
		name: "counted-as-zero", body: chatBody, first: "openai", acts: map[string]act{"openai": countsZero},
		rows: []row{{"openai", "completed", "provider", cost("openai", standin.Input-standin.Cached, standin.Cached, 0, 0)}},
	},

	{
		name: "cancelled", body: streamBody, first: "openai", acts: map[string]act{"openai": hangs}, leaves: true,
		rows: []row{guessed("openai", "client_gone")}, guessed: true,
	},
	{
		name: "cancelled-native", path: "/v1/messages", body: messageSBody, first: "anthropic", acts: map[string]act{"anthropic": hangs}, leaves: true,
		rows: []row{guessed("anthropic", "client_gone")}, guessed: true,
	},
	{
		name: "cut", body: streamBody, first: "openai", acts: map[string]act{"openai": cuts},
		rows: []row{guessed("openai", "upstream_reset")}, guessed: true,
	},
	{
		name: "cut-in-a-whole-answer", body: chatBody, first: "openai", second: "anthropic", acts: map[string]act{"openai": cuts},
		rows: []row{guessed("openai", "upstream_reset or upstream_truncated"), good("anthropic")}, guessed: true,
	},
	{
		name: "ended-short", path: "/v1/messages", body: messageSBody, first: "anthropic", acts: map[string]act{"anthropic": endsShort},
		rows: []row{guessed("anthropic", "upstream_truncated")}, guessed: true,
	},
	{
		name: "broken-by-an-error", body: streamBody, first: "openai", acts: map[string]act{"openai": reportsError},
		rows: []row{guessed("openai", "upstream_error_event")}, guessed: true,
	},
	{
		name: "an-error-alone", body: streamBody, first: "openai", second: "anthropic", acts: map[string]act{"openai": onlyErrs},
		rows: []row{failed("openai", "upstream_error_event"), good("anthropic")},
	},
	{
		name: "rescued", body: streamBody, first: "openai", second: "anthropic", acts: map[string]act{"openai": cuts}, resume: true,
		rows: []row{guessed("openai", "upstream_reset"), good("anthropic")}, guessed: true,
	},
	{
		name: "rescued-from-an-error", path: "/v1/messages", body: messageSBody, first: "anthropic", second: "openai", acts: map[string]act{"anthropic": reportsError}, resume: true,
		rows: []row{guessed("anthropic", "upstream_error_event"), good("openai")}, guessed: true,
	},
	{
		name: "not-counted", body: chatBody, first: "openai", acts: map[string]act{"openai": countsNot},
		rows: []row{guessed("openai", "completed")}, guessed: true,
	},
	{
		name: "not-counted-streamed", body: streamBody, first: "openai", acts: map[string]act{"openai": countsNot},
		rows: []row{guessed("openai", "completed")}, guessed: true,
	},
}

// acts is what providers do, by kind and dialect.
func acts() map[string]map[string]act {
	all := map[string]map[string]act{}
	for i := range kinds {
		all[kinds[i].name] = kinds[i].acts
	}
	return all
}

// models is what a dialect's chat model is asked for by.
var dialects = map[string]standin.Dialect{"openai": standin.OpenAI{}, "anthropic": standin.Anthropic{}, "gemini": standin.Gemini{}}

// channels is the YAML of two channels a kind, so that what one does to its channels is nothing to another.
func channels(at map[string]*provider) string {
	var yaml strings.Builder
	yaml.WriteString("channels:\n")
	for i := range kinds {
		k := &kinds[i]
		for n, dialect := range []string{k.first, k.second} {
			if dialect == "" {
				continue
			}
			resume := ""
			if k.resume {
				resume = ", resume: true"
			}
			fmt.Fprintf(&yaml, "  - {name: %s-%s, type: %s, base_url: %q, keys: [%s], models: [%s], model_mapping: {%[6]s: %s}, priority: %d%s}\n",
				k.name, dialect, dialect, at[dialect].URL, standin.Key, k.name, dialects[dialect].Model(), 10-n, resume)
		}
	}
	return yaml.String()
}

// request is a call's path and body.
func (k *kind) request(number int, text string) (path, body string) {
	said := fmt.Sprintf("call %d: %s", number, text)
	switch {
	case strings.Contains(k.path, "%s"):
		return fmt.Sprintf(k.path, k.name), fmt.Sprintf(k.body, said)
	case k.path == "":
		return "/v1/chat/completions", fmt.Sprintf(k.body, k.name, said)
	default:
		return k.path, fmt.Sprintf(k.body, k.name, said)
	}
}
