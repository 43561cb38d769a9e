package provider

// Quirks is in what a provider differs from the others that speak its format. The zero value is one that takes what is common, and
// no more: what is sent to it is chosen so that servers that nobody has heard of take it too.
type Quirks struct {
	// MaxCompletionTokens says that it knows OpenAI's newer name for the limit of an answer, which some models insist on.
	MaxCompletionTokens bool
	// UsageUnasked says that its streams end with their usage whether that is asked for or not, and that it need not, or must not, be
	// asked.
	UsageUnasked bool
	// ReasoningBack says that it wants the reasoning of earlier turns back, and answers 400 without it once tools have been called.
	ReasoningBack bool
	// ToolCallID is how long the ids of tool calls are, to the letter or digit; 0: it takes any.
	ToolCallID int
}
