package lane

import (
	"one-api/relay/format"
	"one-api/relay/format/gemini"
	"one-api/relay/llm"
	"one-api/relay/provider"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// converted is any client format over any that a provider speaks: what is asked is parsed and built, what is answered decoded and
// encoded.
type converted struct {
	family *Family
	client *format.Format
	server *format.Format
	seal   *format.Seal
}

func (*converted) Converts() bool { return true }

// Over is the endpoint of the provider's own that is asked.
func (l *converted) Over() wire.Endpoint { return l.family.endpoint }

// asked is what has to be known of a request when its answer comes.
type asked struct {
	includeUsage bool
	kept         any
	names        map[string]string
	model        string // the upstream's
	quirks       *provider.Quirks
}

// request is what is left of the client's.
func (a *asked) request() *llm.Request {
	return &llm.Request{IncludeUsage: a.includeUsage, Kept: a.kept}
}

// Request says the client's request in the provider's format.
func (l *converted) Request(call *Call, target Destination) (Outgoing, error) {
	r, problem := l.client.Client.Parse(call.Body)
	if problem != nil {
		return Outgoing{}, l.server.Column.Explain(problem).Wire()
	}
	r.Stream = call.Stream // which decides how the answer is read
	left, problem := l.server.Column.Admit(r)
	if problem != nil {
		return Outgoing{}, problem.Wire()
	}
	to := &format.Target{Model: target.Model, Official: target.Official, Quirks: target.Quirks, Seal: l.seal, AskUsage: target.AskUsage,
		Thoughts: target.Thoughts, Unsigned: target.Unsigned}
	body, dropped, problem := l.server.Server.Build(r, to)
	if problem != nil {
		return Outgoing{}, problem.Wire()
	}
	if l.server == gemini.Format { // which fetches what a client's link names with the account's own right
		if refused := foreignFileIn(call, body, wire.Gemini); refused != nil {
			return Outgoing{}, refused
		}
	}
	if body, problem = goOn(l.server, body, call, target); problem != nil {
		return Outgoing{}, problem.Wire()
	}
	if l.family.finish != nil {
		body = l.family.finish(body)
	}
	sent := &Converted{State: &asked{r.IncludeUsage, r.Kept, to.Names, target.Model, target.Quirks}, From: l.client.Name, To: l.server.Name,
		Lost: to.Lost, Gave: to.Gave}
	for _, feature := range append(left, dropped...) {
		sent.Dropped = append(sent.Dropped, feature.String())
	}
	if l.family.dress != nil {
		var more []string
		body, more = l.family.dress(call, body)
		sent.Dropped = append(sent.Dropped, more...)
	}
	path, query := l.family.at(l.family.to(call.Stream), target.Model, call.Stream)
	return Outgoing{
		Path: path, Query: query, Header: l.family.header(call, false), Body: body, AsksUsage: to.Asked, Converted: sent,
	}, nil
}

// Answer makes what turns the provider's answer into the client's.
func (l *converted) Answer(call *Call, sent *Converted) Translator {
	of := &asked{}
	if sent != nil {
		of = sent.State.(*asked)
	}
	return listed(call, &translator{
		client: l.client.Client, of: of,
		decoder: l.server.Server.Decode(&format.Target{Seal: l.seal, Names: of.names, Model: of.model, Quirks: of.quirks}),
	})
}

// translator turns one answer into the client's format.
type translator struct {
	client  format.Client
	decoder format.Decoder
	encoder format.Encoder // nil until the first event
	of      *asked
}

func (t *translator) Whole(body []byte) ([]byte, error) {
	var answer llm.Answer
	if err := t.decoder.Whole(body, &answer); err != nil {
		return nil, err
	}
	return t.client.Whole(t.of.request(), &answer, t.decoder.Usage()), nil
}

func (t *translator) Event(event sse.Event) (Chunk, error) {
	t.begin()
	heard, err := t.decoder.Event(event, t.encoder)
	if err != nil {
		return Chunk{}, err
	}
	return t.step(heard)
}

func (t *translator) End() (Chunk, error) {
	t.begin()
	if err := t.decoder.End(t.encoder); err != nil {
		return Chunk{}, err
	}
	return t.step(format.Heard{Done: true})
}

func (t *translator) begin() {
	if t.encoder == nil {
		t.encoder = t.client.Stream(t.of.request())
	}
	t.encoder.Begin()
}

func (t *translator) step(heard format.Heard) (Chunk, error) {
	if heard.Done {
		t.encoder.End(t.decoder.Usage())
	}
	if err := t.encoder.Err(); err != nil {
		return Chunk{}, err
	}
	return Chunk{
		Out: t.encoder.Out(), Content: heard.Content, Preamble: heard.Preamble, Done: heard.Done,
		Retained: t.decoder.Retained() + t.encoder.Retained(),
	}, nil
}

func (t *translator) Complete() bool { return t.decoder.Complete() }

// Failed is format.Failing's.
func (t *translator) Failed(e *wire.Error, requestID string) []byte {
	if encoder, ok := t.encoder.(format.Failing); ok {
		return encoder.Failed(e, requestID)
	}
	return nil
}

func (t *translator) Usage() wire.Usage { return t.decoder.Usage() }

func (t *translator) UnknownEnd() string { return t.decoder.UnknownEnd() }
