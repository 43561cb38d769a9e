package suite

import (
	"net/http"
	"testing"

	"one-api/relay/outcome"
)

// F18: a preamble is no content. Whatever follows it, nothing was promised, and another channel is asked.

// preambles is what a provider may send before it says anything.
func (v voice) preambles() map[string]string {
	if v.anthropic {
		start := event("message_start", `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"up","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}}`)
		return map[string]string{
			"its start":             start,
			"its start and a ping":  start + v.keepAlive(),
			"its start and a block": start + event("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`),
		}
	}
	role := event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`)
	return map[string]string{
		"its start":             role,
		"its start and a ping":  role + v.keepAlive(),
		"its start and a block": event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[]}`) + role,
	}
}

func TestAPreambleIsNoContentAndAnotherChannelCanTakeOver(t *testing.T) {
	inMatrix(t, "F18")
	afterEveryPreamble(map[string]afterPreamble{
		"an error": {"", func(w http.ResponseWriter, r *http.Request) {
			say(w, voiceFor(r).complaintInside("overloaded_error", "overloaded", complained))
		}, ending{outcome: outcome.UpstreamErrorEvent, status: http.StatusBadGateway, message: complained}},
		"the client's mistake": {"", func(w http.ResponseWriter, r *http.Request) {
			say(w, voiceFor(r).complaintInside("invalid_request_error", "invalid_value", complained))
		}, ending{outcome: outcome.UpstreamErrorEvent, status: http.StatusBadRequest, message: complained, final: true}},
		"nothing": {"", func(http.ResponseWriter, *http.Request) {},
			ending{outcome: outcome.UpstreamTruncated, status: http.StatusBadGateway, code: "upstream_truncated"}},
		"a broken connection": {"", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			ending{outcome: outcome.UpstreamReset, status: http.StatusBadGateway, code: "upstream_reset"}},
		"half of an event": {"", func(w http.ResponseWriter, r *http.Request) {
			more := voiceFor(r).more("cut")
			say(w, more[:len(more)/2])
		}, ending{outcome: outcome.UpstreamTruncated, status: http.StatusBadGateway, code: "upstream_truncated"}},
	}).inEveryVariant(t, plan{})
}

// TestAPreambleHoldsNoClockBack is for those who wait behind one.
func TestAPreambleHoldsNoClockBack(t *testing.T) {
	long(t)
	inMatrix(t, "F18")
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	afterEveryPreamble(map[string]afterPreamble{
		"silence": {"idle: 4s", silent, ending{outcome: outcome.IdleTimeout, status: http.StatusGatewayTimeout, code: "idle_timeout"}},
		"silence, with a token due": {"first_token: 4s", silent,
			ending{outcome: outcome.FirstTokenTimeout, status: http.StatusGatewayTimeout, code: "first_token_timeout"}},
	}).inEveryVariant(t, plan{waits: true})
}

// afterPreamble is what comes behind one.
type afterPreamble struct {
	timeouts string
	then     func(w http.ResponseWriter, r *http.Request)
	ending   ending
}

func afterEveryPreamble(all map[string]afterPreamble) mishaps {
	done := mishaps{}
	for preamble := range (voice{}).preambles() {
		for name, then := range all {
			done[preamble+", then "+name] = mishap{fits: streaming, timeouts: then.timeouts, ending: then.ending,
				handle: func(v variant, w http.ResponseWriter, r *http.Request) {
					v.kind(w)
					say(w, voiceFor(r).preambles()[preamble])
					then.then(w, r)
				}}
		}
	}
	return done
}

// TestAnAnswerInWhichNothingIsSaidIsMalformed has every sign of an answer but a choice and an end reason.
func TestAnAnswerInWhichNothingIsSaidIsMalformed(t *testing.T) {
	inMatrix(t, "F18")
	malformed := ending{outcome: outcome.UpstreamMalformed, status: http.StatusBadGateway, code: "upstream_malformed"}
	mishaps{
		"a stream of it": {fits: streaming, ending: malformed, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			v.kind(w)
			if voiceFor(r).anthropic {
				say(w, voiceFor(r).preambles()["its start"]+voiceFor(r).terminator())
				return
			}
			say(w, event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":4,"total_tokens":9}}`)+
				voiceFor(r).terminator())
		}},
		"the whole of it": {fits: whole, ending: malformed, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			v.kind(w)
			if voiceFor(r).anthropic {
				say(w, `{"id":"msg_1","type":"message","role":"assistant","model":"up","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":5}}`)
				return
			}
			say(w, `{"id":"c1","object":"chat.completion","created":1,"model":"up","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}`)
		}},
	}.inEveryVariant(t, plan{})
}

// TestAnEndWithoutTextIsAnEnd has a good end reason and nothing else.
func TestAnEndWithoutTextIsAnEnd(t *testing.T) {
	inMatrix(t, "F18")
	ended := ending{outcome: outcome.Completed, silent: true}
	mishaps{
		"a stream of it": {fits: streaming, ending: ended, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			v.kind(w)
			say(w, voiceFor(r).preambles()["its start and a block"]+voiceFor(r).closing())
		}},
		"the whole of it": {fits: whole, ending: ended, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			v.kind(w)
			say(w, voiceFor(r).whole(""))
		}},
	}.inEveryVariant(t, plan{})
}
