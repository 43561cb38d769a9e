package limits

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// form is a body with a file, as those endpoints take that are sent one.
func form(t *testing.T, file string, fields ...string) (body, kind string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		require.NoError(t, w.WriteField(fields[i], fields[i+1]))
	}
	part, err := w.CreateFormFile(file, "x.png")
	require.NoError(t, err)
	_, err = part.Write([]byte("\x89PNG made up"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String(), w.FormDataContentType()
}

// everywhere is a call at every endpoint that costs something.
func everywhere(t *testing.T) map[string]struct{ body, kind string } {
	all := map[string]struct{ body, kind string }{}
	for path, body := range map[string]string{
		"/v1/chat/completions": ask, "/v1/completions": `{"model":"m","prompt":"hi"}`, "/v1/embeddings": `{"model":"m","input":"hi"}`,
		"/v1/messages": ask, "/v1/responses": `{"model":"m","input":"hi"}`, "/v1/responses/compact": `{"model":"r","input":"hi"}`,
		"/v1beta/models/m:generateContent":               `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`,
		"/v1beta/models/m:streamGenerateContent?alt=sse": `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`,
		"/v1/models/m:generateContent":                   `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`,
		"/v1beta/models/m:embedContent":                  `{"content":{"parts":[{"text":"hi"}]}}`,
		"/v1beta/models/m:batchEmbedContents":            `{"requests":[{"model":"models/m","content":{"parts":[{"text":"hi"}]}}]}`,
		"/v1/images/generations":                         `{"model":"m","prompt":"hi"}`, "/v1/audio/speech": `{"model":"m","input":"hi","voice":"alloy"}`,
		"/v1/moderations": `{"model":"m","input":"hi"}`, "/v1/rerank": `{"model":"m","query":"hi","documents":["a"]}`,
		"/rerank": `{"model":"m","query":"hi","documents":["a"]}`, "/v2/rerank": `{"model":"m","query":"hi","documents":["a"]}`,
	} {
		all[path] = struct{ body, kind string }{body, "application/json"}
	}
	for path, file := range map[string]string{"/v1/images/edits": "image", "/v1/images/variations": "image", "/v1/audio/transcriptions": "file", "/v1/audio/translations": "file"} {
		body, kind := form(t, file, "model", "m", "prompt", "hi")
		all[path] = struct{ body, kind string }{body, kind}
	}
	return all
}

// TestASpentBudgetIsSpentAtEveryEndpoint: there is no way past it, whatever is passed on there (Bifrost#2873, #5770).
func TestASpentBudgetIsSpentAtEveryEndpoint(t *testing.T) {
	asked := atomic.Int64{}
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, q *http.Request) {
		asked.Add(1)
		harness.Answers(200, costly)(w, q)
	})
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, "")+fmt.Sprintf("  - {name: b, type: openai, api: responses, base_url: %q, keys: [sk-upstream-secret], models: [r]}\n", u.URL)+
		"tokens:\n  - {name: t, key: "+harness.Key+", budget: {usd: 0.0002, per: total}}\nprices: [{model: '*', input: 0.1, output: 1}]\n")
	status, _, _ := r.Ask("/v1/chat/completions", ask)
	require.Equal(t, 200, status)
	r.Eventually("it is settled", func() bool { return len(r.RequestEnds()) == 1 && r.Server.Active() == 0 })
	for path, of := range everywhere(t) {
		request, err := http.NewRequest(http.MethodPost, r.URL+path, strings.NewReader(of.body))
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+harness.Key)
		request.Header.Set("Content-Type", of.kind)
		response, err := r.Client.Do(request)
		require.NoError(t, err)
		answer, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Contains(t, []int{http.StatusTooManyRequests, http.StatusPaymentRequired}, response.StatusCode, "%s: %s", path, answer)
		assert.Regexp(t, "insufficient_quota|billing_error|RESOURCE_EXHAUSTED|budget", string(answer), path)
	}
	_, status = dial(r, "/v1/realtime?model=m")
	assert.Equal(t, http.StatusTooManyRequests, status, "realtime")
	assert.EqualValues(t, 1, asked.Load(), "no upstream is asked")
	require.Zero(t, r.Server.Gauges().Reserved)
}

// TestFiveHundredCallsAtOncePassNoLimit by more than is said, of a token, a group, or all together, streams among them.
func TestFiveHundredCallsAtOncePassNoLimit(t *testing.T) {
	const stream = `{"model":"m","stream":true,"max_tokens":100,"messages":[{"role":"user","content":"hi"}]}`
	for name, c := range map[string]struct {
		token, more string
		passes      int // calls
	}{
		"a token's requests a minute":    {", limits: {rpm: 20}", "", 20},
		"a group's requests a minute":    {"", "groups: {default: {limits: {rpm: 20}}}\n", 20},
		"everybody's requests a minute":  {"", "limits: {rpm: 20}\n", 20},
		"a token's calls at a time":      {", limits: {concurrent: 5}", "", 5},
		"a group's calls at a time":      {"", "groups: {default: {limits: {concurrent: 5}}}\n", 5},
		"everybody's calls at a time":    {"", "limits: {concurrent: 5}\n", 5},
		"a token's tokens a minute":      {", limits: {tpm: 650}", "", 5}, // each reserves 100 and some
		"a group's tokens a minute":      {"", "groups: {default: {limits: {tpm: 650}}}\n", 5},
		"everybody's tokens a minute":    {"", "limits: {tpm: 650}\n", 5},
		"the smallest of several limits": {", limits: {rpm: 100, concurrent: 7}", "groups: {default: {limits: {rpm: 9}}}\nlimits: {concurrent: 3}\n", 3},
	} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			most, open := atomic.Int64{}, atomic.Int64{}
			r, u := start(t, func(w http.ResponseWriter, q *http.Request) {
				for n := open.Add(1); ; {
					if before := most.Load(); before >= n || most.CompareAndSwap(before, n) {
						break
					}
				}
				defer open.Add(-1)
				select {
				case <-release:
				case <-q.Context().Done():
				}
				if text := string(q.Body.(harness.ReadBody).Whole); strings.Contains(text, `"stream":true`) {
					w.Header().Set("Content-Type", "text/event-stream")
					_, _ = io.WriteString(w, `data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}`+"\n\n"+
						`data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":90,"total_tokens":100}}`+"\n\ndata: [DONE]\n\n")
					return
				}
				harness.Answers(200, strings.NewReplacer(`"prompt_tokens":1000,"completion_tokens":100`, `"prompt_tokens":10,"completion_tokens":90`).Replace(costly))(w, q)
			}, c.token, c.more+prices)
			var mu sync.Mutex
			statuses := map[int]int{}
			var all sync.WaitGroup
			places := make(chan struct{}, 90)
			once, began := sync.Once{}, time.Now()
			defer time.AfterFunc(harness.Patience, func() { once.Do(func() { close(release) }) }).Stop() // more pass than may
			for i := range 500 {
				all.Go(func() {
					places <- struct{}{}
					defer func() { <-places }()
					body := ask
					if i%2 == 0 {
						body = stream
					}
					response, err := r.Post(context.Background(), "/v1/chat/completions", body)
					if !assert.NoError(t, err) {
						return
					}
					mu.Lock()
					if statuses[response.StatusCode]++; statuses[http.StatusTooManyRequests] == 500-c.passes {
						once.Do(func() { close(release) }) // nobody else comes: those that are open may end
					}
					mu.Unlock()
					_, _ = io.Copy(io.Discard, response.Body)
					assert.NoError(t, response.Body.Close())
				})
			}
			all.Wait()
			if strings.Contains(name, "minute") && time.Since(began) > 50*time.Second {
				t.Skip("this machine is too busy for so many calls in the minute that they count in")
			}
			require.Equal(t, map[int]int{http.StatusOK: c.passes, http.StatusTooManyRequests: 500 - c.passes}, statuses)
			require.EqualValues(t, c.passes, most.Load(), "all of them were open at once")
			require.EqualValues(t, c.passes, u.Requests.Load())
			requireNothingReserved(r, 500)
			if strings.Contains(name, "at a time") {
				status, answer, _ := r.Ask("/v1/chat/completions", ask)
				require.Equal(t, http.StatusOK, status, "nobody is kept out by who has gone: %s", fmt.Sprint(answer))
			}
		})
	}
}
