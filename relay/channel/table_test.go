package channel

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
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
		{TooLarge, ClassNone, true, false, false, KeyKeeps}, // a request can ask for that much
		{TooLarge, ClassRelay, true, false, false, KeyKeeps},
		{Rejected, ClassNone, true, false, false, KeyKeeps},
		{OperatorEnded, ClassNone, true, false, false, KeyKeeps},
		{Panic, ClassNone, false, false, false, KeyKeeps},
		{Shutdown, ClassNone, false, false, false, KeyKeeps},
		{UpstreamStatus, ClassRequest, false, false, true, KeyKeeps},
		{UpstreamStatus, ClassElsewhere, true, false, false, KeyKeeps},
		{UpstreamStatus, ClassMisplaced, true, true, false, KeyKeeps},
		{UpstreamStatus, ClassKeyRefused, true, true, false, KeyRests}, // the operator's account counts, and clears on any success
		{UpstreamStatus, ClassUnauthorized, true, false, false, KeyDoubted},
		{UpstreamStatus, ClassForbidden, true, false, false, KeyDoubted},
		{UpstreamStatus, ClassPage, true, false, false, KeyKeeps},
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

func TestNoRequestIsTriedWithAnotherKeyForWhatItMayHaveBroughtAbout(t *testing.T) {
	for class := range classes {
		v := Judge(UpstreamStatus, class)
		require.Equal(t, class == ClassKeyRefused || class == ClassUnauthorized || class == ClassKeyLimited, v.AnotherKey, class)
		require.Equal(t, class == ClassPage, v.Doubts, class)
		require.False(t, v.Blame && (v.Doubts || v.Key == KeyDoubted), "a doubt is no blame yet")
	}
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
