package channel

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longestRetryAfter keeps a nonsensical Retry-After from overflowing anything; what is done with it has tighter bounds.
const longestRetryAfter = 24 * time.Hour

// RetryAfter reads how long an upstream asks to be left alone: Retry-After in seconds or as a date (RFC 9110, 10.2.3), or
// OpenAI's and Azure's retry-after-ms, which is finer and so comes first. 0 where nothing usable was said.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(strings.TrimSpace(header.Get("Retry-After-Ms")), 64); err == nil {
		return clampRetryAfter(ms / 1000)
	}
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		return clampRetryAfter(seconds)
	}
	if at, err := http.ParseTime(value); err == nil {
		return clampRetryAfter(at.Sub(now).Seconds())
	}
	return 0
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
