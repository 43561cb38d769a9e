package provider

// Quirks is in what a provider differs from the others that speak its format. The zero value is a server of which nothing is known but
// that it is compatible: what is sent to it is chosen so that servers that nobody has heard of take it too.
type Quirks struct {
	// MaxCompletionTokens means that it knows OpenAI's newer name for the limit of an answer, which some models insist on.
	MaxCompletionTokens bool
	// OwnMembers means that it takes what OpenAI has of its own: prompt_cache_key, service_tier, verbosity, metadata.
	OwnMembers bool
	// UsageUnasked means that its streams end with their usage whether that is asked for or not, and that it need not, or must not, be
	// asked.
	UsageUnasked bool
	// Reasoning says whether the reasoning of earlier turns is given back in their messages (reasoning_content).
	Reasoning Back
	// Thinking says how the provider is told to think, or not to.
	Thinking Switch
	// MidSystem means that a system message may stand in the middle of a conversation. Elsewhere it is joined to the first one, for the
	// chat templates of many models refuse it.
	MidSystem bool
	// CacheHints means that cache_control is taken in the parts of a message.
	CacheHints bool
	// NoSchemas means that a response_format has no json_schema, so that the schema is asked for in words.
	NoSchemas bool
	// NoToolChoice means that there is no tool_choice, or none but auto: that a tool has to be called cannot be said, and that none may
	// be is said by leaving the tools out.
	NoToolChoice bool
	// ThoughtlessChoice means that a tool that has to be called is refused while the model thinks, which it does unless it is told not to.
	ThoughtlessChoice bool
	// NoEffort means that there is no reasoning_effort, except for the models that are known to take it.
	NoEffort bool
	// WideEffort means that reasoning_effort is low, high or max.
	WideEffort bool
	// MostThinking is how many tokens a model may be told to think at most (thinking_budget); 0 if it cannot be told.
	MostThinking int64
	// TopK means that there is a top_k, which OpenAI has not.
	TopK bool
	// Films means that a message may have films in it (video_url).
	Films bool
	// NoZero means that the temperature has to be above 0.
	NoZero bool
	// Also is further members of a converted request, as JSON; empty if there are none.
	Also string
	// ShortIDs means that ids of tool calls have nine letters and digits.
	ShortIDs bool
	// Bare means that members of a message that OpenAI has are refused even if they say nothing, as in the answers of OpenAI that clients
	// give back: "refusal": null, "annotations": [].
	Bare bool
	// LongestID is how many characters the id of a tool call may have; 0 means any number.
	LongestID int
	// ThoughtSignatures means that calls of earlier turns are refused without a signature.
	ThoughtSignatures bool
	// NoUser means that there is no user.
	NoUser bool
	// Seed is what the seed is called; empty means seed.
	Seed string
	// LongestUser is how many characters the end user's id may have; 0 means 64.
	LongestUser int
	// MostStops is how many stop sequences are taken; 0 means as many as there are.
	MostStops int
}

// Back is when earlier reasoning is given back to a provider.
type Back uint8

// The ways.
const (
	BackUnsigned Back = iota // what nobody signed: a compatible server has made it, and may want it back
	BackNever                // the provider refuses it
	BackAlways               // the provider refuses tool calls without it
	BackDetails              // as BackUnsigned, in a member of its own form (reasoning_details)
)

// Switch is how a chat provider is told to think or not to.
type Switch uint8

// The switches.
const (
	SwitchNone      Switch = iota
	SwitchType             // "thinking": {"type": "enabled"}
	SwitchEnable           // "enable_thinking": true
	SwitchReasoning        // "reasoning": {"enabled": true}, which has effort and budget in it too
)

// QuirksAt is the provider's quirks at its own address or at another one. A type that stands for whatever is compatible says nothing of
// another's.
func (p *Provider) QuirksAt(own bool) *Quirks {
	if p.Generic && !own {
		return &unknown
	}
	return &p.Quirks
}

// unknown is what is known of a server of which nobody knows anything. Nobody changes it.
var unknown Quirks
