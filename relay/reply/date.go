package reply

import (
	"net/http"
	"sync/atomic"
	"time"
)

// dated is the Date of the answers that are made within one second.
type dated struct {
	from, until time.Duration // since epoch
	value       []string
}

var latestDate atomic.Pointer[dated]

// dateAt is an answer's Date (RFC 9110, section 6.6.1), as a header has it. net/http would read the clock and write it anew for each.
func dateAt(now time.Duration) []string {
	d := latestDate.Load()
	if d == nil || now < d.from || now >= d.until {
		read := time.Now()
		since := read.Sub(epoch)
		d = &dated{
			from: min(now, since), until: since + time.Second - time.Duration(read.Nanosecond()),
			value: []string{read.UTC().Format(http.TimeFormat)},
		}
		latestDate.Store(d)
	}
	return d.value
}
