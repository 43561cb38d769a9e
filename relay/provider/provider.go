// Package provider is who answers calls, as data: what they speak, where, how they want to be asked, and in what they differ from
// the others that speak the same. It does no I/O and knows no formats; whoever puts a channel together reads it.
//
// A vendor that speaks a format needs one entry in a table here and nothing else: the channel type, its row in the
// documentation, the variable that makes a channel of it and its name in telemetry follow from that.
package provider

import (
	"slices"

	"one-api/relay/wire"
)

// Provider is one kind of channel.
type Provider struct {
	Type string   // what the configuration calls it
	Also []string // what else people call it. None of these is a type: they are for hints
	Name string   // gen_ai.provider.name (OpenTelemetry's GenAI conventions); empty means as Type

	// BaseURL is where the provider itself answers; empty if every channel says where.
	BaseURL string
	// Elsewhere is the other places where it is the provider itself that answers, such as that for another part of the world.
	Elsewhere []string
	// Version is that of its API, which is added to a base URL without one; empty means v1.
	Version string
	// Unversioned means that its own addresses have no version in them, and want none.
	Unversioned bool
	// Generic means that the type is also that of others who speak the format and have none of their own.
	Generic bool
	// Cloud is whose account the models are in, if addresses and credentials are that account's and follow from keys of their own.
	Cloud Cloud
	// Keyless means that its own address takes calls without a key.
	Keyless bool

	Speaks []Dialect // in order of preference
	List   string    // the path of the list of its models; empty if it has none
	// ListsMore means that what it lists is what there could be, and that not all of it can be called.
	ListsMore bool
	Auth      Auth

	// KeyVariables are environment variables that make a channel if there is no file; the first one that is set does.
	KeyVariables []string
	// Account are variables that make a channel of a cloud's account together, as the cloud's own tools read them.
	Account []AccountVariable

	Models []string // globs: what a channel without a list of its own serves
	// Unasked is globs as well, of a channel that the environment makes where nobody has asked for it; nil: Models.
	Unasked   []string
	WellKnown []string // some of the models, to be listed if the provider has not been asked for its own list, or has none
	// HidesReasoning is the beginnings of the names of models that think for a while without a word of it in their streams. A sign of
	// life restarts the wait for their first token.
	HidesReasoning []string
	// OnlyResponses is globs of models that it serves on the Responses API and nowhere else.
	OnlyResponses []string
	Continues     Continuing
	Quirks        Quirks
	Says          []Saying
	// SaysCost means that its usage says what a call cost, in all, and that this is what it takes.
	SaysCost bool
}

// TelemetryName is the value of gen_ai.provider.name.
func (p *Provider) TelemetryName() string {
	if p.Name == "" {
		return p.Type
	}
	return p.Name
}

// Speak reports whether the provider speaks a format.
func (p *Provider) Speak(f Format) bool {
	return slices.ContainsFunc(p.Speaks, func(d Dialect) bool { return d.Format == f })
}

// AccountVariable is an environment variable of a cloud's.
type AccountVariable struct{ Name, Is, Help string }

// Cloud is a cloud, in whose accounts models are.
type Cloud string

// The clouds.
const (
	Azure  Cloud = "azure"
	Vertex Cloud = "vertex"
	AWS    Cloud = "bedrock"
)

// Format is a wire format that providers speak.
type Format string

// The formats.
const (
	Chat      Format = "chat"      // OpenAI's: chat completions, and what belongs to them
	Messages  Format = "messages"  // Anthropic's
	Responses Format = "responses" // OpenAI's Responses API
	Realtime  Format = "realtime"  // OpenAI's Realtime API
	Gemini    Format = "gemini"    // Google's
	Cohere    Format = "cohere"    // Cohere's rerank

	Invoke   Format = "invoke"   // Anthropic's by Amazon Bedrock's InvokeModel
	Converse Format = "converse" // Amazon Bedrock's for all models

	VertexGemini   Format = "vertex-gemini"   // Google's as Vertex AI has it
	VertexMessages Format = "vertex-messages" // Anthropic's as Vertex AI has it
	Bedrock        Format = "bedrock"         // Amazon's: Anthropic's with InvokeModel, Converse for all others
)

// Dialect is a format as one provider speaks it.
type Dialect struct {
	Format Format
	// Endpoints are those of the format that the provider has; nil means all. At another address than its own nobody knows, and all are
	// tried.
	Endpoints []wire.Endpoint
	// Models are those that it is spoken to for, as globs of what the upstream calls them; nil means all. Of several dialects that have
	// some the first one counts, and no other.
	Models []string
	// AtHome means that the provider itself speaks it, and that others of its type may not.
	AtHome bool
	// Path is where an endpoint is for a model, escaped; nil means own, the endpoint's usual path.
	Path func(own, model string, stream bool) string
	// Query is the raw query of an endpoint for a model; nil means the one that it has.
	Query func(raw, model string) string
	// Named is what the model is called in the body; nil: as it is asked for.
	Named func(model string) string
	// Quirks is in what its maker differs from the others that speak the format, if not as the provider does; nil: it does not.
	Quirks *Quirks
}

// Continuing is what a provider makes of a call that ends with an assistant's message.
type Continuing struct {
	// Official tells that the provider itself continues with the message. Others that speak its format are asked to wherever the
	// configuration has streams resumed.
	Official bool
	// TrimSpace is for a provider that refuses such a message when it ends in white space.
	TrimSpace bool
}

// Saying is a provider's own word for something that its status does not say, or says otherwise.
type Saying struct {
	Status int      // with which it comes; an error inside an answer may have none
	Words  []string // any of them, in lower case, in its message
	Means  Meaning
	Code   string // what clients are told
	Tells  string // what clients are told in words; empty means the provider's
	Notes  string // what the operator is told beside the provider's words; empty means nothing
}

// NotKept is what clients are told by a Saying that something which a request names is not among what the provider keeps for the account.
const NotKept = "not_found"

// Meaning is what a Saying is about.
type Meaning uint8

// The meanings.
const (
	AboutRequest Meaning = iota // what the client asks for, which nobody else should be asked either
	AboutKey                    // the key or its account
	AboutServer                 // the provider is in trouble
	AboutModel                  // what this account may be asked for, and another one may have
	AboutPlace                  // the channel's configuration, or the machine's
)
