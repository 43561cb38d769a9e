package main

import (
	"strings"
	"time"

	"one-api/testbed/internal/voice"
)

// What upstreams do with an error.

// statuses are those of errors that are the upstream's, by turns.
var statuses = [...]int{500, 502, 503, 529, 504}

func (s *stage) beginError() {
	s.begin(statuses[s.order.id%int64(len(statuses))], "application/json")
}

func errorEmpty(s *stage) { s.beginError() }

func errorProper(s *stage) {
	s.beginError()
	s.say(s.voice.Complaint("api_error", "server_error", says))
}

func errorLarge(s *stage) {
	s.beginError()
	for range 16 {
		s.say(strings.Repeat("very sorry ", 6<<10))
	}
}

// errorEndless is far more than the relay reads, and then goes on slowly: whoever reads it all does not run out of memory at once.
func errorEndless(s *stage) {
	s.beginError()
	text := strings.Repeat("so sorry ", 512)
	s.say(strings.Repeat(text, 20))
	s.pace(200*time.Millisecond, func(int) bool {
		s.say(text)
		return true
	})
}

func errorReset(s *stage) {
	s.beginError()
	s.say(`{"error":{"message":"the soak`)
	s.abort()
}

func errorSilent(s *stage) {
	s.beginError()
	s.say(s.voice.Complaint("api_error", "server_error", says))
	s.hold()
}

func limited(s *stage) {
	after := "1"
	if s.order.id%2 == 0 {
		after = time.Now().Add(2 * time.Second).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
	}
	s.w.Header().Set("Retry-After", after)
	s.begin(429, "application/json")
	s.say(s.voice.Complaint("rate_limit_error", "rate_limit_exceeded", says))
}

func keyRefused(s *stage) {
	s.begin(401+2*int(s.order.id%2), "application/json")
	s.say(s.voice.Complaint("authentication_error", "invalid_api_key", says))
}

func badRequest(s *stage) {
	code := [...]string{"context_length_exceeded", "content_filter", "invalid_value"}[s.order.id%3]
	s.begin(400, "application/json")
	s.say(s.voice.Complaint("invalid_request_error", code, says))
}

func errorEventFirst(s *stage) {
	s.header()
	s.say(s.voice.ComplaintInside("overloaded_error", "overloaded", says))
}

func errorEventMid(s *stage) {
	s.header()
	s.say(s.voice.Opening("some words") + s.voice.ComplaintInside("api_error", "server_error", says))
}

// spellings is how errors stand in a 200 that should have been an answer.
var spellings = [...]string{
	`{"object":"error","message":"the soak says so","type":"InternalServerError","param":null,"code":500}`,
	`{"detail":"the soak says so"}`,
	`{"error":"the soak says so"}`,
	`{"error":{"message":"the soak says so","type":"None","param":"None","code":"429"}}`,
	`{"msg":"the soak says so","code":500}`,
	`{"base_resp":{"status_code":1002,"status_msg":"the soak says so"}}`,
}

func errorSpelled(s *stage) {
	s.header()
	text := spellings[s.order.id%int64(len(spellings))]
	if s.order.stream {
		text = voice.Event("", text)
	}
	s.say(text)
}

func badEndReason(s *stage) {
	word := [...]string{"error", "insufficient_system_resource", "abort"}[s.order.id%3]
	s.header()
	if !s.order.stream {
		s.say(strings.NewReplacer(`"stop"`, `"`+word+`"`, `"end_turn"`, `"`+word+`"`).Replace(s.voice.Whole("some words")))
		return
	}
	s.say(s.voice.Opening("some words"))
	s.say(strings.NewReplacer(`"stop"`, `"`+word+`"`, `"end_turn"`, `"`+word+`"`).Replace(s.voice.Closing()))
}

// aboutThePrompt is a refusal with the status of one that is about the key.
func aboutThePrompt(s *stage) {
	switch s.order.id % 3 {
	case 0:
		s.begin(403, "application/json")
		s.say(`{"error":{"code":403,"message":"a-model requires moderation. Your input was flagged for \"harassment\".","metadata":{"reasons":["harassment"]}}}`)
	case 1:
		s.begin(402, "application/json")
		s.say(`{"error":{"code":402,"message":"This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only afford 30104."}}`)
	default:
		s.begin(403, "text/html")
		s.say("<!DOCTYPE html><html><title>Just a moment...</title></html>")
	}
}

// earlyRefusal answers while the request is still being sent, and reads no more of it.
func earlyRefusal(s *stage) {
	s.w.Header().Set("Connection", "close")
	s.begin(413, "application/json")
	s.say(s.voice.Complaint("invalid_request_error", "request_too_large", says))
}
