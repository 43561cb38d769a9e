// Package lane is the ways from a client's endpoint to a provider (Lane, Call, Request), and puts formats together: each client
// format over each one that a provider speaks. A new format is a folder of relay/format and a line in each of the two
// tables here.
package lane

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"one-api/relay/config"
	"one-api/relay/format"
	"one-api/relay/format/chat"
	"one-api/relay/format/completions"
	"one-api/relay/format/embeddings"
	"one-api/relay/format/gemini"
	"one-api/relay/format/media"
	"one-api/relay/format/messages"
	"one-api/relay/format/realtime"
	"one-api/relay/format/responses"
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// clients is what is spoken at each endpoint.
var clients = [wire.Endpoints]*format.Format{
	wire.ChatCompletions: chat.Format, wire.Completions: completions.Format, wire.Embeddings: embeddings.Format,
	wire.Messages: messages.Format, wire.MessagesCount: messages.Counting,
	wire.ResponsesCreate: responses.Format, wire.ResponsesTokens: responses.Counting, wire.ResponsesCompact: responses.Compaction,
	wire.ResponsesGet:    responses.Kept,
	wire.ResponsesDelete: responses.Kept, wire.ResponsesCancel: responses.Kept, wire.ResponsesItems: responses.Kept,
	wire.ImagesGenerate: media.Images, wire.ImagesEdit: media.Images, wire.ImagesVary: media.Images,
	wire.AudioSpeech: media.Audio, wire.AudioTranscribe: media.Audio, wire.AudioTranslate: media.Audio,
	wire.Moderate: media.Moderations, wire.Rerank: media.Rerank, wire.RerankV2: media.Cohere,
	wire.GeminiGenerate: gemini.Format, wire.GeminiStream: gemini.Format, wire.Realtime: realtime.Format,
	wire.GeminiCount: gemini.Counting, wire.GeminiEmbed: gemini.Embedding, wire.GeminiEmbedBatch: gemini.Embedding,
}

// Formats is every format, in the order of their endpoints.
func Formats() (all []*format.Format) {
	for _, f := range clients {
		if f.Client != nil && slices.Contains(all, f) {
			continue // it has several endpoints
		}
		all = append(all, f)
	}
	return all
}

// Rescue is how streams to clients of an endpoint are finished that break off; nil if they are not.
func Rescue(of wire.Endpoint) format.Rescue { return clients[of].Rescue }

// goOn has the body of a request, in its server's format, ask for the rest of an answer, if that is what is to be asked for.
func goOn(in *format.Format, body []byte, call *Call, target Destination) ([]byte, *format.Problem) {
	switch {
	case call.Prefix == "":
		return body, nil
	case in.Rescue == nil:
		return nil, format.Wrong("asks for the rest of an answer, which its format cannot say")
	}
	body = in.Rescue.Continue(body, call.Prefix, target.Hint)
	if target.Thoughts && in == chat.Format {
		body = chat.Thoughtful(body) // what was added is an assistant's message like the others
	}
	return body, nil
}

// Family is what providers speak of one house: a format that others are converted to, and what goes with it.
type Family struct {
	endpoint wire.Endpoint   // of the format that others are converted to
	native   []wire.Endpoint // that are passed through
	// body is a native call's, with the channel's model in it and nothing else changed but what has to be. lost: what another provider has
	// thought is left out.
	body   func(call *Call, t Destination) (body []byte, asksUsage, lost bool)
	header func(call *Call, native bool) http.Header
	query  func(raw string) string // of a client's that is passed on
	// finish is what becomes of a converted call's body at last; nil: it stays as it is.
	finish func(body []byte) []byte
	// place is where an endpoint is for a model; nil: at its usual path.
	place func(e wire.Endpoint, model string, stream bool) (path, query string)
	// server is the format that others are converted to, if that is of no client's; nil: that of the endpoint.
	server *format.Format
	// dress makes of a request in the format what the family's providers take; dropped is what is left out of it, and counted. nil: they
	// take it as it is.
	dress func(call *Call, body []byte) (dressed []byte, dropped []string)
	// counts is where it is asked how many tokens a request has; nil: nowhere.
	counts *wire.Endpoint
	// countsAs is how it is asked there, if it is in other words than those of clients; nil: in theirs.
	countsAs *format.Format
	// predicts means that vectors are made as Vertex AI makes them.
	predicts bool
	// signsForAll means that what one account's models have signed those of another read, with the same provider.
	signsForAll bool
	// streams is the endpoint of a stream that others are converted to, if that is another one.
	streams wire.Endpoint
}

// OpenAI is OpenAI's: chat completions, and what belongs to them.
var OpenAI = &Family{
	endpoint: wire.ChatCompletions,
	native: []wire.Endpoint{
		wire.ChatCompletions, wire.Completions, wire.Embeddings, wire.ImagesGenerate, wire.ImagesEdit, wire.ImagesVary,
		wire.AudioSpeech, wire.AudioTranscribe, wire.AudioTranslate, wire.Moderate, wire.Rerank,
	},
	body: openAIBody, header: openAIHeader, query: noQuery,
}

// Anthropic is Anthropic's.
var Anthropic = &Family{
	endpoint: wire.Messages, native: []wire.Endpoint{wire.Messages, wire.MessagesCount}, counts: at(wire.MessagesCount),
	body: anthropicBody, header: anthropicHeader, query: betaQuery, signsForAll: true,
}

// Responses is OpenAI's Responses API.
var Responses = &Family{
	endpoint: wire.ResponsesCreate, counts: at(wire.ResponsesTokens), body: responsesBody, header: openAIHeader, query: responsesQuery,
	native: []wire.Endpoint{
		wire.ResponsesCreate, wire.ResponsesTokens, wire.ResponsesCompact, wire.ResponsesGet, wire.ResponsesDelete, wire.ResponsesCancel,
		wire.ResponsesItems,
	},
}

// responsesBody is without what only this relay has put into a conversation.
func responsesBody(call *Call, target Destination) (body []byte, asksUsage, lost bool) {
	body = call.Body
	switch {
	case call.Endpoint.Method() != http.MethodPost:
		return nil, false, false
	case call.Endpoint.ByID():
		return []byte("{}"), false, false
	case target.Model != call.Model:
		body = jsonscan.Replace(body, call.ModelFrom, call.ModelTo, target.Model)
	}
	body, lost = responses.Clean(body)
	return body, false, lost
}

// Gemini is Google's Gemini API.
var Gemini = &Family{
	endpoint: wire.GeminiGenerate, streams: wire.GeminiStream, counts: at(wire.GeminiCount),
	native: []wire.Endpoint{wire.GeminiGenerate, wire.GeminiStream, wire.GeminiCount, wire.GeminiEmbed, wire.GeminiEmbedBatch},
	body:   geminiBody, header: geminiHeader, query: noQuery, place: geminiPlace,
}

// geminiBody is without what only this relay has put into a conversation, and names the channel's model where a body names one.
func geminiBody(call *Call, target Destination) (body []byte, asksUsage, lost bool) {
	body = call.Body
	switch call.Endpoint {
	case wire.GeminiGenerate, wire.GeminiStream:
		if call.ModelTo > 0 {
			body = jsonscan.Replace(body, call.ModelFrom, call.ModelTo, gemini.ModelName(target.Model))
		}
		body, lost = gemini.Clean(body)
	default:
		body, lost = gemini.Clean(body)
		body = gemini.Named(body, target.Model)
	}
	return body, false, lost
}

// to is the endpoint that a converted call is sent to.
func (f *Family) to(stream bool) wire.Endpoint {
	if stream && f.streams != 0 {
		return f.streams
	}
	return f.endpoint
}

// speaks is the format that others are converted to.
func (f *Family) speaks() *format.Format {
	if f.server != nil {
		return f.server
	}
	return clients[f.endpoint]
}

// at is where a call goes.
func (f *Family) at(e wire.Endpoint, model string, stream bool) (path, query string) {
	if f.place == nil {
		return e.Path(), ""
	}
	return f.place(e, model, stream)
}

// geminiPlace puts the model into the path. Of a stream's two framings it asks for events.
func geminiPlace(e wire.Endpoint, model string, _ bool) (path, query string) {
	kind := "models/"
	for _, own := range [...]string{"models/", "tunedModels/"} {
		if rest, ok := strings.CutPrefix(model, own); ok {
			kind, model = own, rest
		}
	}
	if e.AlwaysStreams() {
		query = "alt=sse"
	}
	return "/v1/" + kind + url.PathEscape(model) + ":" + e.Verb(), query
}

// Lanes is the ways to a channel of the family.
func (f *Family) Lanes(c *config.Channel) (lanes Lanes) {
	for _, endpoint := range f.native {
		lanes[endpoint] = native{f, clients[endpoint]}
	}
	f.rerankLanes(&lanes)
	f.countingLanes(&lanes, c)
	f.embeddingLanes(&lanes)
	server, seal := f.speaks(), f.seal(c)
	for endpoint, client := range clients {
		if lanes[endpoint] == nil && client.Client != nil && server.Server != nil {
			lanes[endpoint] = &converted{f, client, server, seal}
		}
	}
	return lanes
}

// Asks makes the request for the list of models.
func (f *Family) Asks() Outgoing {
	return Outgoing{Path: "/v1/models", Header: f.header(&Call{}, false)}
}

// seal is how a channel's state is kept by clients. What Anthropic's models have signed is read by them wherever the same provider serves
// them; of what others have, no more is known than that the account can read it that has it.
func (f *Family) seal(c *config.Channel) *format.Seal {
	maker := c.Account()
	if f.signsForAll {
		maker = c.Answers()
	}
	return format.NewSeal(c.Secret(), maker, c.Kin...)
}

// native is the lane between two who speak one format: bytes go through as they came, and an inspector looks on.
type native struct {
	family *Family
	format *format.Format
}

func (native) Converts() bool { return false }

// Request changes nothing but the model, and what only this relay has put there.
func (l native) Request(call *Call, target Destination) (Outgoing, error) {
	if call.Form != nil {
		return l.form(call, target), nil
	}
	if refused := foreignFile(call); refused != nil {
		return Outgoing{}, refused
	}
	body, asksUsage, lost := l.family.body(call, target)
	if target.Unsigned {
		without, signed := unsigned(call.Endpoint, body)
		body, lost = without, lost || signed
	}
	body, problem := goOn(l.format, body, call, target)
	if problem != nil {
		return Outgoing{}, problem.Wire()
	}
	if target.Thoughts && call.Endpoint == wire.ChatCompletions {
		body = chat.Thoughtful(body)
	}
	var dropped []string
	if l.family.dress != nil {
		body, dropped = l.family.dress(call, body)
	}
	var sent *Converted
	if len(dropped) > 0 || lost {
		sent = &Converted{Dropped: dropped, From: l.format.Name, To: l.format.Name, Lost: lost}
	}
	method := call.Endpoint.Method()
	if method == http.MethodPost {
		method = ""
	}
	path, query := l.family.at(call.Endpoint, target.Model, call.Stream)
	if query == "" {
		query = l.family.query(call.Query)
	}
	if call.Path != nil {
		path = *call.Path
	}
	return Outgoing{
		Method: method, Path: path, Query: query, Header: l.family.header(call, true), Body: body, AsksUsage: asksUsage, Converted: sent,
	}, nil
}

// form is a request that is multipart/form-data, as native as any: nothing of it changes but the model.
func (l native) form(call *Call, target Destination) Outgoing {
	header := l.family.header(call, true)
	header["Content-Type"] = []string{call.Form.Type}
	model := ""
	if target.Model != call.Model {
		model = target.Model
	}
	return Outgoing{Path: call.Endpoint.Path(), Header: header, Source: call.Form.with(model)}
}

// anthropicBody is without what only this relay has put into a conversation.
func anthropicBody(call *Call, target Destination) (body []byte, asksUsage, lost bool) {
	body = call.Body
	if target.Model != call.Model {
		body = jsonscan.Replace(body, call.ModelFrom, call.ModelTo, target.Model)
	}
	body, lost = messages.Clean(body)
	return body, false, lost
}

func (l native) Answer(call *Call, _ *Converted) Translator {
	return listed(call, l.format.Inspect(int(call.Choices)))
}
