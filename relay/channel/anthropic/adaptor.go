// Package anthropic is the wire format of Anthropic's Messages API (https://docs.claude.com/en/api/messages).
//
// Clients of /v1/messages are passed through: their bodies, and the answers, travel byte for byte, except for the model
// where the channel maps it. Clients of /v1/chat/completions are converted in both directions.
//
// What a chat request can ask for but Anthropic cannot give is refused with a 400 that names the field: n above 1, logprobs,
// audio, files by id, web_search_options, response_format json_object, the functions API before tools, tools and calls that
// are not functions.
//
// What only hints at a preference is ignored: frequency_penalty, logit_bias, metadata, prediction, presence_penalty,
// prompt_cache_key, reasoning_effort, safety_identifier, seed, service_tier, store, top_logprobs, verbosity, the detail of an
// image, the name of a message, and the reasoning_content of earlier answers (Anthropic only takes reasoning back with its
// signature, which the chat format has no place for). So is what the format does not define.
//
// Adjusted without a word, because the client's intent survives: a temperature above 1 becomes 1, Anthropic's highest; a top_p
// of 1 beside a temperature is left out; blank texts and blank stop sequences, which Anthropic refuses, are left out.
package anthropic

import (
	"net/http"
	"net/url"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/wire"
)

// apiVersion is the version of the API that the conversion speaks, and the one for clients that name none
// (https://docs.claude.com/en/api/versioning).
const apiVersion = "2023-06-01"

// Lanes is the ways to a channel of the type.
func Lanes(*config.Channel) channel.Lanes {
	return channel.Lanes{wire.Messages: native{}, wire.ChatCompletions: chat{}}
}

// native is for clients that speak the provider's format.
type native struct{}

func (native) Converts() bool { return false }

func (native) Request(call *channel.Call, target channel.Target) (channel.Request, error) {
	request := channel.Request{
		Path: wire.Messages.Path(), Header: header(call), Query: nativeQuery(call.Query), Body: nativeBody(call, target),
	}
	passOnVersions(request.Header, call.Header)
	return request, nil
}

func (native) Answer(*channel.Call) channel.Translator { return &passThrough{} }

// chat is for clients that speak OpenAI's.
type chat struct{}

func (chat) Converts() bool { return true }

func (chat) Request(call *channel.Call, target channel.Target) (channel.Request, error) {
	body, err := messagesBody(call, target)
	if err != nil {
		return channel.Request{}, err
	}
	return channel.Request{Path: wire.Messages.Path(), Header: header(call), Body: body}, nil
}

func (chat) Answer(call *channel.Call) channel.Translator { return newChatAnswer(call) }

// List asks for the models (https://docs.claude.com/en/api/models-list).
func List() channel.Request {
	return channel.Request{Path: "/v1/models", Header: header(&channel.Call{})}
}

// What most requests have in common. Nobody changes the values.
var (
	jsonOnly   = []string{"application/json"}
	eventsOnly = []string{"text/event-stream"}
	version    = []string{apiVersion}
)

func header(call *channel.Call) http.Header {
	h := make(http.Header, 5)
	h["Content-Type"], h["Accept"], h["Anthropic-Version"] = jsonOnly, jsonOnly, version
	if call.Stream {
		h["Accept"] = eventsOnly
	}
	return h
}

// passOnVersions lets a native client choose the version and the betas, since the answer reaches it as it is.
func passOnVersions(h, client http.Header) {
	if version := client.Get("Anthropic-Version"); version != "" {
		h.Set("Anthropic-Version", version)
	}
	for _, beta := range client.Values("Anthropic-Beta") {
		h.Add("Anthropic-Beta", beta)
	}
}

// nativeQuery keeps the one parameter that Anthropic's own SDKs send.
func nativeQuery(raw string) string {
	values, err := url.ParseQuery(raw)
	if err != nil || values.Get("beta") != "true" {
		return ""
	}
	return "beta=true"
}
