// Package xai speaks to xAI (https://docs.x.ai/docs/api-reference), whose API is OpenAI's but for its errors.
package xai

import (
	"errors"
	"net/http"

	"one-api/relay/channel"
	"one-api/relay/channel/openai"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// Provider is the provider's name in telemetry (gen_ai.provider.name of the OpenTelemetry GenAI conventions).
const Provider = "x_ai"

// DefaultBaseURL is where a channel without a base URL of its own sends its calls.
const DefaultBaseURL = "https://api.x.ai"

// DefaultModels are the globs of the models that a channel without a list of its own serves.
var DefaultModels = []string{"grok-*"}

// WellKnown is some of the provider's models (https://docs.x.ai/docs/models).
var WellKnown = []string{"grok-4", "grok-4-fast-reasoning", "grok-4-fast-non-reasoning", "grok-code-fast-1", "grok-3", "grok-3-mini"}

// HidesReasoning is the models whose reasoning is no part of a chat completion (https://docs.x.ai/docs/guides/reasoning).
var HidesReasoning = []string{"grok-4"}

type adaptor struct{ channel.Adaptor }

// New makes the adaptor. It holds nothing.
func New() channel.Adaptor { return adaptor{openai.New()} }

// Converts is channel.Converter's: as openai does.
func (a adaptor) Converts(endpoint wire.Endpoint) bool {
	return a.Adaptor.(channel.Converter).Converts(endpoint)
}

// List is channel.Lister's: as openai does.
func (a adaptor) List(target channel.Target) channel.Request {
	return a.Adaptor.(channel.Lister).List(target)
}

func (a adaptor) Answer(call *channel.Call) channel.Translator {
	return translator{a.Adaptor.Answer(call)}
}

func (a adaptor) Failure(status int, header http.Header, body []byte) *channel.Failure {
	f := a.Adaptor.Failure(status, header, body)
	correct(f)
	return f
}

// translator corrects the errors that xAI reports inside a 200 answer.
type translator struct{ channel.Translator }

func (t translator) Whole(body []byte) ([]byte, error) {
	out, err := t.Translator.Whole(body)
	return out, corrected(err)
}

func (t translator) Event(event sse.Event) (channel.Step, error) {
	step, err := t.Translator.Event(event)
	return step, corrected(err)
}

func (t translator) End() (channel.Step, error) {
	step, err := t.Translator.End()
	return step, corrected(err)
}

func corrected(err error) error {
	var f *channel.Failure
	if errors.As(err, &f) && f.Outcome == channel.UpstreamErrorEvent {
		correct(f)
	}
	return err
}
