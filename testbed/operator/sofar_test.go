package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/inflight"
	"one-api/testbed/harness"
)

// begun is an upstream of streams that say a few words, and then nothing until their client leaves.
func begun(t *testing.T, text string) *harness.Upstream {
	t.Helper()
	return harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, text)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
}

const dear = "prices:\n  - {model: \"*\", input: 1000, cached: 100, cache_write: 2000, output: 3000}\n"

// soFar asks for a stream, and waits until what is listed of it is true.
func soFar(t *testing.T, r *harness.Relay, path, body string, is func(inflight.Listed) bool) (of inflight.Listed) {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if response, err := r.Post(ctx, path, body); err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
	}()
	r.Eventually("it is known what the call has cost so far", func() bool {
		of = r.InFlight(1)[0]
		return is(of)
	})
	leave()
	<-done
	r.InFlight(0)
	return of
}

func TestWhatACallHasCostSoFarIsToldWhileItStreams(t *testing.T) {
	words := ""
	for range 40 {
		words += `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"word"},"finish_reason":null}]}` + "\n\n"
	}
	r := harness.StartRelay(t, harness.OpenAIChannel("a", begun(t, words), "")+dear)
	of := soFar(t, r, "/v1/chat/completions", harness.ChatStream, func(l inflight.Listed) bool { return l.OutputTokens == 40 })
	require.True(t, of.Estimated)
	require.Positive(t, of.InputTokens, "as a guess of what was sent")
	require.Equal(t, fmt.Sprintf("0.%09d", of.InputTokens*1_000_000+40*3_000_000), of.CostUSD)
}

func TestInputThatAnUpstreamHasCountedIsNotGuessed(t *testing.T) {
	event := func(name, data string) string { return "event: " + name + "\ndata: " + data + "\n\n" }
	text := event("message_start", `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,"usage":{"input_tokens":10,"cache_read_input_tokens":1000,"cache_creation_input_tokens":100,"output_tokens":1}}}`) +
		event("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`) +
		strings.Repeat(event("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}`), 5)
	u := begun(t, text)
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: anthropic, base_url: %q, keys: [sk-up], models: [claude]}\n%s", u.URL, dear))
	of := soFar(t, r, "/v1/messages", `{"model":"claude","max_tokens":99,"stream":true,"messages":[{"role":"user","content":"hi"}]}`,
		func(l inflight.Listed) bool { return l.OutputTokens == 5 })
	require.Equal(t, int64(1110), of.InputTokens)
	require.Equal(t, fmt.Sprintf("0.%09d", (10*1000+1000*100+100*2000+5*3000)*1000), of.CostUSD)
}

func TestNothingIsSaidOfTheCostOfAModelWithoutAPriceOrBeforeAnythingIsAnswered(t *testing.T) {
	r := harness.StartRelay(t, harness.OpenAIChannel("a", begun(t, `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"word"}}]}`+"\n\n"), ""))
	of := soFar(t, r, "/v1/chat/completions", harness.ChatStream, func(l inflight.Listed) bool { return l.OutputTokens == 1 })
	require.Empty(t, of.CostUSD)
	r = harness.StartRelay(t, harness.OpenAIChannel("a", harness.NewUpstream(t, false, harness.Hangs), "")+dear)
	of = soFar(t, r, "/v1/chat/completions", harness.ChatStream, func(l inflight.Listed) bool { return l.Phase == "asking" })
	require.Empty(t, of.CostUSD)
	require.Zero(t, of.InputTokens)
}

func TestWhoHasChangedWhatIsRememberedWithHisAddress(t *testing.T) {
	r := pageRelay(t)
	b := &browser{T: t, relay: r, site: "same-origin"}
	_, _, _ = b.logsIn(harness.AdminToken)
	status, _, _ := b.does("POST", "/api/channel/a/disable?cut=true", "", "")
	require.Equal(t, 200, status)
	status, _ = r.Operate("POST", "/api/channel/a/enable")
	require.Equal(t, 200, status)
	_, text := r.Operate("GET", "/api/config")
	var config struct {
		Data struct {
			Changes []struct{ What, Of, By, From, With string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(text), &config))
	type change = struct{ What, Of, By, From, With string }
	all := config.Data.Changes
	require.Len(t, all, 3)
	require.Equal(t, change{"enabled", "a", "admin", "127.0.0.1", "token"}, all[0])
	require.Equal(t, change{"cut", "a", "admin", "127.0.0.1", "session"}, all[1])
	require.Equal(t, "loaded", all[2].What)
	require.Equal(t, "start", all[2].By)
}

func TestAParameterThatAnOperatorsEndpointDoesNotKnowIsRefusedWithThoseThatItDoes(t *testing.T) {
	r := pageRelay(t)
	for path, says := range map[string]string{
		"/api/usage?chanel=x":                   "no parameter of the name chanel. It knows by, format, from, to.",
		"/api/requests?limit=5&tokn=x":          "no parameter of the name tokn. It knows before, channel, client_request_id, format, from, limit, min_cost_usd, model, outcome, to, token.",
		"/api/monitor/requests?chanel=a":        "It knows channel, limit.",
		"/api/monitor/channels?state=x":         "It knows none.",
		"/api/monitor/channels/a/recent?limt=1": "It knows none.",
		"/api/monitor/history?form=1":           "It knows since.",
	} {
		status, text := r.Operate("GET", path)
		require.Equal(t, 400, status, path)
		require.Contains(t, text, says, path)
	}
	status, text := r.Operate("POST", "/api/channel/a/disable?cutt=true")
	require.Equal(t, 400, status)
	require.Contains(t, text, "It knows cut.")
	require.Equal(t, "healthy", stateOf(r, "a"), "nothing was done")
	for _, path := range []string{"/api/status?x=1", "/api/monitor/health?x=1", "/api/monitor/requests?channel=a&limit=3"} {
		status, text = r.Operate("GET", path)
		require.Equal(t, 200, status, text)
	}
	response, err := r.Post(t.Context(), "/v1/chat/completions?x=1", harness.Chat)
	require.NoError(t, err)
	_ = response.Body.Close()
	require.Equal(t, 200, response.StatusCode, "clients' endpoints take no notice")
}
