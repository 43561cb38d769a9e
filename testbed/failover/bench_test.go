package failover

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// benchVerdict is FailoverBench's: passed is rescued as it should be; partial is rescued, but not in the best way; safe is an honest
// error within bounds; failed is the rest.
type benchVerdict string

const (
	passed  benchVerdict = "pass"
	partial benchVerdict = "partial"
	safe    benchVerdict = "safe"
	failed  benchVerdict = "fail"
)

// benchCall is what the client of one call saw.
type benchCall struct {
	whole    bool // success, with all sixty words
	cut      bool // success, with fewer
	model    string
	usage    bool
	text     string // of the error
	duration time.Duration
}

// scenario is one of the sixteen: what is asked for, and what is to be true then.
type scenario struct {
	model    string
	fallback string // the model that the second channel maps it to; empty: well
	tuned    string // what a tuned channel says beside the usual
	required func(p *misbehaving, c benchCall) bool
	advised  func(p *misbehaving, c benchCall) bool
	refused  bool         // an error is what is wanted
	untuned  benchVerdict // of a relay with nothing but its two channels
}

func atMost(model string, n int) func(*misbehaving, benchCall) bool {
	return func(p *misbehaving, _ benchCall) bool { return len(p.attempts(model)) <= n }
}

func atLeast(model string, n int) func(*misbehaving, benchCall) bool {
	return func(p *misbehaving, _ benchCall) bool { return len(p.attempts(model)) >= n }
}

func within(d time.Duration) func(*misbehaving, benchCall) bool {
	return func(_ *misbehaving, c benchCall) bool { return c.duration <= d }
}

func both(one, other func(*misbehaving, benchCall) bool) func(*misbehaving, benchCall) bool {
	return func(p *misbehaving, c benchCall) bool { return one(p, c) && other(p, c) }
}

// gapAtLeast wants the second try at a model no sooner than d after the first.
func gapAtLeast(model string, d time.Duration) func(*misbehaving, benchCall) bool {
	return func(p *misbehaving, _ benchCall) bool {
		at := p.attempts(model)
		return len(at) > 1 && at[1].Sub(at[0]) >= d
	}
}

var scenarios = map[string]scenario{
	"S01 429 with Retry-After":             {model: "limited-once", required: atMost("limited-once", 2), advised: gapAtLeast("limited-once", benchRetryAfter*9/10), untuned: partial},
	"S02 429 for ever":                     {model: "limited", required: atMost("limited", 4), untuned: passed},
	"S03 500 once":                         {model: "broken-once", advised: atLeast("broken-once", 2), untuned: partial},
	"S04 503 for ever":                     {model: "overloaded", required: atMost("overloaded", 6), untuned: passed},
	"S05 reset before the header":          {model: "reset-once", untuned: passed},
	"S07 slow first token":                 {model: "slow", tuned: "first_token: 300ms", advised: within(benchStall / 2), untuned: partial},
	"S08 stream cut":                       {model: "cut", untuned: safe},
	"S09 stream stalls":                    {model: "stalls", tuned: "idle: 500ms", untuned: safe},
	"S10 malformed chunk":                  {model: "malformed", advised: func(_ *misbehaving, c benchCall) bool { return c.whole }, untuned: safe},
	"S11 no [DONE]":                        {model: "unterminated", advised: func(_ *misbehaving, c benchCall) bool { return c.usage }, untuned: passed},
	"S12 context length":                   {model: "too-small", required: func(p *misbehaving, _ benchCall) bool { return len(p.attempts("too-small")) == 1 }, untuned: safe},
	"S13 content filter":                   {model: "filters", refused: true, required: func(p *misbehaving, _ benchCall) bool { return len(p.attempts("filters")) == 1 }, untuned: passed},
	"S14 the fallback refuses the prefill": {model: "cut-before-no-prefill", fallback: "well-without-prefill", required: func(_ *misbehaving, c benchCall) bool { return !strings.Contains(c.text, "prefill") }, untuned: safe},
	"S16 accounting": {model: "overloaded-and-counted", untuned: passed, required: both(atMost("overloaded-and-counted", 6), func(_ *misbehaving, c benchCall) bool { return c.model == "well" }),
		advised: func(_ *misbehaving, c benchCall) bool { return c.usage }},
}

// benchYAML is a primary channel that fails and a fallback that is well.
func benchYAML(p *misbehaving, s scenario, tuned bool) string {
	more, end := "", ""
	if tuned {
		more = ", retry_same: 1, resume: true, timeouts: {" + s.tuned + "}"
		end = fmt.Sprintf("context_fallback: {%s: well}\n", s.model)
	}
	return fmt.Sprintf("channels:\n  - {name: primary, type: openai, base_url: %q, keys: [k], models: [%s], priority: 10%s}\n"+
		"  - {name: fallback, type: openai, base_url: %q, keys: [k], models: [%s, well], model_mapping: {%s: %s}}\n%s",
		p.URL, s.model, more, p.URL, s.model, s.model, harness.OrElse(s.fallback, "well"), end)
}

func benchAsk(r *harness.Relay, model string) (c benchCall) {
	began := time.Now()
	response, err := r.Post(context.Background(), "/v1/chat/completions",
		fmt.Sprintf(`{"model":%q,"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Say sixty words."}]}`, model))
	require.NoError(r.T, err)
	all, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	require.NoError(r.T, err)
	c.duration = time.Since(began)
	if response.StatusCode != http.StatusOK {
		c.text = string(all)
		return c
	}
	for line := range strings.SplitSeq(string(all), "\n") {
		var event struct {
			Model string
			Usage *struct{}
			Error *struct{}
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok && json.Unmarshal([]byte(data), &event) == nil {
			c.usage = c.usage || event.Usage != nil
			if event.Error != nil {
				c.text = data
				return c
			}
			c.model = harness.OrElse(event.Model, c.model)
		}
	}
	c.whole = textOf(string(all)) == theWholeAnswer()
	c.cut = !c.whole
	return c
}

// judge is the benchmark's rule.
func (s scenario) judge(p *misbehaving, c benchCall) benchVerdict {
	holds := func(check func(*misbehaving, benchCall) bool) bool { return check == nil || check(p, c) }
	switch {
	case c.cut, !holds(s.required):
		return failed
	case s.refused && c.whole:
		return partial
	case !s.refused && !c.whole:
		return safe
	case !holds(s.advised):
		return partial
	}
	return passed
}

// TestTheSixteenScenariosOfTheFailoverBenchmark: a relay whose operator has said what it may do rescues all of them, and one that
// only has two channels never fails a client without saying so.
func TestTheSixteenScenariosOfTheFailoverBenchmark(t *testing.T) {
	for name, s := range scenarios {
		for row, want := range map[string]benchVerdict{"untuned": s.untuned, "tuned": passed} {
			t.Run(name+", "+row, func(t *testing.T) {
				t.Parallel()
				p := newMisbehaving(t)
				r := harness.StartRelay(t, benchYAML(p, s, row == "tuned"))
				c := benchAsk(r, s.model)
				assert.Equal(t, want, s.judge(p, c), "%d tries, %s, error %q", len(p.attempts(s.model)), c.duration, c.text)
				status, answer, _ := r.Ask("/v1/chat/completions", `{"model":"well","messages":[{"role":"user","content":"Say sixty words."}]}`)
				assert.Equal(t, 200, status, "alive: %s", answer)
			})
		}
	}
}

// S06: nobody waits for a provider that says nothing while another one is well. Untuned that holds at a provider's own host,
// where it is known that answers begin at once.
func TestASilentProviderIsNotWaitedForNorAskedAgain(t *testing.T) {
	for _, row := range []string{"untuned", "tuned"} {
		t.Run(row, func(t *testing.T) {
			t.Parallel()
			p := newMisbehaving(t)
			silent := harness.NewOfficial(t, "api.openai.com", harness.Hangs)
			primary := fmt.Sprintf("type: openai, keys: [k], proxy: %q", silent.Proxy.Url())
			if row == "tuned" {
				primary = fmt.Sprintf("type: openai, base_url: %q, keys: [k], retry_same: 1, timeouts: {header: 500ms}", p.URL)
			}
			r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: primary, %s, models: [is-silent], priority: 10}\n  - {name: fallback, type: openai, base_url: %q, models: [is-silent], model_mapping: {is-silent: well}}\n", primary, p.URL),
				harness.TrustingOfficial(silent), harness.WithEnv("STREAM_HEADER_TIMEOUT", "0.5"))
			c := benchAsk(r, "is-silent")
			assert.True(t, c.whole, c.text)
			assert.EqualValues(t, 1, int(silent.Requests.Load())+len(p.attempts("is-silent")), "a silent route is not asked again")
		})
	}
}

// S15: the primary is down for a minute. Twenty calls, one every four seconds: all are answered, few of them ask the primary
// while it is down, and it is in use again within half a minute of its recovery.
func TestAPrimaryThatIsDownForAMinuteIsBackSoonAfter(t *testing.T) {
	for _, row := range []string{"untuned", "tuned"} {
		t.Run(row, func(t *testing.T) {
			t.Parallel()
			var passed atomic.Int64 // of the time that rests go by
			began := time.Now()
			p := newMisbehaving(t)
			p.down = func() bool { return time.Duration(passed.Load()) < time.Minute }
			r := harness.StartRelay(t, benchYAML(p, scenario{model: "flaps"}, row == "tuned"),
				func(c *harness.RelayConfig) {
					c.Now = func() time.Time { return began.Add(time.Duration(passed.Load())) }
				})
			back := time.Duration(0)
			for i := range 20 {
				at := time.Duration(i) * 4 * time.Second
				passed.Store(int64(at))
				require.True(t, benchAsk(r, "flaps").whole, "call %d", i)
				if i == 14 { // the last one of the outage
					assert.LessOrEqual(t, len(p.attempts("flaps")), 15, "one try a call at the most, while it is down")
				}
				if back == 0 && p.answered("flaps") > 0 {
					back = at
				}
			}
			require.NotZero(t, back, "it was used again")
			assert.LessOrEqual(t, back-time.Minute, 30*time.Second)
		})
	}
}
