package channel

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"one-api/relay/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheTableSaysWhatFollowsFromEachEnding(t *testing.T) {
	type row struct {
		outcome                 Outcome
		class                   Class
		moveOn, blame, clearing bool
		key                     KeyAction
	}
	for _, want := range []row{
		{Completed, ClassNone, false, false, true, KeyRevives},
		{ClientGone, ClassNone, false, false, false, KeyKeeps},
		{ClientStalled, ClassNone, false, false, false, KeyKeeps},
		{ConnectFailed, ClassNone, true, true, false, KeyKeeps},
		{HeaderTimeout, ClassNone, true, true, false, KeyKeeps},
		{FirstTokenTimeout, ClassNone, true, true, false, KeyKeeps},
		{IdleTimeout, ClassNone, true, true, false, KeyKeeps},
		{UpstreamReset, ClassNone, true, true, false, KeyKeeps},
		{UpstreamTruncated, ClassNone, true, true, false, KeyKeeps},
		{UpstreamMalformed, ClassNone, true, true, false, KeyKeeps},
		{TooLarge, ClassNone, true, true, false, KeyKeeps},
		{TooLarge, ClassRelay, true, false, false, KeyKeeps},
		{Rejected, ClassNone, true, false, false, KeyKeeps},
		{OperatorEnded, ClassNone, true, false, false, KeyKeeps},
		{Panic, ClassNone, false, false, false, KeyKeeps},
		{Shutdown, ClassNone, false, false, false, KeyKeeps},
		{UpstreamStatus, ClassRequest, false, false, true, KeyKeeps},
		{UpstreamStatus, ClassElsewhere, true, false, false, KeyKeeps},
		{UpstreamStatus, ClassKeyRefused, true, false, false, KeyRests},
		{UpstreamStatus, ClassKeyLimited, true, false, false, KeyCools},
		{UpstreamStatus, ClassServer, true, true, false, KeyKeeps},
		{UpstreamErrorEvent, ClassRequest, false, false, true, KeyKeeps},
		{UpstreamErrorEvent, ClassKeyLimited, true, false, false, KeyCools},
		{UpstreamErrorEvent, ClassServer, true, true, false, KeyKeeps},
	} {
		v := Judge(want.outcome, want.class)
		require.Equal(t, want, row{want.outcome, want.class, v.MoveOn, v.Blame, v.Clears, v.Key}, want.outcome)
	}
}

func TestEveryOutcomeHasItsNameFromTheContract(t *testing.T) {
	names := map[string]bool{}
	for o := range outcomes {
		require.NotEmpty(t, o.String())
		names[o.String()] = true
	}
	require.Len(t, names, 17)
}

func TestAStatusIsClassifiedByWhatTheProviderMeansByIt(t *testing.T) {
	for _, c := range []struct {
		name     string
		status   int
		reported *wire.Error
		class    Class
		client   int
	}{
		{"bad request", 400, &wire.Error{Message: "no"}, ClassRequest, 400},
		{"too large", 413, nil, ClassRequest, 413},
		{"unprocessable", 422, nil, ClassRequest, 422},
		{"for legal reasons", 451, nil, ClassRequest, 451},
		{"context length with a 500", 500, &wire.Error{Code: "context_length_exceeded"}, ClassRequest, 400},
		{"content filter with a 403", 403, &wire.Error{Code: "content_policy_violation"}, ClassRequest, 403},
		{"a prompt that is too long, in Anthropic's words", 400, &wire.Error{Message: "prompt is too long: 200001 tokens"}, ClassRequest, 400},
		{"wrong key", 401, nil, ClassKeyRefused, 502},
		{"blocked key", 403, nil, ClassKeyRefused, 502},
		{"no credit", 402, nil, ClassKeyRefused, 502},
		{"no quota", 429, &wire.Error{Code: "insufficient_quota"}, ClassKeyRefused, 502},
		{"a model that this key has not", 403, &wire.Error{Code: "model_not_found"}, ClassElsewhere, 502},
		{"limited", 429, nil, ClassKeyLimited, 429},
		{"unknown there", 404, &wire.Error{Message: "no such model"}, ClassElsewhere, 404},
		{"a redirect", 302, nil, ClassElsewhere, 502},
		{"timeout there", 408, nil, ClassServer, 504},
		{"gateway timeout", 504, nil, ClassServer, 504},
		{"server error", 500, nil, ClassServer, 502},
		{"overloaded", 529, nil, ClassServer, 502},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := StatusFailure(c.status, http.Header{}, c.reported)
			require.Equal(t, c.class, f.Class)
			require.Equal(t, c.client, f.Err.Status)
			require.NotEmpty(t, f.Err.Message)
		})
	}
}

func TestWhatAProviderSaysAboutTheRelaysKeyDoesNotReachTheClient(t *testing.T) {
	f := StatusFailure(401, http.Header{}, &wire.Error{Message: "Incorrect API key provided: sk-pr***yz", Code: "invalid_api_key"})
	require.NotContains(t, f.Err.Message, "sk-pr")
	require.NotEqual(t, "invalid_api_key", f.Err.Code)
	require.Contains(t, f.Detail, "sk-pr***yz", "the operator reads it in the log")
}

func TestRetryAfterIsReadInSecondsInMillisecondsAndAsADate(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, header, value string
		want                time.Duration
	}{
		{"seconds", "Retry-After", "7", 7 * time.Second},
		{"a fraction", "Retry-After", " 1.5 ", 1500 * time.Millisecond},
		{"a date", "Retry-After", now.Add(90 * time.Second).Format(http.TimeFormat), 90 * time.Second},
		{"a date that has passed", "Retry-After", now.Add(-time.Hour).Format(http.TimeFormat), 0},
		{"milliseconds", "Retry-After-Ms", "250", 250 * time.Millisecond},
		{"absurd", "Retry-After", "1e300", longestRetryAfter},
		{"negative", "Retry-After", "-5", 0},
		{"not a number", "Retry-After", "NaN", 0},
		{"nonsense", "Retry-After", "soon", 0},
		{"absent", "X-Other", "1", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, RetryAfter(http.Header{c.header: {c.value}}, now))
		})
	}
}

func FuzzRetryAfterIsNeverNegativeNorBeyondItsBound(f *testing.F) {
	for _, seed := range []string{"1", "-1", "1e9", "Inf", "Sat, 21 Nov 2026 12:00:00 GMT", ""} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, seconds, ms string) {
		d := RetryAfter(http.Header{"Retry-After": {seconds}, "Retry-After-Ms": {ms}}, time.Now())
		require.GreaterOrEqual(t, d, time.Duration(0))
		require.LessOrEqual(t, d, longestRetryAfter)
	})
}
