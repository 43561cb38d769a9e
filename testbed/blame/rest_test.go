package blame

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/testbed/harness"
)

// TestAnUpstreamThatSaysHowLongIsLeftAloneThatLong has the words, headers and bodies in which upstreams say it.
func TestAnUpstreamThatSaysHowLongIsLeftAloneThatLong(t *testing.T) {
	limited := `{"error":{"message":"Rate limit reached.","type":"requests","code":"rate_limit_exceeded"}}`
	for name, c := range map[string]struct {
		answer  string
		seconds int
		channel bool // it is the channel that rests, and not a key
	}{
		"Gemini's RetryInfo":         {raw(429, `{"error": {"code": 429, "message": "Resource exhausted", "status": "RESOURCE_EXHAUSTED", "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}]}}`), 37, false},
		"a limit that is used up":    {raw(429, limited, "x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 20s", "x-ratelimit-remaining-tokens: 99", "x-ratelimit-reset-tokens: 4m"), 20, false},
		"Anthropic's":                {raw(429, limited, "Date: Sat, 21 Nov 2026 12:00:00 GMT", "anthropic-ratelimit-tokens-remaining: 0", "anthropic-ratelimit-tokens-reset: 2026-11-21T12:00:42Z"), 42, false},
		"in milliseconds":            {raw(429, limited, "retry-after-ms: 31000"), 31, false},
		"in words":                   {raw(429, `{"error":{"message":"Rate limit reached for m. Please try again in 45s.","code":"rate_limit_exceeded"}}`), 45, false},
		"for a day":                  {raw(429, limited, "Retry-After: 86400"), 300, false},
		"a limit inside a 200":       {raw(200, `{"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"33s"}]}}`), 33, false},
		"xAI's limit inside a 200":   {raw(200, `{"code":"Some resource has been exhausted","error":"Too many requests for team 11111111-2222-3333-4444-555555555555 and model grok-4. Please try again in 34s."}`), 34, false},
		"a limit in words in a 200":  {raw(200, `{"error":"Too many requests. Please retry after 35 seconds."}`), 35, false},
		"a limit in a code in a 200": {raw(200, `{"error":{"code":"rate_limit_reached_error","message":"x"},"retry_after":36}`), 36, false},
		"a limit in a 200's stream":  {rawOf(200, "text/event-stream", `data: {"error":{"type":"rate_limit_error","message":"Please try again in 38s"}}`+"\n\n"), 38, false},
		"a limit with a 400":         {raw(400, `{"error":{"code":"rate_limit_exceeded","message":"x"}}`, "Retry-After: 39"), 39, false},
		"a 503's Retry-After":        {raw(503, `{"error":{"message":"no capacity"}}`, "Retry-After: 30"), 30, true},
		"a 529's":                    {raw(529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, "Retry-After: 25"), 25, true},
		"a CDN's page with a 429":    {rawOf(429, "text/html", challengePage, "Retry-After: 60"), 60, true},
		"a date, by its own clock":   {raw(503, `{}`, "Date: Sat, 21 Nov 2020 12:00:00 GMT", "Retry-After: Sat, 21 Nov 2020 12:01:30 GMT"), 90, true},
		"RetryInfo with UNAVAILABLE": {raw(503, `{"error":{"code":503,"status":"UNAVAILABLE","message":"x","details":[{"retryDelay":"21s"}]}}`), 21, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := plays(t, c.answer)
			r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: primary, type: openai, base_url: %q, keys: [sk-up-aaaa1111bbbb], models: [m], priority: 1}\n"+
				"  - {name: behind, type: openai, base_url: %q, keys: [sk-up-behind-1], models: [m]}\n", p.URL, plays(t, rawGood()).URL))
			b := &blamed{Relay: r, primary: p}
			for range 3 {
				status, text, _ := b.says(harness.Key, plainCall)
				require.Equal(t, http.StatusOK, status, text)
			}
			require.EqualValues(t, 1, p.posts.Load())
			seen := b.channel("primary")
			require.Equal(t, "cooling", seen["state"])
			require.InDelta(t, c.seconds-5, seen["retry_in_seconds"], 6)
			require.Regexp(t, `^[0-9]+(\.[0-9])?$`, fmt.Sprint(seen["retry_in_seconds"]), "it is read by people")
			require.NotEmpty(t, seen["reason"])
			if c.channel {
				require.Equal(t, "1 0 0", b.keys())
			} else {
				require.Equal(t, "0 1 0", b.keys())
			}
		})
	}
}

func TestTheClientIsToldHowLongTheUpstreamAsksToWait(t *testing.T) {
	b := blames(t, "openai", plays(t, raw(429, `{"error":{"message":"Rate limit reached. Please try again in 20s.","code":"rate_limit_exceeded"}}`)), false)
	status, _, header := b.says(harness.Key, plainCall)
	require.Equal(t, http.StatusTooManyRequests, status)
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	require.NoError(t, err)
	require.Equal(t, 20, seconds)
}

// TestALimitedKeyIsUsableWhenItsTimeIsOver though nobody has called since.
func TestALimitedKeyIsUsableWhenItsTimeIsOver(t *testing.T) {
	p := plays(t, raw(429, `{}`, "retry-after-ms: 50"))
	r := harness.StartRelay(t, "channels:\n  - {name: primary, type: openai, base_url: "+p.URL+", keys: [sk-up-aaaa1111bbbb], models: [m]}\n")
	b := &blamed{Relay: r, primary: p}
	b.says(harness.Key, plainCall)
	b.settled()
	b.Eventually("the rest's end", func() bool {
		s := r.Server.Pool().Set().Get("primary").Snapshot(time.Now())
		return s.State == channel.Healthy && s.RetryIn == 0 && s.Keys.Usable == 1 && s.Reason == ""
	})
}
