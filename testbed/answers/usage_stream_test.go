package answers

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
	"one-api/testbed/harness"
)

const (
	usageText  = `data: {"id":"c","object":"chat.completion.chunk","model":"up","choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}],"usage":null}` + "\n\n"
	usageEnd   = `data: {"id":"c","object":"chat.completion.chunk","model":"up","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}` + "\n\n"
	usageChunk = `data: {"id":"c","object":"chat.completion.chunk","model":"up","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}` + "\n\n"
)

// tellingUsage is a server that tells the usage of a stream to those who ask for it, and no one else; refuses: it says so with that
// status to those who do.
func tellingUsage(refuses int, words string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		asks := strings.Contains(string(r.Body.(harness.ReadBody).Whole), `"include_usage":true`)
		switch {
		case !strings.Contains(string(r.Body.(harness.ReadBody).Whole), `"stream":true`):
			harness.Answers(200, harness.WholeAnswer)(w, r)
			return
		case asks && refuses != 0:
			harness.Answers(refuses, words)(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		said := usageText + usageEnd
		if asks {
			said += usageChunk
		}
		_, _ = w.Write([]byte(said + done))
	}
}

var usageTold = wire.Usage{Uncached: 7, Text: 3}

const streamedChat = `{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]%s}`

func TestTheUsageOfAStreamIsKnownWhetherItsClientAsksOrNot(t *testing.T) {
	for name, tc := range map[string]struct {
		endpoint, more string
		body           string // that the upstream gets; empty: not looked at
		got            string // by the client; empty: not looked at
	}{
		"nobody asks":         {"/v1/chat/completions", ``, fmt.Sprintf(streamedChat, `,"stream_options":{"include_usage":true}`), usageText + usageEnd + done},
		"it does not want it": {"/v1/chat/completions", `,"stream_options":{"include_usage":false}`, fmt.Sprintf(streamedChat, `,"stream_options":{"include_usage":true}`), usageText + usageEnd + done},
		"it has other wishes": {"/v1/chat/completions", `,"stream_options":{"include_obfuscation":false}`, fmt.Sprintf(streamedChat, `,"stream_options":{"include_usage":true,"include_obfuscation":false}`), usageText + usageEnd + done},
		"it asks itself":      {"/v1/chat/completions", `,"stream_options":{"include_usage":true}`, fmt.Sprintf(streamedChat, `,"stream_options":{"include_usage":true}`), usageText + usageEnd + usageChunk + done},
		"text completions":    {"/v1/completions", `,"prompt":"x"`, fmt.Sprintf(streamedChat, `,"prompt":"x","stream_options":{"include_usage":true}`), usageText + usageEnd + done},
		"a Messages client":   {"/v1/messages", `,"max_tokens":9`, "", ""},
	} {
		for transport, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
			t.Run(name+" over "+transport, func(t *testing.T) {
				u := harness.NewUpstream(t, http2, tellingUsage(0, ""))
				r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.Trusting(u))
				status, answer, _ := r.Ask(tc.endpoint, fmt.Sprintf(streamedChat, tc.more))
				require.Equal(t, 200, status, answer)
				require.Equal(t, []string{"completed"}, r.Outcomes(1))
				require.Equal(t, usageTold, r.Attempt(0).Usage)
				if tc.body != "" {
					require.Equal(t, tc.body, string(u.Bodies[0]))
					require.Equal(t, tc.got, answer)
				}
			})
		}
	}
}

// refusals of the question, in the words of those who make them.
var usageRefusals = map[string]struct {
	status int
	words  string
}{
	"Mistral":           {422, `{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","stream_options","include_usage"],"msg":"Extra inputs are not permitted","input":true}]},"type":"invalid_request_error","param":null,"code":null}`},
	"an older one":      {400, `{"error":{"message":"Unrecognized request argument supplied: stream_options","type":"invalid_request_error","param":null,"code":null}}`},
	"in plain words":    {400, `unknown field "include_usage"`},
	"on a web page":     {400, `<html><body>stream_options?</body></html>`},
	"behind a long one": {422, `{"detail":"` + strings.Repeat("x", 20000) + `stream_options"}`},
}

// TestWhoRefusesToBeAskedForTheUsageIsNotAskedAgain counts requests, attempts, blame and what is left behind.
func TestWhoRefusesToBeAskedForTheUsageIsNotAskedAgain(t *testing.T) {
	for name, refusal := range usageRefusals {
		for transport, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
			t.Run(name+" over "+transport, func(t *testing.T) {
				u := harness.NewUpstream(t, http2, tellingUsage(refusal.status, refusal.words))
				r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ", stream_usage: auto"), harness.Trusting(u), harness.WithEnv("RETRY_TIMES", "0"))
				before := runtime.NumGoroutine()
				body := fmt.Sprintf(streamedChat, "")
				for n := range 3 {
					status, answer, _ := r.Ask("/v1/chat/completions", body)
					require.Equal(t, 200, status, answer)
					require.Equal(t, usageText+usageEnd+done, answer)
					require.EqualValues(t, n+2, u.Requests.Load(), "the first call was made twice, and no other")
				}
				require.Equal(t, body, string(u.Bodies[1]), "the second time it is as the client made it")
				require.Equal(t, []string{"completed", "completed", "completed"}, r.Outcomes(3))
				require.Equal(t, 1, r.RequestEnd(0).Asked())
				a := r.Server.Pool().Set().Get("a").Snapshot(r.Attempt(0).Began)
				require.Equal(t, "healthy", string(a.State))
				require.Zero(t, a.ConsecutiveFailures)
				require.EqualValues(t, 3, a.AttemptsTotal)
				require.Equal(t, 1, strings.Count(r.Log.String(), "refuses to be asked for the usage of streams"))

				// It is another model's business, and a reload's.
				status, answer, _ := r.Ask("/v1/chat/completions", strings.Replace(body, `"m"`, `"m-other"`, 1))
				require.Equal(t, 200, status, answer)
				require.EqualValues(t, 6, u.Requests.Load())
				r.RequireQuiet(before, u)
			})
		}
	}
}

func TestAReloadForgetsWhoRefusedToBeAskedForTheUsage(t *testing.T) {
	u := harness.NewUpstream(t, false, tellingUsage(400, usageRefusals["an older one"].words))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	body := fmt.Sprintf(streamedChat, "")
	for range 2 {
		_, _, _ = r.Ask("/v1/chat/completions", body)
	}
	require.EqualValues(t, 3, u.Requests.Load())
	yaml, err := os.ReadFile(r.File)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(r.File, append(yaml, "  - {name: another, key: sk-another-0123456789}\n"...), 0o600))
	require.NoError(t, r.Server.Reload())
	_, _, _ = r.Ask("/v1/chat/completions", body)
	require.EqualValues(t, 5, u.Requests.Load())
}

func TestARefusalThatIsNotAboutTheUsageIsTheClients(t *testing.T) {
	const words = `{"error":{"message":"temperature is out of range","type":"invalid_request_error","param":"temperature"}}`
	const aboutUsage = `{"error":{"message":"stream_options is unknown"}}`
	for name, tc := range map[string]struct {
		status   int
		words    string
		more     string
		requests int
	}{
		"another member":                     {400, words, "", 1},
		"another status":                     {403, aboutUsage, "", 1},
		"the client asked for it itself":     {400, aboutUsage, `,"stream_options":{"include_usage":true}`, 1},
		"the client's own options are wrong": {400, aboutUsage, `,"stream_options":[{"include_usage":true}]`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			u := harness.NewUpstream(t, false, tellingUsage(tc.status, tc.words))
			r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("RETRY_TIMES", "0"))
			status, answer, _ := r.Ask("/v1/chat/completions", fmt.Sprintf(streamedChat, tc.more))
			require.NotEqual(t, 200, status, answer)
			require.EqualValues(t, tc.requests, u.Requests.Load())
		})
	}
}

// TestAPromptThatHasTheQuestionQuotedHarmsNobody has a client that is refused either way: what it says is not taken for the server's word
// on the question.
func TestAPromptThatHasTheQuestionQuotedHarmsNobody(t *testing.T) {
	told := tellingUsage(0, "")
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(string(r.Body.(harness.ReadBody).Whole), "evil") {
			harness.Answers(400, `{"error":{"message":"your prompt \"evil stream_options\" is not allowed"}}`)(w, r)
			return
		}
		told(w, r)
	})
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("RETRY_TIMES", "0"))
	status, answer, _ := r.Ask("/v1/chat/completions", strings.Replace(fmt.Sprintf(streamedChat, ""), "hi", "evil stream_options", 1))
	require.Equal(t, 400, status, answer)
	require.EqualValues(t, 2, u.Requests.Load())
	_, _, _ = r.Ask("/v1/chat/completions", fmt.Sprintf(streamedChat, ""))
	require.Equal(t, usageTold, r.Attempt(1).Usage, "the others' usage is known as before")
}

func TestWhetherTheUsageIsAskedForCanBeSaid(t *testing.T) {
	for name, tc := range map[string]struct {
		channel string
		asks    bool
	}{
		"openai":                             {"type: openai", true},
		"openai, auto":                       {"type: openai, stream_usage: auto", true},
		"openai, never":                      {"type: openai, stream_usage: never", false},
		"deepseek":                           {"type: deepseek", true},
		"mistral, which refuses":             {"type: mistral", false},
		"mistral, asked all the same":        {"type: mistral, stream_usage: ask", true},
		"perplexity, which tells it unasked": {"type: perplexity", false},
	} {
		t.Run(name, func(t *testing.T) {
			u := harness.NewUpstream(t, false, tellingUsage(0, ""))
			r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, %s, base_url: %q, keys: [k], models: [m]}\n", tc.channel, u.URL))
			for _, endpoint := range []string{"/v1/chat/completions", "/v1/messages"} {
				status, answer, _ := r.Ask(endpoint, fmt.Sprintf(streamedChat, `,"max_tokens":9`))
				require.Equal(t, 200, status, answer)
				require.Equal(t, tc.asks, strings.Contains(string(u.Bodies[len(u.Bodies)-1]), "include_usage"))
			}
		})
	}
}

func TestTheUsageIsAskedForInARenamedCallToo(t *testing.T) {
	u := harness.NewUpstream(t, false, tellingUsage(0, ""))
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, base_url: %q, keys: [k], models: [m], model_mapping: {m: a-much-longer-name}}\n", u.URL))
	for _, options := range []string{``, `,"stream_options":{"x":1}`, `,"stream_options":{"include_usage":null}`} {
		status, answer, _ := r.Ask("/v1/chat/completions", fmt.Sprintf(streamedChat, options))
		require.Equal(t, 200, status, answer)
		sent := u.LastBody(t)
		require.Equal(t, "a-much-longer-name", sent["model"])
		require.Equal(t, true, sent["stream_options"].(map[string]any)["include_usage"])
		require.Equal(t, usageText+usageEnd+done, answer)
	}
}

func TestFiguresThatContradictEachOtherAreToldToTheOperatorOnce(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, strings.Replace(harness.WholeAnswer, `"prompt_tokens":1,`, `"prompt_tokens":1,"cached_tokens":9,`, 1)))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	for range 2 {
		_, _, _ = r.Ask("/v1/chat/completions", harness.Chat)
	}
	r.Outcomes(2)
	require.Equal(t, wire.Usage{Uncached: 1, CacheRead: 9, Text: 1, Doubtful: true}, r.Attempt(0).Usage)
	r.Eventually("a line in the log", func() bool { return strings.Contains(r.Log.String(), "token figures contradict each other") })
	require.Equal(t, 1, strings.Count(r.Log.String(), "token figures contradict each other"))
}
