package channel

import (
	"context"
	"net/http"
	"time"

	"one-api/relay/outcome"
)

// longestAsked is the longest Retry-After that a request waits for before another try at the same channel. Where an upstream
// asks for more, its client is told, who can do something else in the meantime.
const longestAsked = 5 * time.Second

// Transient reports whether another attempt at the same channel may well succeed. begun: the client has a part of the answer,
// which the attempt would go on with. It never does after a timeout (the client has waited long enough), an answer that was too
// large or no answer (there would be the same again), or a call that an operator ended.
func (a *Attempt) Transient(begun bool) bool {
	f := a.Failure
	if f == nil || f.RetryAfter > longestAsked {
		return false
	}
	troubled := a.Class == outcome.ClassServer || a.Class == outcome.ClassKeyLimited || a.Class == outcome.ClassModelLimited
	switch a.Outcome {
	case outcome.ConnectFailed:
		return true
	case outcome.UpstreamReset:
		return begun || !a.Answered
	case outcome.UpstreamTruncated:
		return begun
	case outcome.UpstreamErrorEvent:
		return troubled
	case outcome.UpstreamStatus:
		switch f.Status {
		case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, outcome.StatusOverloaded:
			return troubled
		}
	}
	return false
}

// Refused reports whether the upstream found the request wrong in itself.
func (a *Attempt) Refused() bool {
	return a.Outcome == outcome.UpstreamStatus && a.Class == outcome.ClassRequest &&
		(a.Failure.Status == http.StatusBadRequest || a.Failure.Status == http.StatusUnprocessableEntity)
}

// Again opens another exchange with a channel that was just tried, whatever is held against it: with a key that is in use, else
// with one that cools. nil: it is full, or was disabled. The caller ends the exchange in the same function.
func (s *Set) Again(ctx context.Context, w *Want, c *Channel) *Exchange {
	x := c.begin(ctx, w, s.now(), manner{desperate: true, cooling: true})
	if x != nil {
		w.prepare(x)
	}
	return x
}

// OnceMore reports whether a request for which no other channel is left may make one more attempt at this one, and counts it.
func (c *Channel) OnceMore(w *Want) bool {
	return (w.broken == nil || c.finishes(w.broken, w.text)) && c.state.tries.Allow(c.pool.now())
}
