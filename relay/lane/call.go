package lane

import (
	"io"
	"net/http"

	"one-api/relay/config"
	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/membudget"
	"one-api/relay/provider"
	"one-api/relay/spool"
	"one-api/relay/wire"
)

// Lane is one way from a client endpoint to a provider: native, if both speak one format, or converted. It turns a client's call
// into an upstream request, and upstream bytes into client bytes. It does no I/O, holds nothing, and is used by many goroutines
// at once.
type Lane interface {
	// Converts reports whether calls and answers are decoded and encoded anew, which takes far more memory than passing them
	// through.
	Converts() bool

	// Request makes the upstream request for a call. An error is a *wire.Error: the call cannot be said in the provider's
	// format, and the client is told what to change.
	Request(call *Call, target Destination) (Outgoing, error)

	// Answer makes the translator of one 2xx answer to call. sent is Request.Converted.
	Answer(call *Call, sent *Converted) Translator
}

// ByModel is a lane of a channel whose models do not all speak one format: it stands for another one for each.
type ByModel interface {
	Lane
	// Of is the lane to a model, as the upstream calls it. It is the same each time.
	Of(model string) Lane
}

// Lanes is the lane of each client endpoint; nil if the provider cannot serve it. They are put together when the configuration is
// loaded, so that selection reads a slice and asks nobody.
type Lanes [wire.Endpoints]Lane

// Call is a client's request as far as a lane has to know it. It is read-only: attempts share it.
type Call struct {
	RequestID string
	Token     *config.Token // the client's; nil if the relay itself asks
	Endpoint  wire.Endpoint
	Stream    bool             // the client asked for a stream
	Stores    bool             // the upstream is to keep the answer
	Untraced  bool             // no span is made of it: there is none in its context to be looked for
	Keep      bool             // another attempt can follow once a stream has begun
	Choices   int32            // how many answers the client asked for (n); 0 if it did not say
	MaxOutput int32            // how many tokens an answer may have; 0 if the client did not say
	Input     int32            // how many tokens of input the body is, as a guess
	Model     string           // as the client asked for it
	Body      []byte           // the whole body: a valid JSON object. nil once a stream has begun, unless Keep says so
	Form      *Multipart       // a body that is multipart/form-data; nil if it is an object, which is Body then
	Prefix    string           // the answer's text so far, of which the upstream is asked for the rest; empty means all of it
	Path      *string          // where the call goes, escaped; nil means the endpoint's usual path
	ModelFrom int              // Body[ModelFrom:ModelTo] is the value of "model", quotes included
	ModelTo   int              //
	Options   UsageAsked       // what the client says of its stream
	Held      *membudget.Lease // what Body holds of the process's budget; nil if it is not counted
	Header    http.Header      // the client's headers. Only what the provider's format defines may be passed on
	Query     string           // the raw query, under the same rule
}

// Multipart is a body that is multipart/form-data. It is closed by whoever has read it.
type Multipart struct {
	Type               string // Content-Type, boundary included
	Boundary           string
	Body               *spool.Body
	Start              int64 // where its first delimiter begins
	ModelFrom, ModelTo int64 // where the value of the part "model" is; 0, 0 if there is no such part
}

// Close gives back what holds the body. It may be called on nil, and again.
func (f *Multipart) Close() {
	if f != nil {
		f.Body.Close()
	}
}

// with is the form with a model in it, and with all else as it was. empty: as it came.
func (f *Multipart) with(model string) Source {
	e := &spool.Edited{Body: f.Body}
	switch {
	case model == "":
	case f.ModelTo == 0:
		e.From, e.To = f.Start, f.Start
		e.Text = []byte("--" + f.Boundary + "\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n" + model + "\r\n")
	default:
		e.From, e.To, e.Text = f.ModelFrom, f.ModelTo, []byte(model)
	}
	return e
}

// Source is a body that is not in memory. It can be sent any number of times.
type Source interface {
	// Size is how many bytes that is.
	Size() int64
	// Open begins to read it. Close may come from another goroutine than the one that reads.
	Open() io.ReadCloser
}

// UsageAsked is what a client says of its stream (stream_options of OpenAI's format), as far as it has to be known.
type UsageAsked struct {
	From, To           int  // Body[From:To] is the value; 0, 0 if it says nothing
	Usage              bool // it asks to be told the usage (include_usage)
	UsageFrom, UsageTo int  // Body[UsageFrom:UsageTo] says whether it does; 0, 0 if it does not say
}

// Rename puts another model into the call, whose body it copies.
func (c *Call) Rename(model string) {
	if c.ModelTo == 0 { // it is not in the body
		c.Model = model
		return
	}
	at, before := c.ModelTo, len(c.Body)
	c.Body = jsonscan.Replace(c.Body, c.ModelFrom, c.ModelTo, model)
	c.Model = model
	c.moved(at, len(c.Body)-before)
}

// moved notes that what ends at a place in the body, or behind it, ends further on by so much.
func (c *Call) moved(at, by int) {
	for _, place := range [...]*int{&c.ModelFrom, &c.ModelTo, &c.Options.From, &c.Options.To, &c.Options.UsageFrom, &c.Options.UsageTo} {
		if *place >= at {
			*place += by
		}
	}
}

// Destination is what one channel adds to a call.
type Destination struct {
	Model string // after the channel's model mapping
	// Official is true if the provider itself answers and not something compatible with it.
	Official bool
	// Quirks is in what the provider differs from others that speak its format; nil if nothing is known.
	Quirks *provider.Quirks
	// AskUsage has the upstream asked for the usage of a stream, for which the client does not ask.
	AskUsage bool
	// Thoughts has something put into the place of reasoning that is not given back: the upstream has refused a conversation without.
	Thoughts bool
	// Unsigned has the reasoning of earlier turns left out: the upstream has refused what another provider has signed.
	Unsigned bool
	// Hint says how the upstream is told to continue a message, if the call has a Prefix.
	Hint format.Hint
}

// Outgoing is an upstream request as a value: the exchange sends it.
type Outgoing struct {
	Method string      // empty means POST
	Path   string      // such as /v1/chat/completions, escaped
	Query  string      // raw, usually empty
	Header http.Header // owned by the exchange from here on; Content-Type included, but no credentials
	Body   []byte
	Source Source // the body, if it is not Body; nil if it is
	// AsksUsage means that it asks for the usage of a stream, and the client's call did not.
	AsksUsage bool
	// Converted is what a conversion has to say of itself; nil if there was none. A request is passed by value on the way to where a
	// stream waits, so it is kept small.
	Converted *Converted
}

// Converted is what a lane did to a request.
type Converted struct {
	// State is what the lane has to know of the request when its answer comes. It is kept until then.
	State any
	// Dropped is what was left out although it costs money or changes the answer; From and To are the formats.
	Dropped  []string
	From, To string
	// Lost means that reasoning of earlier turns was left out because the provider could not read it, and Gave that it was given some that
	// it has signed or encrypted itself.
	Lost, Gave bool
}

// Translator turns one answer into the client's format. What is wrong with an answer it says as a *format.Fault; the exchange makes
// a *Failure of that.
type Translator = format.Translator

// UsageHider is a translator for clients who may not have asked for the usage of their streams.
type UsageHider interface {
	// HideUsage keeps from the client what its upstream was asked for without it: a chunk that says nothing but the usage.
	HideUsage()
}

// Chunk is what one upstream event becomes.
type Chunk = format.Chunk
