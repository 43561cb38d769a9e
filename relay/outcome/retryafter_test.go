package outcome

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/complaint"
)

const httpDate = http.TimeFormat

var midday = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func headerOf(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func TestALimitSaysWhenItIsReset(t *testing.T) {
	reset := func(value string) http.Header {
		return headerOf("x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", value)
	}
	for name, c := range map[string]struct {
		header http.Header
		want   time.Duration
	}{
		"seconds":                      {reset("20s"), 20 * time.Second},
		"minutes":                      {reset("1m30s"), 90 * time.Second},
		"milliseconds":                 {reset("6ms"), 6 * time.Millisecond},
		"a fraction":                   {reset("7.66s"), 7660 * time.Millisecond},
		"days":                         {reset("1d1s"), longestRetryAfter},
		"a bare number":                {reset("12"), 12 * time.Second},
		"a point in time":              {reset("1795262460"), time.Minute},
		"the same in milliseconds":     {reset("1795262460000"), time.Minute},
		"a date":                       {reset(midday.Add(time.Minute).Format(time.RFC3339)), time.Minute},
		"a date that has passed":       {reset(midday.Add(-time.Minute).Format(time.RFC3339)), 0},
		"nonsense":                     {reset("soon"), 0},
		"negative":                     {reset("-5s"), 0},
		"absurd":                       {reset("1e300"), longestRetryAfter},
		"what remains":                 {headerOf("x-ratelimit-remaining-tokens", "100", "x-ratelimit-reset-tokens", "20s"), 0},
		"without what remains":         {headerOf("x-ratelimit-reset-tokens", "20s"), 0},
		"only what is used up":         {headerOf("x-ratelimit-remaining-tokens", "100", "x-ratelimit-reset-tokens", "90s", "x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "6ms"), 6 * time.Millisecond},
		"the longest of those":         {headerOf("x-ratelimit-remaining-tokens", "0", "x-ratelimit-reset-tokens", "9s", "x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "6s"), 9 * time.Second},
		"Anthropic's":                  {headerOf("anthropic-ratelimit-input-tokens-remaining", "0", "anthropic-ratelimit-input-tokens-reset", midday.Add(17*time.Second).Format(time.RFC3339), "anthropic-ratelimit-requests-remaining", "9", "anthropic-ratelimit-requests-reset", midday.Add(time.Hour).Format(time.RFC3339)), 17 * time.Second},
		"OpenRouter's":                 {headerOf("X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1795262430000"), 30 * time.Second},
		"IETF's":                       {headerOf("RateLimit-Remaining", "0", "RateLimit-Reset", "30"), 30 * time.Second},
		"Retry-After comes first":      {headerOf("x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "20s", "Retry-After", "3"), 3 * time.Second},
		"retry-after-ms comes first":   {headerOf("Retry-After-Ms", "1500", "Retry-After", "9"), 1500 * time.Millisecond},
		"a Retry-After that is no use": {headerOf("x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "20s", "Retry-After", "0"), 20 * time.Second},
	} {
		for _, status := range []int{429, 503, 529} {
			require.Equal(t, c.want, asked(status, c.header, nil, midday), name)
		}
	}
	require.Zero(t, asked(500, reset("20s"), nil, midday), "only where it is about limits")
	require.Equal(t, 7*time.Second, asked(500, headerOf("Retry-After", "7"), nil, midday))
}

func TestAnErrorSaysInWordsHowLongToWait(t *testing.T) {
	for message, want := range map[string]time.Duration{
		"Rate limit reached for gpt-4o on requests per min. Limit: 3 / min. Please try again in 20s. Contact us.": 20 * time.Second,
		"Please try again in 6ms.":       6 * time.Millisecond,
		"Please try again in 1m0.5s.":    60 * time.Second, // no more than a minute: clients may have words there
		"Please retry in 37.123s.":       37123 * time.Millisecond,
		"Please retry after 20 seconds.": 20 * time.Second,
		"Try again in 2 minutes.":        time.Minute,
		"Wait for 1 second":              time.Second,
		"the model `try again in 59s` is limited. Please try again in 2s.": 2 * time.Second,
		"try again later":    0,
		"retry in 5 lengths": 0,
		"":                   0,
	} {
		require.Equal(t, want, asked(429, nil, &complaint.Complaint{Message: message}, midday), message)
	}
	require.Zero(t, asked(503, nil, &complaint.Complaint{Message: "Please try again in 20s."}, midday), "words that may be a client's rest no channel")
	require.Equal(t, 37*time.Second, asked(429, nil, &complaint.Complaint{Message: "Please retry in 5s.", Retry: 37 * time.Second}, midday), "RetryInfo is exact")
}

func FuzzWhatIsAskedIsNeverNegativeNorBeyondItsBound(f *testing.F) {
	f.Add("20s", "0", "try again in 20s")
	f.Add("1795262460000", "0.0", "retry after 99999999999999999999999 seconds")
	f.Add("1e308", "-0", "wait 1h1h1h")
	f.Add("9d9d", "NaN", "wait 0.0000001ms")
	f.Fuzz(func(t *testing.T, reset, remaining, message string) {
		d := asked(429, http.Header{"X-Ratelimit-Reset-Tokens": {reset}, "X-Ratelimit-Remaining-Tokens": {remaining}}, &complaint.Complaint{Message: message}, time.Now())
		require.GreaterOrEqual(t, d, time.Duration(0))
		require.LessOrEqual(t, d, longestRetryAfter)
	})
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

// TestARetryAfterDateIsMeantByTheClockOfWhoSentIt: ours may be an hour off.
func TestARetryAfterDateIsMeantByTheClockOfWhoSentIt(t *testing.T) {
	for _, wrong := range []time.Duration{-time.Hour, 0, time.Hour} {
		ours := midday.Add(wrong)
		header := headerOf("Date", midday.Format(httpDate), "Retry-After", midday.Add(90*time.Second).Format(httpDate))
		require.Equal(t, 90*time.Second, RetryAfter(header, ours))
		header = headerOf("Date", midday.Format(httpDate), "Anthropic-Ratelimit-Tokens-Remaining", "0", "Anthropic-Ratelimit-Tokens-Reset", midday.Add(30*time.Second).Format(time.RFC3339))
		require.Equal(t, 30*time.Second, asked(429, header, nil, ours))
	}
}
