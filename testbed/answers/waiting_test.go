package answers

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/relay/wire"
	"one-api/testbed/harness"
)

// F19: comments, pings or single bytes for ever, before and after content.

func TestAStreamThatOnlyLivesIsBounded(t *testing.T) {
	harness.Long(t)
	t.Parallel()
	const short = "header: 3s, idle: 20s"
	role, text, said := chunk(roleDelta, "null"), chunk(`{"content":"`+harness.FromFaulty+`"}`, "null"), []string{harness.FromFaulty}
	idle, comment := outcome.IdleTimeout, ": OPENROUTER PROCESSING\n\n"
	playAnswers(t, []oddAnswer{
		{name: "comments for ever", timeouts: short, body: comment, again: comment, outcome: idle, status: 504},
		{name: "comments for ever behind a role", timeouts: short, body: role, again: comment, outcome: idle, status: 504},
		{name: "comments for ever behind content", timeouts: short, body: role + text, again: comment, outcome: idle, committed: true, says: said, saysToo: said},
		{name: "empty events for ever", timeouts: short, body: role, again: harness.Event("", ""), outcome: idle, status: 504},
		{name: "empty chunks for ever", timeouts: short, body: role, again: chunk(`{}`, "null"), outcome: idle, status: 504},
		{name: "empty chunks for ever behind content", timeouts: short, body: role + text, again: harness.Event("", `{"id":"c1","choices":[]}`), outcome: idle, committed: true, says: said, saysToo: said},
		{name: "ids for ever behind content", timeouts: short, body: role + text, again: "id: 7\n\n", outcome: idle, committed: true, says: said, saysToo: said},
		{name: "empty objects for ever", timeouts: short, body: role, again: harness.Event("", `{}`), outcome: idle, committed: true, nativeFor: "others get nothing of them, and are promised nothing"},
		{name: "empty objects for ever behind content", timeouts: short, body: role + text, again: harness.Event("", `{}`), outcome: idle, committed: true, says: said, saysToo: said},
		{name: "unknown events for ever", timeouts: short, body: role + text, again: harness.Event("progress", `{"type":"progress","percent":3}`), outcome: idle, committed: true, says: said, saysToo: said},
		{name: "usage for ever", timeouts: short, body: role + text, again: harness.Event("", `{"usage":{"prompt_tokens":7,"completion_tokens":3}}`), outcome: idle, committed: true, says: said, saysToo: said},
		{name: "usage for ever beside no choice", timeouts: short, body: role, again: harness.Event("", `{"id":"c1","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}`), outcome: idle, status: 504},
		{name: "roles for ever", timeouts: short, body: role + text, again: role, outcome: idle, committed: true, says: said, saysToo: said},
		{name: "empty pieces of a call for ever", timeouts: short, body: role + text, outcome: idle, committed: true, says: said, saysToo: said,
			again: chunk(`{"tool_calls":[{"index":0,"function":{"arguments":""}}]}`, "null")},
		{name: "empty details of a thought for ever", timeouts: short, body: role + text, outcome: idle, committed: true, says: said, saysToo: said,
			again: chunk(`{"reasoning_details":[{"type":"reasoning.text","text":"","format":"unknown","index":0}]}`, "null")},
		{name: "an unknown piece for ever", timeouts: short, body: role + text, again: chunk(`{"mood":"good"}`, "null"), outcome: idle, committed: true, says: said, saysToo: said},
		{name: "data of white space for ever", timeouts: short, body: role, again: harness.Event("", "  "), outcome: idle, status: 504},
		{name: "another format's pings for ever", timeouts: short, body: role, again: pinged, outcome: idle, status: 504},
		{name: "pings by name alone for ever", timeouts: short, body: role, again: harness.Event("ping", `{"at":3}`), outcome: idle, status: 504},
		{name: "pings of a time for ever", timeouts: short, body: role, again: harness.Event("ping", "1764504000"), outcome: idle, status: 504},
		{name: "pings for ever", timeouts: short, anthropic: true, body: messageBegins, again: pinged, outcome: idle, status: 504},
		{name: "pings for ever behind content", timeouts: short, anthropic: true, body: messageBegins + textBegins + saying(harness.FromFaulty), again: pinged, outcome: idle, committed: true, says: said, saysToo: said},

		{name: "pings by name alone for ever in a message", timeouts: short, anthropic: true, body: messageBegins, again: harness.Event("ping", `{}`), outcome: idle, status: 504},
		{name: "pings of a time for ever in a message", timeouts: short, anthropic: true, body: messageBegins, again: harness.Event("ping", "1764504000"), outcome: idle, status: 504},
		{name: "another format's comments for ever in a message", timeouts: short, anthropic: true, body: messageBegins, again: comment, outcome: idle, status: 504},
		{name: "another format's chunks for ever in a message", timeouts: short, anthropic: true, body: messageBegins + textBegins + saying(harness.FromFaulty), outcome: idle, committed: true, says: said, saysToo: said,
			again: harness.Event("", `{"id":"c1","object":"chat.completion.chunk","choices":[]}`)},
		{name: "unknown events for ever in a message", timeouts: short, anthropic: true, body: messageBegins + textBegins + saying(harness.FromFaulty), outcome: idle, committed: true, says: said, saysToo: said,
			again: harness.Event("progress", `{"type":"progress","percent":3}`)},
		{name: "empty objects for ever in a message", timeouts: short, anthropic: true, body: messageBegins + textBegins + saying(harness.FromFaulty), again: harness.Event("", `{}`), outcome: idle, committed: true, says: said, saysToo: said},
		{name: "usage for ever in a message", timeouts: short, anthropic: true, body: messageBegins + textBegins + saying(harness.FromFaulty), outcome: idle, committed: true, says: said, saysToo: said,
			again: harness.Event("message_delta", `{"type":"message_delta","delta":{},"usage":{"output_tokens":3}}`)},
		{name: "empty text for ever in a message", timeouts: short, anthropic: true, body: messageBegins + textBegins + saying(harness.FromFaulty), again: saying(""), outcome: idle, committed: true, says: said, saysToo: said},
		{name: "empty input for ever in a message", timeouts: short, anthropic: true, body: messageBegins + textBegins + saying(harness.FromFaulty) + blockEnds + strings.Replace(blockBegins(`{"type":"tool_use","id":"t1","name":"get","input":{}}`), `"index":0`, `"index":1`, 1), outcome: idle, committed: true, says: said, saysToo: said,
			again: harness.Event("content_block_delta", `{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}`)},
		{name: "empty pieces for ever in a message", timeouts: short, anthropic: true, body: messageBegins + textBegins + saying(harness.FromFaulty), outcome: idle, committed: true, says: said, saysToo: said,
			again: harness.Event("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{}}`)},

		{name: "single bytes for ever", timeouts: "idle: 2s", body: "data: ", again: "x", outcome: idle, status: 504},
		{name: "single bytes for ever behind content", timeouts: "idle: 2s", body: text + "data: ", again: "x", outcome: idle, committed: true, says: said, saysToo: said},
		{name: "a comment without end behind content", timeouts: "idle: 2s", body: text + ":", again: "x", outcome: idle, committed: true, says: said, saysToo: said},
		{name: "blank lines for ever behind content", timeouts: "idle: 2s", body: text, again: "\n", outcome: idle, committed: true, says: said, saysToo: said},
		{name: "white space for ever", timeouts: "idle: 2s", body: " ", again: " ", outcome: idle, status: 504},
		{name: "an object without end", timeouts: "idle: 2s", body: `{"choices":"`, again: "x", outcome: idle, status: 504},

		{name: "comments before the first token", timeouts: "first_token: 2s", body: comment, again: comment, outcome: outcome.FirstTokenTimeout, status: 504},
		{name: "a role before the first token", timeouts: "first_token: 2s", body: role, again: " ", outcome: outcome.FirstTokenTimeout, status: 504},
		{name: "pings before the first token", timeouts: "first_token: 2s", anthropic: true, body: messageBegins + textBegins, again: pinged, outcome: outcome.FirstTokenTimeout, status: 504},
	}, harness.WithEnv("KEEPALIVE_INTERVAL", "0"))
}

func TestTheOperatorIsToldOfAStreamThatOnlyLives(t *testing.T) {
	harness.Long(t)
	t.Parallel()
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		harness.Every(r, 20*time.Millisecond, func() bool { harness.Say(w, ": one moment\n\n"); return true })
	})
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ", timeouts: {header: 2s}"), harness.WithEnv("RETRY_TIMES", "0"))
	status, _, _ := r.Ask(wire.ChatCompletions.Path(), harness.Stream)
	require.Equal(t, 504, status)
	last := r.Server.Pool().Set().Get("a").Snapshot(time.Now()).LastFailure
	require.Equal(t, "idle_timeout", last.Outcome)
	require.Contains(t, last.Detail, "comments")
}

// TestAPreambleIsReleasedWhenAKeepAliveIsDue: people should not look at nothing for longer than that. From then on it is promised.
func TestAPreambleIsReleasedWhenAKeepAliveIsDue(t *testing.T) {
	const failed = `data: {"error":{"message":"Provider returned error","code":502}}` + "\n\n"
	for name, c := range map[string]struct {
		anthropic, rescue bool
		preamble, fail    string
	}{
		"a chat":                    {false, false, chunk(roleDelta, "null"), failed},
		"a message":                 {true, false, messageBegins + textBegins, overloaded},
		"a chat that is resumed":    {false, true, chunk(roleDelta, "null"), failed},
		"a message that is resumed": {true, true, messageBegins + textBegins, overloaded},
	} {
		t.Run(name, func(t *testing.T) {
			seen := make(chan struct{})
			odd := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				harness.Say(w, c.preamble)
				select {
				case <-seen:
				case <-r.Context().Done():
				}
				harness.Say(w, c.fail)
			})
			good := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
				harness.Variant{}.AsIn(r).Answer(w, r, harness.FromHealthy)
			})
			yaml := harness.OpenAIChannel("odd", odd, ", priority: 9") + strings.TrimPrefix(harness.OpenAIChannel("good", good, ""), "channels:\n")
			path := wire.ChatCompletions.Path()
			if c.anthropic {
				yaml, path = strings.ReplaceAll(yaml, "type: openai", "type: anthropic"), wire.Messages.Path()
			}
			if c.rescue {
				yaml = strings.ReplaceAll(yaml, "models: [", "resume: true, models: [")
			}
			r := harness.StartRelay(t, yaml, harness.WithEnv("KEEPALIVE_INTERVAL", "0.05"))
			response, err := r.Post(context.Background(), path, strings.Replace(harness.Stream, "{", `{"max_tokens":9,`, 1))
			require.NoError(t, err)
			defer func() { _ = response.Body.Close() }()
			begun := make([]byte, len(c.preamble))
			body := bufio.NewReader(response.Body)
			for { // a keep-alive may have been due before there was anything to hold back
				first, err := body.Peek(1)
				require.NoError(t, err)
				if first[0] != ':' {
					break
				}
				_, err = body.Discard(len(": ping\n\n"))
				require.NoError(t, err)
			}
			_, err = io.ReadFull(body, begun)
			require.NoError(t, err)
			require.Equal(t, c.preamble, string(begun))
			close(seen)
			rest, err := io.ReadAll(body)
			require.NoError(t, err)
			if c.rescue { // what the client has of the preamble, it does not get again
				require.Equal(t, []string{"upstream_error_event", "completed"}, r.Outcomes(2))
				require.Contains(t, string(rest), harness.FromHealthy)
				require.NotContains(t, string(rest), `"role"`)
				require.True(t, strings.HasSuffix(string(rest), harness.Voice{Anthropic: c.anthropic}.Terminator()), string(rest))
				return
			}
			require.Contains(t, string(rest), `"error":{`)
			require.NotContains(t, string(rest), harness.FromHealthy)
			require.Equal(t, []string{"upstream_error_event"}, r.Outcomes(1))
		})
	}
}

// TestTheFirstTokenIsContent has a preamble that comes long before it.
func TestTheFirstTokenIsContent(t *testing.T) {
	for name, c := range map[string]struct {
		path, kind, preamble, rest string
		content                    bool
	}{
		"a chat":                {"/v1/chat/completions", "openai", chunk(roleDelta, "null"), chunk(`{"content":"x"}`, `"stop"`) + done, true},
		"a chat of Anthropic's": {"/v1/chat/completions", "anthropic", messageBegins + textBegins, saying("x") + blockEnds + messageEnds(`"end_turn"`) + messageStops, true},
		"a thought":             {"/v1/chat/completions", "openai", chunk(roleDelta, "null"), chunk(`{"reasoning_content":"x"}`, "null") + chunk(`{}`, `"stop"`) + done, true},
		"a message":             {"/v1/messages", "anthropic", messageBegins + pinged, textBegins + saying("x") + blockEnds + messageEnds(`"end_turn"`) + messageStops, true},
		"a message of OpenAI's": {"/v1/messages", "openai", chunk(roleDelta, "null"), chunk(`{"content":"x"}`, `"stop"`) + done, true},
		"nothing but an end":    {"/v1/chat/completions", "openai", chunk(roleDelta, "null"), chunk(`{}`, `"content_filter"`) + done, false},
	} {
		t.Run(name, func(t *testing.T) {
			begun, goOn := make(chan struct{}), make(chan struct{})
			u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				harness.Say(w, c.preamble)
				close(begun)
				select {
				case <-goOn:
				case <-r.Context().Done():
				}
				harness.Say(w, c.rest)
			})
			r := harness.StartRelay(t, strings.Replace(harness.OpenAIChannel("a", u, ""), "type: openai", "type: "+c.kind, 1))
			promisedAt := make(chan time.Time, 1)
			go func() {
				<-begun
				promisedAt <- time.Now()
				close(goOn)
			}()
			status, answer, _ := r.Ask(c.path, strings.Replace(harness.Stream, "{", `{"max_tokens":9,`, 1))
			require.Equal(t, 200, status, answer)
			require.Equal(t, []string{"completed"}, r.Outcomes(1))
			r.Eventually("the request's end", func() bool { return len(r.RequestEnds()) == 1 })
			attempt, end, promised := r.Attempt(0), r.RequestEnd(0), <-promisedAt
			if !c.content {
				require.Zero(t, attempt.FirstEvent)
				require.Zero(t, end.FirstToken)
				return
			}
			require.True(t, attempt.Began.Add(attempt.FirstEvent).After(promised), "the preamble was taken for content")
			require.True(t, end.Began.Add(end.FirstToken).After(promised))
			require.LessOrEqual(t, end.FirstToken, end.Duration)
		})
	}
}
