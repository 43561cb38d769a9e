package harness

import (
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"

	"one-api/relay/wire"
)

// The fault tests do to the assembled relay what upstreams and clients do to one in production. Each case runs on every way
// through the adaptors at once, over every transport, with a prompt that is small and one that is not, streaming and not, with the
// failing channel as the only one, as the first of two and as the last of two; and at its end nothing may be left.

// What the two channels of a case say.
const (
	FromFaulty  = "words of the faulty channel"
	FromHealthy = "words of the healthy channel"
)

// Way is a client's format and a channel's type. Its name is also that of its model and of its channel.
type Way struct {
	Name     string
	Client   wire.Format
	Kind     string
	Of       string // which of several cases in one scene it is for; empty: there is one
	About    string // what that case is called
	Timeouts string // of the channel that fails, as YAML, beside the plan's
}

var Ways = []Way{
	{Name: "openai", Client: wire.OpenAI, Kind: "openai"},
	{Name: "anthropic", Client: wire.Anthropic, Kind: "anthropic"},
	{Name: "openai-to-anthropic", Client: wire.OpenAI, Kind: "anthropic"},
	{Name: "anthropic-to-openai", Client: wire.Anthropic, Kind: "openai"},
	{Name: "xai", Client: wire.OpenAI, Kind: "xai"},
}

// WaysOf is all ways for one of several cases that share a scene, so that they share its cost and their waiting.
func WaysOf(of, timeouts string) (all []Way) {
	short := Slug(of)
	for _, w := range Ways {
		w.Name, w.Of, w.About, w.Timeouts = w.Name+"."+short, short, of, timeouts
		all = append(all, w)
	}
	return all
}

// Slug is a case's name as a part of a channel's, which has no blanks and an end.
func Slug(of string) string {
	short := strings.Map(func(r rune) rune {
		if r == ' ' || strings.ContainsRune(".,'/:;()\"", r) {
			return '-'
		}
		return r
	}, of)
	const most = 64 - len("anthropic-to-openai.") - len("-second") - len("-12345678")
	if len(short) <= most {
		return short
	}
	return fmt.Sprintf("%s-%08x", short[:most], crc32.ChecksumIEEE([]byte(of)))
}

// ModelOf is the model that an upstream is asked for: the name of the way.
func ModelOf(r *http.Request) string { return asked(r).Model }

// Heard is what a client got.
type Heard struct {
	Err    error // the answer did not arrive whole
	Status int
	Header http.Header
	Text   string
}

// Ear is how clients take their answers.
type Ear struct {
	Opened func()                    // is called when the header has come, before anything is read
	Told   func(w Way, soFar string) // what has come so far, each time that more has
}
