package failover

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
)

// misbehaving is a provider whose models each fail in a way of their own, and otherwise say sixtyWords. Its times are short for
// those that FailoverBench (https://github.com/failoverbench/failoverbench) has, which measures gateways by these faults.
type misbehaving struct {
	*harness.Upstream
	down func() bool // the model "flaps" is

	mu    sync.Mutex
	asked map[string][]time.Time // by model
	ok    map[string]int         // requests that were answered with a 200
}

// benchRequest is what the provider reads of a request.
type benchRequest struct {
	Model         string
	Stream        bool
	Messages      []struct{ Role, Content string }
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

const (
	benchStall      = 4 * time.Second // 30 s of the benchmark's; its 20 s before the first token are two thirds of it
	benchRetryAfter = time.Second     // 2 s of the benchmark's
)

func newMisbehaving(t *testing.T) *misbehaving {
	p := &misbehaving{asked: map[string][]time.Time{}, ok: map[string]int{}, down: func() bool { return false }}
	p.Upstream = harness.NewUpstream(t, false, p.serve)
	return p
}

// attempts is when a model was asked.
func (p *misbehaving) attempts(model string) []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]time.Time(nil), p.asked[model]...)
}

func (p *misbehaving) answered(model string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ok[model]
}

func (p *misbehaving) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var asked benchRequest
	_ = json.Unmarshal(body, &asked)
	p.mu.Lock()
	p.asked[asked.Model] = append(p.asked[asked.Model], time.Now())
	first := len(p.asked[asked.Model]) == 1
	p.mu.Unlock()
	if refused, met := p.refuses(w, &asked, first); met {
		if refused.Status != 0 {
			harness.Answers(refused.Status, fmt.Sprintf(`{"error":{"message":%q,"type":%q,"code":%q}}`, refused.Message, refused.Kind, refused.Code))(w, r)
		}
		return
	}
	if asked.Model == "is-silent" {
		<-r.Context().Done()
		return
	}
	p.mu.Lock()
	p.ok[asked.Model]++
	p.mu.Unlock()
	p.answer(w, r, &asked)
}

// refuses is what a model has against being asked; met false: nothing. A refusal without a status has been dealt with.
func (p *misbehaving) refuses(w http.ResponseWriter, asked *benchRequest, first bool) (refused sdktest.Refusal, met bool) {
	switch asked.Model {
	case "limited-once":
		w.Header().Set("Retry-After", fmt.Sprint(int(benchRetryAfter.Seconds())))
		return isLimited, first
	case "limited":
		return isLimited, true
	case "broken-once":
		return isBroken, first
	case "overloaded", "overloaded-and-counted":
		return isOverloaded, true
	case "reset-once":
		if first {
			harness.ResetTCP(w)
		}
		return sdktest.Refusal{}, first
	case "flaps":
		return isOverloaded, p.down()
	case "too-small":
		return sdktest.Refusal{Status: 400, Kind: "invalid_request_error", Code: "context_length_exceeded", Message: "This model's maximum context length is 8192 tokens. However, your messages resulted in 9631 tokens."}, true
	case "filters":
		return sdktest.Refusal{Status: 400, Kind: "invalid_request_error", Code: "content_policy_violation", Message: "Your request was rejected as a result of our safety system."}, true
	case "well-without-prefill":
		return sdktest.Refusal{Status: 400, Kind: "invalid_request_error", Code: "invalid_prefill", Message: "This model does not support assistant message prefill. The conversation must end with a user message."},
			asked.Messages[len(asked.Messages)-1].Role == "assistant"
	}
	return sdktest.Refusal{}, false
}

// answer says the words, or those that are left of them, and fails on the way as the model does.
func (p *misbehaving) answer(w http.ResponseWriter, r *http.Request, asked *benchRequest) {
	words, spoken := sixtyWords(), harness.Voice{}
	if last := asked.Messages[len(asked.Messages)-1]; last.Role == "assistant" {
		if rest, ok := strings.CutPrefix(theWholeAnswer(), last.Content); ok {
			words = strings.SplitAfter(rest, " ")
		}
	}
	if !asked.Stream {
		harness.Answers(200, strings.Replace(strings.Replace(harness.WholeAnswer, `"hi"`, fmt.Sprintf("%q", theWholeAnswer()), 1), "m-2026", asked.Model, 1))(w, r)
		return
	}
	harness.Variant{Stream: true}.Header(w)
	pause := func(d time.Duration) {
		_ = http.NewResponseController(w).Flush()
		select {
		case <-time.After(d):
		case <-r.Context().Done():
		}
	}
	if asked.Model == "slow" {
		pause(benchStall * 2 / 3)
	}
	chunk := func(delta, finish, more string) {
		harness.Say(w, fmt.Sprintf("data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":%q,\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":%s}]%s}\n\n", asked.Model, delta, finish, more))
	}
	chunk(`{"role":"assistant","content":""}`, "null", "")
	for i, word := range words {
		switch {
		case i == 40 && (asked.Model == "cut" || asked.Model == "cut-before-no-prefill"):
			return
		case i == 20 && asked.Model == "stalls":
			pause(benchStall)
			panic(http.ErrAbortHandler)
		case i == 10 && asked.Model == "malformed":
			harness.Say(w, "data: {\"id\": \"c\", \"choices\": [{\"delta\": {\"content\": \n\n")
		}
		chunk(fmt.Sprintf(`{"content":%q}`, word), "null", "")
	}
	chunk("{}", `"stop"`, "")
	if asked.StreamOptions.IncludeUsage {
		harness.Say(w, fmt.Sprintf("data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":%q,\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":%d,\"total_tokens\":%d}}\n\n", asked.Model, len(words), 9+len(words)))
	}
	if asked.Model != "unterminated" {
		harness.Say(w, spoken.Terminator())
	}
}
