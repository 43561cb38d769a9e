package faults

import (
	"net/http"
	"testing"
	"time"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// F19: an upstream that shows signs of life for ever, and says nothing.

// signs are what shows that an upstream is alive, and promises nothing.
var signs = map[string]func(harness.Voice) string{
	"comments": func(harness.Voice) string { return ": still thinking\n\n" },
	"pings":    harness.Voice.KeepAlive,
	"empty chunks": func(v harness.Voice) string {
		if v.Anthropic {
			return v.KeepAlive()
		}
		return harness.Event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[]}`)
	},
}

// oddSigns are those that few servers give.
var oddSigns = map[string]func(harness.Voice) string{
	"pings of another format":   func(v harness.Voice) string { return harness.Voice{Anthropic: !v.Anthropic}.KeepAlive() },
	"pings by their name alone": func(harness.Voice) string { return harness.Event("ping", `{"at":1764504000}`) },
	"pings that are a time":     func(harness.Voice) string { return harness.Event("ping", "1764504000") },
	"white space":               func(harness.Voice) string { return harness.Event("", "  ") },
}

// empties are further events that say nothing. Most are passed on, for what they may be.
var empties = map[string]func(harness.Voice) string{
	"empty text":     func(v harness.Voice) string { return v.More("") },
	"unknown events": func(harness.Voice) string { return harness.Event("progress", `{"type":"progress","percent":3}`) },
	"empty objects":  func(harness.Voice) string { return harness.Event("", `{}`) },
	"usage": func(v harness.Voice) string {
		if v.Anthropic {
			return harness.Event("message_delta", `{"type":"message_delta","delta":{},"usage":{"output_tokens":1}}`)
		}
		return harness.Event("", `{"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}`)
	},
	"empty pieces of what is no text": func(v harness.Voice) string {
		if v.Anthropic {
			return harness.Event("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":null}}`)
		}
		return harness.Event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":""}}]},"finish_reason":null}]}`)
	},
}

// A scene has some of them at a time: its clients all connect at once, and a machine that is busy with hundreds of handshakes says
// nothing of clocks.

// TestSignsOfLifeHoldNoCallForEver has signs of life without end, faster than any clock of silence.
func TestSignsOfLifeHoldNoCallForEver(t *testing.T) { holdNothing(t, signs, nil) }

// TestOddSignsOfLifeHoldNoCallForEver has those that few servers give.
func TestOddSignsOfLifeHoldNoCallForEver(t *testing.T) { holdNothing(t, oddSigns, nil) }

// TestEventsThatSayNothingHoldNoCallForEver has those, and events that never end.
func TestEventsThatSayNothingHoldNoCallForEver(t *testing.T) { holdNothing(t, nil, empties) }

// holdNothing plays signs of life, or events that say nothing together with single bytes.
func holdNothing(t *testing.T, signs, empties map[string]func(harness.Voice) string) {
	harness.Long(t)
	harness.InMatrix(t, "F19")
	const pace = 500 * time.Millisecond
	idle := harness.Ending{Outcome: outcome.IdleTimeout, Status: http.StatusGatewayTimeout, Code: "idle_timeout"}
	first := harness.Ending{Outcome: outcome.FirstTokenTimeout, Status: http.StatusGatewayTimeout, Code: "first_token_timeout"}
	cut := idle
	cut.Cut = true
	// The signs keep a stream from being silent; what ends it is that for as long as a header may take nothing is said.
	const clocks, clocksWithToken = "header: 5s, idle: 40s", "header: 40s, first_token: 5s"
	longer := map[string][]string{ // a connection and a header have to come in that time, too, with two hundred others
		clocks:          {"header: 9s, idle: 40s", "connect: 1m, header: 30s, idle: 90s"},
		clocksWithToken: {"connect: 1m, header: 90s, first_token: 5s", "connect: 1m, header: 90s, first_token: 30s"},
	}
	all := mishaps{}
	for name, sign := range signs {
		forever := func(w http.ResponseWriter, r *http.Request) {
			harness.Every(r, pace, func() bool { harness.Say(w, sign(harness.VoiceFor(r))); return true })
		}
		all[name+" before content"] = mishap{fits: harness.Streaming, timeouts: clocks, ending: idle, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			v.Header(w)
			forever(w, r)
		}}
		all[name+" behind a preamble"] = mishap{fits: harness.Streaming, timeouts: clocks, ending: idle, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			v.Kind(w)
			harness.Say(w, preambles(harness.VoiceFor(r))["its start"])
			forever(w, r)
		}}
		all[name+" with a token due"] = mishap{fits: harness.Streaming, timeouts: clocksWithToken, ending: first, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			v.Header(w)
			forever(w, r)
		}}
		all[name+" after content"] = mishap{fits: harness.Streaming, timeouts: clocks, ending: cut, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			v.Begin(w, r, harness.FromFaulty)
			forever(w, r)
		}}
	}
	for name, empty := range empties {
		all[name+" after content"] = mishap{fits: harness.Streaming, timeouts: clocks, ending: cut, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			v.Begin(w, r, harness.FromFaulty)
			harness.Every(r, pace, func() bool { harness.Say(w, empty(harness.VoiceFor(r))); return true })
		}}
	}
	if empties != nil {
		dripForEver(all, pace)
	}
	// A keep-alive that is due would commit what has been held back.
	all.inVariants(t, harness.AtMostEach(), plan{waits: true, longer: longer, options: []harness.RelayOption{harness.WithEnv("KEEPALIVE_INTERVAL", "0")}})
}

// dripForEver adds events that never end, which are no sign of life however their bytes drip.
func dripForEver(all mishaps, pace time.Duration) {
	idle := harness.Ending{Outcome: outcome.IdleTimeout, Status: http.StatusGatewayTimeout, Code: "idle_timeout"}
	cut := idle
	cut.Cut = true
	drip := func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
		harness.Every(r, pace, func() bool { harness.Say(w, "x"); return true })
	}
	const silent = "header: 40s, idle: 4s"
	all["single bytes before content"] = mishap{fits: harness.Streaming, timeouts: silent, ending: idle, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
		v.Kind(w)
		harness.Say(w, "data: ")
		drip(v, w, r)
	}}
	all["single bytes of a comment"] = mishap{fits: harness.Streaming, timeouts: silent, ending: idle, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
		v.Kind(w)
		harness.Say(w, ": ")
		drip(v, w, r)
	}}
	all["single bytes after content"] = mishap{fits: harness.Streaming, timeouts: silent, ending: cut, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
		v.Begin(w, r, harness.FromFaulty)
		harness.Say(w, "data: ")
		drip(v, w, r)
	}}
	all["single bytes of a whole answer"] = mishap{fits: harness.Whole, timeouts: "header: 5s", handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
		v.Begin(w, r, harness.FromFaulty)
		drip(v, w, r)
	}, ending: harness.Ending{Outcome: outcome.HeaderTimeout, Status: http.StatusGatewayTimeout, Code: "header_timeout"}}
}
