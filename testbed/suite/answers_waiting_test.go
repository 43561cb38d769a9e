package suite

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
)

// F19: comments, pings or single bytes for ever, before and after content.

func TestAStreamThatOnlyLivesIsBounded(t *testing.T) {
	long(t)
	t.Parallel()
	const short = "header: 3s, idle: 20s"
	role, text, said := chunk(roleDelta, "null"), chunk(`{"content":"`+fromFaulty+`"}`, "null"), []string{fromFaulty}
	idle, comment := outcome.IdleTimeout, ": OPENROUTER PROCESSING\n\n"
	playAnswers(t, []oddAnswer{
		{name: "comments for ever", timeouts: short, body: comment, again: comment, outcome: idle, status: 504},
		{name: "comments for ever behind a role", timeouts: short, body: role, again: comment, outcome: idle, status: 504},
		{name: "comments for ever behind content", timeouts: short, body: role + text, again: comment, outcome: idle, committed: true, says: said, saysToo: said},
		{name: "empty events for ever", timeouts: short, body: role, again: event("", ""), outcome: idle, status: 504},
		{name: "empty chunks for ever", timeouts: short, body: role, again: chunk(`{}`, "null"), outcome: idle, status: 504},
		{name: "empty chunks for ever behind content", timeouts: short, body: role + text, again: event("", `{"id":"c1","choices":[]}`), outcome: idle, committed: true, says: said, saysToo: said},
		{name: "ids for ever behind content", timeouts: short, body: role + text, again: "id: 7\n\n", outcome: idle, committed: true, says: said, saysToo: said},
		{name: "empty objects for ever", timeouts: short, body: role, again: event("", `{}`), outcome: idle, committed: true, nativeFor: "others get nothing of them, and are promised nothing"},
		{name: "empty objects for ever behind content", timeouts: short, body: role + text, again: event("", `{}`), outcome: idle, committed: true, says: said, saysToo: said},
		{name: "unknown events for ever", timeouts: short, body: role + text, again: event("progress", `{"type":"progress","percent":3}`), outcome: idle, committed: true, says: said, saysToo: said},
		{name: "usage for ever", timeouts: short, body: role + text, again: event("", `{"usage":{"prompt_tokens":7,"completion_tokens":3}}`), outcome: idle, committed: true, says: said, saysToo: said},
		{name: "usage for ever beside no choice", timeouts: short, body: role, again: event("", `{"id":"c1","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}`), outcome: idle, status: 504},
		{name: "roles for ever", timeouts: short, body: role + text, again: role, outcome: idle, committed: true, says: said, saysToo: said},
		{name: "empty pieces of a call for ever", timeouts: short, body: role + text, outcome: idle, committed: true, says: said, saysToo: said,
			again: chunk(`{"tool_calls":[{"index":0,"function":{"arguments":""}}]}`, "null")},
		{name: "empty details of a thought for ever", timeouts: short, body: role + text, outcome: idle, committed: true, says: said, saysToo: said,
			again: chunk(`{"reasoning_details":[{"type":"reasoning.text","text":"","format":"unknown","index":0}]}`, "null")},
		{name: "an unknown piece for ever", timeouts: short, body: role + text, again: chunk(`{"mood":"good"}`, "null"), outcome: idle, committed: true, says: said, saysToo: said},
		{name: "data of white space for ever", timeouts: short, body: role, again: event("", "  "), outcome: idle, status: 504},
		{name: "another format's pings for ever", timeouts: short, body: role, again: pinged, outcome: idle, status: 504},
		{name: "pings by name alone for ever", timeouts: short, body: role, again: event("ping", `{"at":3}`), outcome: idle, status: 504},
		{name: "pings of a time for ever", timeouts: short, body: role, again: event("ping", "1764504000"), outcome: idle, status: 504},
		{name: "pings for ever", timeouts: short, anthropic: true, body: messageBegins, again: pinged, outcome: idle, status: 504},
		{name: "pings for ever behind content", timeouts: short, anthropic: true, body: messageBegins + textBegins + saying(fromFaulty), again: pinged, outcome: idle, committed: true, says: said, saysToo: said},

		{name: "pings by name alone for ever in a message", timeouts: short, anthropic: true, body: messageBegins, again: event("ping", `{}`), outcome: idle, status: 504},
		{name: "pings of a time for ever in a message", timeouts: short, anthropic: true, body: messageBegins, again: event("ping", "1764504000"), outcome: idle, status: 504},
		{name: "another format's comments for ever in a message", timeouts: short, anthropic: true, body: messageBegins, again: comment, outcome: idle, status: 504},
		{name: "another format's chunks for ever in a message", timeouts: short, anthropic: true, body: messageBegins + textBegins + saying(fromFaulty), outcome: idle, committed: true, says: said, saysToo: said,
			again: event("", `{"id":"c1","object":"chat.completion.chunk","choices":[]}`)},
		{name: "unknown events for ever in a message", timeouts: short, anthropic: true, body: messageBegins + textBegins + saying(fromFaulty), outcome: idle, committed: true, says: said, saysToo: said,
			again: event("progress", `{"type":"progress","percent":3}`)},
		{name: "empty objects for ever in a message", timeouts: short, anthropic: true, body: messageBegins + textBegins + saying(fromFaulty), again: event("", `{}`), outcome: idle, committed: true, says: said, saysToo: said},
		{name: "usage for ever in a message", timeouts: short, anthropic: true, body: messageBegins + textBegins + saying(fromFaulty), outcome: idle, committed: true, says: said, saysToo: said,
			again: event("message_delta", `{"type":"message_delta","delta":{},"usage":{"output_tokens":3}}`)},
		{name: "empty text for ever in a message", timeouts: short, anthropic: true, body: messageBegins + textBegins + saying(fromFaulty), again: saying(""), outcome: idle, committed: true, says: said, saysToo: said},
		{name: "empty input for ever in a message", timeouts: short, anthropic: true, body: messageBegins + textBegins + saying(fromFaulty) + blockEnds + strings.Replace(blockBegins(`{"type":"tool_use","id":"t1","name":"get","input":{}}`), `"index":0`, `"index":1`, 1), outcome: idle, committed: true, says: said, saysToo: said,
			again: event("content_block_delta", `{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}`)},
		{name: "empty pieces for ever in a message", timeouts: short, anthropic: true, body: messageBegins + textBegins + saying(fromFaulty), outcome: idle, committed: true, says: said, saysToo: said,
			again: event("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{}}`)},

		{name: "single bytes for ever", timeouts: "idle: 2s", body: "data: ", again: "x", outcome: idle, status: 504},
		{name: "single bytes for ever behind content", timeouts: "idle: 2s", body: text + "data: ", again: "x", outcome: idle, committed: true, says: said, saysToo: said},
		{name: "a comment without end behind content", timeouts: "idle: 2s", body: text + ":", again: "x", outcome: idle, committed: true, says: said, saysToo: said},
		{name: "blank lines for ever behind content", timeouts: "idle: 2s", body: text, again: "\n", outcome: idle, committed: true, says: said, saysToo: said},
		{name: "white space for ever", timeouts: "idle: 2s", body: " ", again: " ", outcome: idle, status: 504},
		{name: "an object without end", timeouts: "idle: 2s", body: `{"choices":"`, again: "x", outcome: idle, status: 504},

		{name: "comments before the first token", timeouts: "first_token: 2s", body: comment, again: comment, outcome: outcome.FirstTokenTimeout, status: 504},
		{name: "a role before the first token", timeouts: "first_token: 2s", body: role, again: " ", outcome: outcome.FirstTokenTimeout, status: 504},
		{name: "pings before the first token", timeouts: "first_token: 2s", anthropic: true, body: messageBegins + textBegins, again: pinged, outcome: outcome.FirstTokenTimeout, status: 504},
	}, withEnv("KEEPALIVE_INTERVAL", "0"))
}

func TestTheOperatorIsToldOfAStreamThatOnlyLives(t *testing.T) {
	long(t)
	t.Parallel()
	u := newUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		every(r, 20*time.Millisecond, func() bool { say(w, ": one moment\n\n"); return true })
	})
	r := startRelay(t, openAIChannel("a", u, ", timeouts: {header: 2s}"), withEnv("RETRY_TIMES", "0"))
	status, _, _ := r.ask(wire.ChatCompletions.Path(), stream)
	require.Equal(t, 504, status)
	last := r.server.Pool().Set().Get("a").Snapshot(time.Now()).LastFailure
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
			odd := newUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				say(w, c.preamble)
				select {
				case <-seen:
				case <-r.Context().Done():
				}
				say(w, c.fail)
			})
			good := newUpstream(t, false, func(w http.ResponseWriter, r *http.Request) { variant{}.asIn(r).answer(w, r, fromHealthy) })
			yaml := openAIChannel("odd", odd, ", priority: 9") + strings.TrimPrefix(openAIChannel("good", good, ""), "channels:\n")
			path := wire.ChatCompletions.Path()
			if c.anthropic {
				yaml, path = strings.ReplaceAll(yaml, "type: openai", "type: anthropic"), wire.Messages.Path()
			}
			if c.rescue {
				yaml = strings.ReplaceAll(yaml, "models: [", "resume: true, models: [")
			}
			r := startRelay(t, yaml, withEnv("KEEPALIVE_INTERVAL", "0.05"))
			response, err := r.post(context.Background(), path, strings.Replace(stream, "{", `{"max_tokens":9,`, 1))
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
				require.Equal(t, []string{"upstream_error_event", "completed"}, r.outcomes(2))
				require.Contains(t, string(rest), fromHealthy)
				require.NotContains(t, string(rest), `"role"`)
				require.True(t, strings.HasSuffix(string(rest), voice{c.anthropic}.terminator()), string(rest))
				return
			}
			require.Contains(t, string(rest), `"error":{`)
			require.NotContains(t, string(rest), fromHealthy)
			require.Equal(t, []string{"upstream_error_event"}, r.outcomes(1))
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
			u := newUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				say(w, c.preamble)
				close(begun)
				select {
				case <-goOn:
				case <-r.Context().Done():
				}
				say(w, c.rest)
			})
			r := startRelay(t, strings.Replace(openAIChannel("a", u, ""), "type: openai", "type: "+c.kind, 1))
			promisedAt := make(chan time.Time, 1)
			go func() {
				<-begun
				promisedAt <- time.Now()
				close(goOn)
			}()
			status, answer, _ := r.ask(c.path, strings.Replace(stream, "{", `{"max_tokens":9,`, 1))
			require.Equal(t, 200, status, answer)
			require.Equal(t, []string{"completed"}, r.outcomes(1))
			r.eventually("the request's end", func() bool { return len(r.requestEnds()) == 1 })
			attempt, end, promised := r.recorded()[0], r.requestEnds()[0], <-promisedAt
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
