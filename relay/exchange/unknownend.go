package exchange

import (
	"context"
	"sync"

	"one-api/relay/record"
)

// mostUnknownEnds is how many end reasons are remembered that are in no table. Upstreams make them up.
const mostUnknownEnds = 100

// unknownEnds are the end reasons of completed answers that are in no table, each of which is worth one line in the log.
type unknownEnds struct {
	mu   sync.Mutex
	seen map[string]struct{}
}

// isNews reports whether a word is seen for the first time.
func (u *unknownEnds) isNews(word string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, known := u.seen[word]; known || len(u.seen) == mostUnknownEnds {
		return false
	}
	if u.seen == nil {
		u.seen = map[string]struct{}{}
	}
	u.seen[word] = struct{}{}
	return true
}

// notes tells the operator of what is odd about an answer that completed.
func (x *Exchange) notes(ctx context.Context, a *record.Attempt) {
	x.noteUnknownEnd(ctx)
	x.noteDoubtfulUsage(ctx, a.Usage)
}

// noteUnknownEnd counts an answer that ended with a word that nobody knows, and logs the word once.
func (x *Exchange) noteUnknownEnd(ctx context.Context) {
	word := x.unknownEnd() //nolint:contextcheck // it calls nothing that waits
	if word == "" {
		return
	}
	x.Channel.Metrics.UnknownEnd()
	if word = x.Channel.Redact.Text(word); x.door.unknownEnds.isNews(word) {
		x.door.options.Log.WarnContext(ctx, "an answer ended with a reason that the relay does not know: it counts as complete; report the "+
			"word if the answer was not",
			"reason", word, "channel", x.Channel.Name, "request_id", x.requestID())
	}
}
