package suite

import (
	"net/http"
	"testing"
	"time"

	"one-api/relay/outcome"
)

// F19: an upstream that shows signs of life for ever, and says nothing.

// signs are what shows that an upstream is alive, and promises nothing.
var signs = map[string]func(voice) string{
	"comments": func(voice) string { return ": still thinking\n\n" },
	"pings":    voice.keepAlive,
	"empty chunks": func(v voice) string {
		if v.anthropic {
			return v.keepAlive()
		}
		return event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[]}`)
	},
}

// oddSigns are those that few servers give.
var oddSigns = map[string]func(voice) string{
	"pings of another format":   func(v voice) string { return voice{!v.anthropic}.keepAlive() },
	"pings by their name alone": func(voice) string { return event("ping", `{"at":1764504000}`) },
	"pings that are a time":     func(voice) string { return event("ping", "1764504000") },
	"white space":               func(voice) string { return event("", "  ") },
}

// empties are further events that say nothing. Most are passed on, for what they may be.
var empties = map[string]func(voice) string{
	"empty text":     func(v voice) string { return v.more("") },
	"unknown events": func(voice) string { return event("progress", `{"type":"progress","percent":3}`) },
	"empty objects":  func(voice) string { return event("", `{}`) },
	"usage": func(v voice) string {
		if v.anthropic {
			return event("message_delta", `{"type":"message_delta","delta":{},"usage":{"output_tokens":1}}`)
		}
		return event("", `{"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}`)
	},
	"empty pieces of what is no text": func(v voice) string {
		if v.anthropic {
			return event("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":null}}`)
		}
		return event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":""}}]},"finish_reason":null}]}`)
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
func holdNothing(t *testing.T, signs, empties map[string]func(voice) string) {
	long(t)
	inMatrix(t, "F19")
	const pace = 500 * time.Millisecond
	idle := ending{outcome: outcome.IdleTimeout, status: http.StatusGatewayTimeout, code: "idle_timeout"}
	first := ending{outcome: outcome.FirstTokenTimeout, status: http.StatusGatewayTimeout, code: "first_token_timeout"}
	cut := idle
	cut.cut = true
	// The signs keep a stream from being silent; what ends it is that for as long as a header may take nothing is said.
	const clocks, clocksWithToken = "header: 5s, idle: 40s", "header: 40s, first_token: 5s"
	longer := map[string][]string{ // a connection and a header have to come in that time, too, with two hundred others
		clocks:          {"header: 9s, idle: 40s", "connect: 1m, header: 30s, idle: 90s"},
		clocksWithToken: {"connect: 1m, header: 90s, first_token: 5s", "connect: 1m, header: 90s, first_token: 30s"},
	}
	all := mishaps{}
	for name, sign := range signs {
		forever := func(w http.ResponseWriter, r *http.Request) {
			every(r, pace, func() bool { say(w, sign(voiceFor(r))); return true })
		}
		all[name+" before content"] = mishap{fits: streaming, timeouts: clocks, ending: idle, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			v.header(w)
			forever(w, r)
		}}
		all[name+" behind a preamble"] = mishap{fits: streaming, timeouts: clocks, ending: idle, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			v.kind(w)
			say(w, voiceFor(r).preambles()["its start"])
			forever(w, r)
		}}
		all[name+" with a token due"] = mishap{fits: streaming, timeouts: clocksWithToken, ending: first, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			v.header(w)
			forever(w, r)
		}}
		all[name+" after content"] = mishap{fits: streaming, timeouts: clocks, ending: cut, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			v.begin(w, r, fromFaulty)
			forever(w, r)
		}}
	}
	for name, empty := range empties {
		all[name+" after content"] = mishap{fits: streaming, timeouts: clocks, ending: cut, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			v.begin(w, r, fromFaulty)
			every(r, pace, func() bool { say(w, empty(voiceFor(r))); return true })
		}}
	}
	if empties != nil {
		dripForEver(all, pace)
	}
	// A keep-alive that is due would commit what has been held back.
	all.inVariants(t, atMostEach(), plan{waits: true, longer: longer, options: []relayOption{withEnv("KEEPALIVE_INTERVAL", "0")}})
}

// dripForEver adds events that never end, which are no sign of life however their bytes drip.
func dripForEver(all mishaps, pace time.Duration) {
	idle := ending{outcome: outcome.IdleTimeout, status: http.StatusGatewayTimeout, code: "idle_timeout"}
	cut := idle
	cut.cut = true
	drip := func(v variant, w http.ResponseWriter, r *http.Request) {
		every(r, pace, func() bool { say(w, "x"); return true })
	}
	const silent = "header: 40s, idle: 4s"
	all["single bytes before content"] = mishap{fits: streaming, timeouts: silent, ending: idle, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
		v.kind(w)
		say(w, "data: ")
		drip(v, w, r)
	}}
	all["single bytes of a comment"] = mishap{fits: streaming, timeouts: silent, ending: idle, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
		v.kind(w)
		say(w, ": ")
		drip(v, w, r)
	}}
	all["single bytes after content"] = mishap{fits: streaming, timeouts: silent, ending: cut, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
		v.begin(w, r, fromFaulty)
		say(w, "data: ")
		drip(v, w, r)
	}}
	all["single bytes of a whole answer"] = mishap{fits: whole, timeouts: "header: 5s", handle: func(v variant, w http.ResponseWriter, r *http.Request) {
		v.begin(w, r, fromFaulty)
		drip(v, w, r)
	}, ending: ending{outcome: outcome.HeaderTimeout, status: http.StatusGatewayTimeout, code: "header_timeout"}}
}
