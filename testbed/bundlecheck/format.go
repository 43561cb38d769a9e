package main

import (
	"net/http"

	"one-api/testbed/internal/voice"
)

// What every whole answer costs.
const (
	tokensIn  = 11
	tokensOut = 7
)

// voiceFor is the provider that a request is for.
func voiceFor(r *http.Request) voice.Voice {
	v := voice.For(r)
	v.Model, v.In, v.Out = "check", tokensIn, tokensOut
	return v
}
