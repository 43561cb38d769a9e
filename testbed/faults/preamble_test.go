package faults

import (
	"net/http"
	"testing"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// F18: a preamble is no content. Whatever follows it, nothing was promised, and another channel is asked.

// preambles is what a provider may send before it says anything.
func preambles(v harness.Voice) map[string]string {
	if v.Anthropic {
		start := harness.Event("message_start", `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"up","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}}`)
		return map[string]string{
			"its start":             start,
			"its start and a ping":  start + v.KeepAlive(),
			"its start and a block": start + harness.Event("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`),
		}
	}
	role := harness.Event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`)
	return map[string]string{
		"its start":             role,
		"its start and a ping":  role + v.KeepAlive(),
		"its start and a block": harness.Event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[]}`) + role,
	}
}

func TestAPreambleIsNoContentAndAnotherChannelCanTakeOver(t *testing.T) {
	harness.InMatrix(t, "F18")
	afterEveryPreamble(map[string]afterPreamble{
		"an error": {"", func(w http.ResponseWriter, r *http.Request) {
			harness.Say(w, harness.VoiceFor(r).ComplaintInside("overloaded_error", "overloaded", harness.Complained))
		}, harness.Ending{Outcome: outcome.UpstreamErrorEvent, Status: http.StatusBadGateway, Message: harness.Complained}},
		"the client's mistake": {"", func(w http.ResponseWriter, r *http.Request) {
			harness.Say(w, harness.VoiceFor(r).ComplaintInside("invalid_request_error", "invalid_value", harness.Complained))
		}, harness.Ending{Outcome: outcome.UpstreamErrorEvent, Status: http.StatusBadRequest, Message: harness.Complained, Final: true}},
		"nothing": {"", func(http.ResponseWriter, *http.Request) {},
			harness.Ending{Outcome: outcome.UpstreamTruncated, Status: http.StatusBadGateway, Code: "upstream_truncated"}},
		"a broken connection": {"", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			harness.Ending{Outcome: outcome.UpstreamReset, Status: http.StatusBadGateway, Code: "upstream_reset"}},
		"half of an event": {"", func(w http.ResponseWriter, r *http.Request) {
			more := harness.VoiceFor(r).More("cut")
			harness.Say(w, more[:len(more)/2])
		}, harness.Ending{Outcome: outcome.UpstreamTruncated, Status: http.StatusBadGateway, Code: "upstream_truncated"}},
	}).inEveryVariant(t, plan{})
}

// TestAPreambleHoldsNoClockBack is for those who wait behind one.
func TestAPreambleHoldsNoClockBack(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F18")
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	afterEveryPreamble(map[string]afterPreamble{
		"silence": {"idle: 4s", silent, harness.Ending{Outcome: outcome.IdleTimeout, Status: http.StatusGatewayTimeout, Code: "idle_timeout"}},
		"silence, with a token due": {"first_token: 4s", silent,
			harness.Ending{Outcome: outcome.FirstTokenTimeout, Status: http.StatusGatewayTimeout, Code: "first_token_timeout"}},
	}).inEveryVariant(t, plan{waits: true})
}

// afterPreamble is what comes behind one.
type afterPreamble struct {
	timeouts string
	then     func(w http.ResponseWriter, r *http.Request)
	ending   harness.Ending
}

func afterEveryPreamble(all map[string]afterPreamble) mishaps {
	done := mishaps{}
	for preamble := range preambles((harness.Voice{})) {
		for name, then := range all {
			done[preamble+", then "+name] = mishap{fits: harness.Streaming, timeouts: then.timeouts, ending: then.ending,
				handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
					v.Kind(w)
					harness.Say(w, preambles(harness.VoiceFor(r))[preamble])
					then.then(w, r)
				}}
		}
	}
	return done
}

// TestAnAnswerInWhichNothingIsSaidIsMalformed has every sign of an answer but a choice and an end reason.
func TestAnAnswerInWhichNothingIsSaidIsMalformed(t *testing.T) {
	harness.InMatrix(t, "F18")
	malformed := harness.Ending{Outcome: outcome.UpstreamMalformed, Status: http.StatusBadGateway, Code: "upstream_malformed"}
	mishaps{
		"a stream of it": {fits: harness.Streaming, ending: malformed, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			v.Kind(w)
			if harness.VoiceFor(r).Anthropic {
				harness.Say(w, preambles(harness.VoiceFor(r))["its start"]+harness.VoiceFor(r).Terminator())
				return
			}
			harness.Say(w, harness.Event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":4,"total_tokens":9}}`)+
				harness.VoiceFor(r).Terminator())
		}},
		"the whole of it": {fits: harness.Whole, ending: malformed, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			v.Kind(w)
			if harness.VoiceFor(r).Anthropic {
				harness.Say(w, `{"id":"msg_1","type":"message","role":"assistant","model":"up","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":5}}`)
				return
			}
			harness.Say(w, `{"id":"c1","object":"chat.completion","created":1,"model":"up","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}`)
		}},
	}.inEveryVariant(t, plan{})
}

// TestAnEndWithoutTextIsAnEnd has a good end reason and nothing else.
func TestAnEndWithoutTextIsAnEnd(t *testing.T) {
	harness.InMatrix(t, "F18")
	ended := harness.Ending{Outcome: outcome.Completed, Silent: true}
	mishaps{
		"a stream of it": {fits: harness.Streaming, ending: ended, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			v.Kind(w)
			harness.Say(w, preambles(harness.VoiceFor(r))["its start and a block"]+harness.VoiceFor(r).Closing())
		}},
		"the whole of it": {fits: harness.Whole, ending: ended, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			v.Kind(w)
			harness.Say(w, harness.VoiceFor(r).Whole(""))
		}},
	}.inEveryVariant(t, plan{})
}
