// Package openai speaks the OpenAI API (https://platform.openai.com/docs/api-reference) to OpenAI and to everything that is
// compatible with it.
//
// Calls of /v1/chat/completions, /v1/completions and /v1/embeddings go through as they came: only the model's name is
// replaced, where the channel maps it. Calls of /v1/messages are converted to chat completions and the answers back.
//
// What a Messages request may say and the conversion leaves out, because chat completions have no equivalent and the answer is
// still what was asked for: thinking, top_k, cache_control, citations, service_tier, container, context_management,
// output_config.effort, the thinking and redacted_thinking blocks of earlier turns, the title of a text document, and that a
// last assistant turn is to be continued rather than answered. What cannot be left out without changing the request (the
// provider's own tools, files of the Files API, unknown blocks) is an error that names the place.
package openai

import (
	"net/http"
	"slices"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/wire"
)

// Lanes is the ways to a channel of the type.
func Lanes(*config.Channel) channel.Lanes {
	return channel.Lanes{wire.ChatCompletions: native{}, wire.Completions: native{}, wire.Embeddings: native{}, wire.Messages: messages{}}
}

// native is for clients that speak the provider's format.
type native struct{}

func (native) Converts() bool { return false }

func (native) Request(call *channel.Call, target channel.Target) (channel.Request, error) {
	h := header(call)
	if beta := call.Header.Values("OpenAI-Beta"); len(beta) > 0 {
		h["Openai-Beta"] = slices.Clone(beta)
	}
	body, asksUsage := nativeBody(call, target)
	return channel.Request{Path: call.Endpoint.Path(), Header: h, Body: continuing(body, call, target), AsksUsage: asksUsage}, nil
}

func (native) Answer(call *channel.Call) channel.Translator {
	return &nativeTranslator{asked: call.Choices}
}

// messages is for clients that speak Anthropic's.
type messages struct{}

func (messages) Converts() bool { return true }

func (messages) Request(call *channel.Call, target channel.Target) (channel.Request, error) {
	body, err := chatFromMessages(call, target)
	if err != nil {
		return channel.Request{}, err
	}
	return channel.Request{
		Path: wire.ChatCompletions.Path(), Header: header(call), Body: continuing(body, call, target), AsksUsage: call.Stream && target.AskUsage,
	}, nil
}

func (messages) Answer(*channel.Call) channel.Translator { return &messagesTranslator{} }

// Values of request headers, which are shared by all requests: a header that is set again gets a value of its own.
var (
	applicationJSON = []string{"application/json"}
	eventStream     = []string{"text/event-stream"}
)

func header(call *channel.Call) http.Header {
	h := make(http.Header, 5)
	h["Content-Type"], h["Accept"] = applicationJSON, applicationJSON
	if call.Stream {
		h["Accept"] = eventStream
	}
	return h
}

// List asks for the models (https://platform.openai.com/docs/api-reference/models/list).
func List() channel.Request {
	return channel.Request{Path: "/v1/models", Header: header(&channel.Call{})}
}
