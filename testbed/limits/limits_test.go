// Package limits proves that what clients may ask for and spend holds over real sockets.
package limits

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/record"
	"one-api/testbed/harness"
)

const ask = `{"model":"m","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}`

// costly is an answer of 1,000 tokens of input and 100 of output: $0.0002 at the prices below.
const costly = `{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}}`

const prices = "prices: [{model: m, input: 0.1, output: 1}]\n"

func start(t *testing.T, handle http.HandlerFunc, token, more string) (*harness.Relay, *harness.Upstream) {
	u := harness.NewUpstream(t, false, handle)
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, "")+"tokens:\n  - {name: t, key: "+harness.Key+token+"}\n"+more)
	return r, u
}

func TestARequestOverALimitIsRefusedInItsClientsFormatBeforeAnUpstreamIsAsked(t *testing.T) {
	asked := atomic.Int64{}
	r, _ := start(t, func(w http.ResponseWriter, q *http.Request) {
		asked.Add(1)
		harness.Answers(200, costly)(w, q)
	}, ", limits: {rpm: 1}", prices)
	status, _, _ := r.Ask("/v1/chat/completions", ask)
	require.Equal(t, 200, status)
	for path, c := range map[string]struct{ body, says, header string }{
		"/v1/chat/completions":             {ask, `"code":"rate_limit_exceeded"`, "X-Ratelimit-Remaining-Requests"},
		"/v1/embeddings":                   {`{"model":"m","input":"hi"}`, `"code":"rate_limit_exceeded"`, "X-Ratelimit-Limit-Requests"},
		"/v1/responses":                    {`{"model":"m","input":"hi"}`, `"code":"rate_limit_exceeded"`, "X-Ratelimit-Reset-Requests"},
		"/v1/messages":                     {ask, `"type":"rate_limit_error"`, "Anthropic-Ratelimit-Requests-Remaining"},
		"/v1beta/models/m:generateContent": {`{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`, `"status":"RESOURCE_EXHAUSTED"`, "Retry-After"},
		"/v1/images/generations":           {`{"model":"m","prompt":"hi"}`, `"code":"rate_limit_exceeded"`, "Retry-After"},
	} {
		status, answer, header := r.Ask(path, c.body)
		assert.Equal(t, 429, status, path)
		assert.Contains(t, answer, c.says, path)
		assert.NotEmpty(t, header.Get(c.header), "%s: %s", path, c.header)
		assert.NotEmpty(t, header.Get("Retry-After"), path)
	}
	assert.Equal(t, int64(1), asked.Load())
}

func TestTheTokensOfStreamsCountAMinuteToo(t *testing.T) {
	const chunk = `data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"word"},"finish_reason":null}]}` + "\n\n"
	const last = `data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n"
	const usage = `data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[],"usage":{"prompt_tokens":900,"completion_tokens":100,"total_tokens":1000}}` + "\n\n"
	r, u := start(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, chunk+last+usage+"data: [DONE]\n\n")
	}, ", limits: {tpm: 2500}", prices)
	const stream = `{"model":"m","stream":true,"max_tokens":100,"messages":[{"role":"user","content":"hi"}]}`
	for i := range 3 { // each reserves little and takes 1,000: the third is the last that begins
		status, answer, _ := r.Ask("/v1/chat/completions", stream)
		require.Equal(t, 200, status, answer)
		r.Eventually("it has ended", func() bool { return len(r.RequestEnds()) == i+1 && r.Server.Active() == 0 })
	}
	status, answer, header := r.Ask("/v1/chat/completions", stream)
	require.Equal(t, 429, status)
	require.Contains(t, answer, "tokens per minute (TPM): limit 2500, used 3000")
	require.Equal(t, "0", header.Get("X-Ratelimit-Remaining-Tokens"))
	require.EqualValues(t, 3, u.Requests.Load())
}

func TestASpentBudgetIsRefusedAsOne(t *testing.T) {
	r, _ := start(t, harness.Answers(200, costly), ", show_cost: true, budget: {usd: 0.0004, per: day}", prices)
	for range 2 {
		status, _, header := r.Ask("/v1/chat/completions", ask)
		require.Equal(t, 200, status)
		require.Equal(t, "0.000200000", header.Get("X-Oneapi-Cost-Usd"))
	}
	status, answer, header := r.Ask("/v1/chat/completions", ask)
	assert.Equal(t, 429, status)
	assert.Contains(t, answer, `"code":"insufficient_quota"`)
	assert.Equal(t, "false", header.Get("X-Should-Retry"))
	status, answer, _ = r.Ask("/v1/messages", ask)
	assert.Equal(t, 402, status)
	assert.Contains(t, answer, `"type":"billing_error"`)
	status, answer, _ = r.Ask("/v1beta/models/m:generateContent", `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`)
	assert.Equal(t, 429, status)
	assert.Contains(t, answer, "RESOURCE_EXHAUSTED")
}

func TestFiveHundredCallsAtOnceDoNotPassABudgetByMoreThanIsAllowed(t *testing.T) {
	r, _ := start(t, harness.Answers(200, costly), ", budget: {usd: 0.002, per: total}", prices)
	var mu sync.Mutex
	statuses := map[int]int{}
	var all sync.WaitGroup
	gate := make(chan struct{}, 90)
	for range 500 {
		all.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			response, err := r.Post(context.Background(), "/v1/chat/completions", ask)
			if !assert.NoError(t, err) {
				return
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			statuses[response.StatusCode]++
		})
	}
	all.Wait()
	// Each reserves some 120 nano-dollars a token less than it takes: $0.0001 and a bit for what costs $0.0002. So no more than 20 fit by
	// their reservations, and what is open when the rest comes to nothing is let through.
	t.Logf("%v", statuses)
	assert.GreaterOrEqual(t, statuses[200], 10)
	assert.LessOrEqual(t, statuses[200], 20)
	assert.Equal(t, 500, statuses[200]+statuses[429])
}

func TestNothingStaysReservedWhateverBecomesOfACall(t *testing.T) {
	cut := atomic.Bool{}
	r, _ := start(t, func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range 3 {
			_, _ = io.WriteString(w, `data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}`+"\n\n")
			_ = http.NewResponseController(w).Flush()
		}
		if cut.Load() {
			harness.ResetTCP(w)
			return
		}
		<-q.Context().Done()
	}, ", limits: {concurrent: 1}, budget: {usd: 1, per: day}", prices)
	const stream = `{"model":"m","stream":true,"max_tokens":100,"messages":[{"role":"user","content":"hi"}]}`
	leaves := func() {
		ctx, cancel := context.WithCancel(context.Background())
		response, err := r.Post(ctx, "/v1/chat/completions", stream)
		require.NoError(t, err)
		require.Equal(t, 200, response.StatusCode)
		_, err = bufio.NewReader(response.Body).ReadString('\n')
		require.NoError(t, err)
		status, _, _ := r.Ask("/v1/chat/completions", ask)
		require.Equal(t, 429, status, "one at a time")
		cancel()
		_ = response.Body.Close()
	}
	ended := 0
	next := func(n int) {
		ended += n
		r.Eventually("the call has ended", func() bool { return len(r.RequestEnds()) >= ended })
	}
	leaves()
	next(2)
	leaves()
	next(2)
	cut.Store(true)
	for range 3 {
		response, err := r.Post(context.Background(), "/v1/chat/completions", stream)
		require.NoError(t, err)
		require.Equal(t, 200, response.StatusCode)
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		next(1)
	}
	for _, a := range r.Recorded() {
		assert.Equal(t, record.CountedByEstimate, a.Cost.Counted, a.Outcome)
		assert.True(t, a.Cost.Priced)
		assert.Equal(t, int64(4), a.Usage.Text, "fifteen bytes in three events")
		assert.Greater(t, a.Cost.Cost, int64(4000))
	}
}

func TestModelsWithoutAPriceAreRefusedWhereABudgetCounts(t *testing.T) {
	r, _ := start(t, harness.Answers(200, costly), ", budget: {usd: 1}", "")
	status, answer, _ := r.Ask("/v1/chat/completions", ask)
	assert.Equal(t, 403, status)
	assert.Contains(t, answer, "model_not_priced")
	r, _ = start(t, harness.Answers(200, costly), ", budget: {usd: 1}, unpriced: allow", "")
	status, _, _ = r.Ask("/v1/chat/completions", ask)
	assert.Equal(t, 200, status)
	r, _ = start(t, harness.Answers(200, costly), ", unpriced: refuse", "")
	status, _, _ = r.Ask("/v1/chat/completions", ask)
	assert.Equal(t, 403, status)
}

// What others got wrong, by the fault.
func TestWhatAnAttemptCostsIsRight(t *testing.T) {
	event := func(s string) string { return "data: " + s + "\n\n" }
	const chunk = `{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"word"},"finish_reason":null}]}`
	const last = `{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`
	usage := func(n int) string {
		return fmt.Sprintf(`{"id":"c","object":"chat.completion.chunk","model":"m","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":%d,"total_tokens":%d}}`, n, 10+n)
	}
	for fault, c := range map[string]struct {
		answer  string
		stream  bool
		cost    int64 // nano-dollars
		counted record.Counted
	}{
		"cached tokens twice":                 {strings.Replace(costly, `"total_tokens"`, `"prompt_tokens_details":{"cached_tokens":900},"total_tokens"`, 1), false, 1000*100 + 100*1000, record.CountedByProvider},
		"reasoning twice":                     {strings.Replace(costly, `"total_tokens"`, `"completion_tokens_details":{"reasoning_tokens":80},"total_tokens"`, 1), false, 1000*100 + 100*1000, record.CountedByProvider},
		"a sum in the place of the last":      {event(chunk) + event(usage(5)) + event(chunk) + event(last) + event(usage(7)) + event("[DONE]"), true, 10*100 + 7*1000, record.CountedByProvider},
		"no usage at all booked as nothing":   {event(chunk) + event(chunk) + event(last) + event("[DONE]"), true, 18*100 + 2*1000, record.CountedByEstimate},
		"an error's text booked as an answer": {event(`{"error":{"message":"` + strings.Repeat("overloaded ", 50) + `","type":"server_error"}}`), true, 0, record.CountedByNobody},
	} {
		t.Run(fault, func(t *testing.T) {
			r, _ := start(t, func(w http.ResponseWriter, _ *http.Request) {
				if c.stream {
					w.Header().Set("Content-Type", "text/event-stream")
				} else {
					w.Header().Set("Content-Type", "application/json")
				}
				_, _ = io.WriteString(w, c.answer)
			}, "", prices)
			body := ask
			if c.stream {
				body = `{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}`
			}
			r.Ask("/v1/chat/completions", body)
			r.Eventually("it has ended", func() bool { return len(r.RequestEnds()) == 1 })
			a := r.Attempt(0)
			assert.Equal(t, c.counted, a.Cost.Counted)
			assert.Equal(t, c.cost, a.Cost.Cost)
			assert.True(t, a.Cost.Priced)
		})
	}
}
