// Package llm is a conversation without a wire format, and the events of an answer to it. Formats meet here: each one is written
// once, as a codec between its bytes and these values.
//
// It is rich enough to lose nothing that two formats share. What only one format knows is not part of it: a request notes which
// such features it uses (Feature), and the format that it is built in decides what becomes of them.
package llm

import "encoding/json"

// Request is what a client asks for.
type Request struct {
	Model        string
	Instructions []Part // texts that precede all turns
	Turns        []Turn
	Tools        []Tool
	Choice       Choice
	Serial       bool // at most one tool call at a time

	MaxTokens   int64 // 0 if unsaid
	Temperature *float64
	TopP        *float64
	TopK        *int64
	Stop        []string
	Format      *Form // nil means free text
	Seed        *int64
	Presence    *float64 // presence_penalty
	Frequency   *float64 // frequency_penalty

	Effort string    // none | minimal | low | medium | high | xhigh | max; empty if unsaid
	Think  *Thinking // nil if unsaid

	// What OpenAI has of its own on both of its APIs; empty if unsaid.
	CacheKey  string          // prompt_cache_key
	Tier      string          // service_tier
	Verbosity string          // low | medium | high
	Labels    json.RawMessage // metadata, an object

	User         string
	Stream       bool
	IncludeUsage bool // the client of a stream wants its usage

	// Kept is what the client's format needs of the request when it encodes the answer. It lives as long as a stream, so it is small; no
	// other format looks at it.
	Kept any

	// Uses lists what the request asks for that not every format has, each feature once, with the place of its first use.
	Uses []Use
}

// Use is a feature and the place of the client's request that asks for it.
type Use struct {
	Feature Feature
	Path    string
}

// UsesFeature reports whether the request asks for a feature.
func (r *Request) UsesFeature(f Feature) bool {
	for _, u := range r.Uses {
		if u.Feature == f {
			return true
		}
	}
	return false
}

// PathOf is the place of the first use of a feature; empty: the request does not use it.
func (r *Request) PathOf(f Feature) string {
	for _, u := range r.Uses {
		if u.Feature == f {
			return u.Path
		}
	}
	return ""
}

// Note records that the request uses a feature. Only the first path is kept.
func (r *Request) Note(f Feature, path string) {
	for _, u := range r.Uses {
		if u.Feature == f {
			return
		}
	}
	r.Uses = append(r.Uses, Use{f, path})
}

// InstructionsAlone has the instructions said by the user if nobody says anything else. OpenAI answers such a conversation, and the others
// do not take one.
func (r *Request) InstructionsAlone() {
	if len(r.Turns) == 0 && len(r.Instructions) > 0 {
		r.Turns, r.Instructions = []Turn{{Role: User, Parts: r.Instructions}}, nil
	}
}

// Role is whose turn it is.
type Role uint8

// The roles.
const (
	User      Role = iota
	Assistant      // the model
	System         // an instruction in the middle of a conversation
)

// Turn is what one side says at a time. A format that keeps the results of tools in messages of their own has turns of one part.
type Turn struct {
	Role  Role
	Parts []Part
}

// Kind is what a Part is.
type Kind uint8

// The kinds.
const (
	Text Kind = iota
	Image
	Document
	Audio
	Video
	ToolCall
	ToolResult
	Reasoning
	Redacted // reasoning that only its maker can read
	Refusal
)

// Part is a piece of a turn. Which fields matter depends on its kind.
type Part struct {
	Kind      Kind
	Failed    bool            // ToolResult: the tool reported an error
	Text      string          // Text, Reasoning, Refusal; Redacted: its maker's bytes
	ID        string          // ToolCall, ToolResult
	Name      string          // ToolCall
	Input     json.RawMessage // ToolCall: a JSON object
	Signature string          // Reasoning: proves to its maker that it is
	Media     *Media          // Image, Document, Audio, Video
	Parts     []Part          // ToolResult: texts, images, documents
	Cache     json.RawMessage // how long the provider is to remember the conversation up to here; nil if it is not said
}

// Media is an image, a document, sound or a film: its data, or a link. A text has neither.
type Media struct {
	Type string // such as image/png, in lower case
	Data string // base64
	URL  string
	Text string // of a document that is plain text
	Name string
	Note string // what the client says of a document
	// Detail is how much of an image is looked at: low, high, auto …; empty if unsaid.
	Detail string
}

// Tool is a function that the model may call.
type Tool struct {
	Name        string
	Description string
	Schema      json.RawMessage // a JSON schema object; nil if unsaid
	Strict      *bool
	Cache       json.RawMessage
}

// Choosing says whether tools must be used.
type Choosing uint8

// The ways to choose.
const (
	ChoiceUnsaid Choosing = iota
	ChoiceAuto
	ChoiceNone
	ChoiceAny  // one of them
	ChoiceTool // the one that is named
)

// Choice is which tool must be used.
type Choice struct {
	How  Choosing
	Name string // ChoiceTool
}

// Form is the form that an answer's text must have: JSON.
type Form struct {
	Schema      json.RawMessage // nil means any object
	Name        string
	Description string
	Strict      *bool
}

// Thinking is whether the model reasons before it answers.
type Thinking struct {
	Off    bool
	Budget int64 // tokens; 0 means as many as it needs
}
