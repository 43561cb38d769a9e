package outcome

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"one-api/relay/complaint"
)

// longestRetryAfter keeps a nonsensical Retry-After from overflowing anything; what is done with it has tighter bounds.
// longestSaid is for one that stands in a message, which may quote what a client has written.
const (
	longestRetryAfter = 24 * time.Hour
	longestSaid       = time.Minute
)

// asked is how long an answer asks to be left alone; 0 if it does not say. What says it most exactly counts: a header made for
// it, then what the error says in so many numbers, then the limits that have been used up, then words.
func asked(status int, header http.Header, said *complaint.Complaint, now time.Time) time.Duration {
	if d := RetryAfter(header, now); d > 0 {
		return d
	}
	if said != nil && said.Retry > 0 {
		return clampRetryAfter(said.Retry.Seconds())
	}
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, StatusOverloaded:
	default:
		return 0
	}
	if d := exhausted(header, now); d > 0 {
		return d
	}
	if said != nil && status == http.StatusTooManyRequests { // no client can have a whole channel rest for what it has quoted
		return waitInWords(said.Message)
	}
	return 0
}

// StatusOverloaded is Anthropic's status for being overloaded, which others have taken over.
const StatusOverloaded = 529

// AsksForCooldown reports whether an upstream that is to blame has said for how long it wants to be left alone.
func (f *Failure) AsksForCooldown() bool {
	if f == nil || f.RetryAfter <= 0 {
		return false
	}
	switch f.Status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests, StatusOverloaded:
		return true
	}
	return false
}

// RetryAfter reads how long an upstream asks to be left alone: Retry-After in seconds or as a date (RFC 9110, 10.2.3), or
// OpenAI's and Azure's retry-after-ms, which is finer and so comes first. 0 if nothing usable was said.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(strings.TrimSpace(header.Get("Retry-After-Ms")), 64); err == nil {
		return clampRetryAfter(ms / 1000)
	}
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		return clampRetryAfter(seconds)
	}
	if at, err := http.ParseTime(value); err == nil {
		return clampRetryAfter(at.Sub(theirNow(header, now)).Seconds())
	}
	return 0
}

// theirNow is the time by the clock of whoever sent the header, if it says so: a date is meant by that clock, and ours may
// be wrong.
func theirNow(header http.Header, ours time.Time) time.Time {
	if theirs, err := http.ParseTime(header.Get("Date")); err == nil {
		return theirs
	}
	return ours
}

// exhausted is how long until the limits are reset of which nothing remains: x-ratelimit-reset-requests beside
// x-ratelimit-remaining-requests: 0 and their like (OpenAI, Groq, xAI, Azure), anthropic-ratelimit-tokens-reset, and
// x-ratelimit-reset or ratelimit-reset alone (OpenRouter, IETF's draft). The others are reset at some time too, which is none of
// this call's business.
func exhausted(header http.Header, now time.Time) (longest time.Duration) {
	for name, values := range header {
		lower := strings.ToLower(name)
		if !strings.Contains(lower, "ratelimit") || !strings.Contains(lower, "reset") || len(values) == 0 {
			continue
		}
		remaining := strings.TrimSpace(header.Get(strings.Replace(lower, "reset", "remaining", 1)))
		if n, err := strconv.ParseFloat(remaining, 64); err != nil || n > 0 {
			continue
		}
		longest = max(longest, resetIn(strings.TrimSpace(values[0]), theirNow(header, now)))
	}
	return longest
}

// resetIn reads when a limit is reset: 20s, 1m30s, 6ms, 2d3h, seconds, a point in time in seconds or milliseconds since 1970, or
// a date (RFC 3339).
func resetIn(value string, now time.Time) time.Duration {
	const since2001, inMilliseconds = 1e9, 1e12
	if n, err := strconv.ParseFloat(value, 64); err == nil {
		switch {
		case n >= inMilliseconds:
			n = n/1000 - float64(now.UnixMilli())/1000
		case n >= since2001:
			n -= float64(now.Unix())
		}
		return clampRetryAfter(n)
	}
	if at, err := time.Parse(time.RFC3339, value); err == nil {
		return clampRetryAfter(at.Sub(now).Seconds())
	}
	return duration(value)
}

// duration is Go's and, in front of that, days.
func duration(s string) time.Duration {
	total := 0.0
	if days, rest, found := strings.Cut(s, "d"); found {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil {
			return 0
		}
		total, s = n*24*3600, rest
	}
	if s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			return 0
		}
		total += d.Seconds()
	}
	return clampRetryAfter(total)
}

// inWords finds "Please try again in 1m30.5s", "Please retry in 37s", "retry after 20 seconds".
var inWords = regexp.MustCompile(`(?i)\b(?:try again|retry|wait)(?: in| after| for)? ([0-9]+(?:\.[0-9]+)?) ?(seconds?|minutes?|milliseconds?|(?:ms|[hms])(?:[0-9]+(?:\.[0-9]+)?(?:ms|[hms]))*)\b`)

// waitInWords is the last such time in a message: what a provider quotes stands before what it asks for.
func waitInWords(message string) time.Duration {
	all := inWords.FindAllStringSubmatch(message, -1)
	if len(all) == 0 {
		return 0
	}
	number, unit := all[len(all)-1][1], strings.ToLower(all[len(all)-1][2])
	switch strings.TrimSuffix(unit, "s") {
	case "second":
		unit = "s"
	case "minute":
		unit = "m"
	case "millisecond":
		unit = "ms"
	}
	return min(duration(number+unit), longestSaid)
}

func clampRetryAfter(seconds float64) time.Duration {
	if !(seconds > 0) { // NaN too
		return 0
	}
	if seconds >= longestRetryAfter.Seconds() {
		return longestRetryAfter
	}
	return time.Duration(seconds * float64(time.Second))
}
