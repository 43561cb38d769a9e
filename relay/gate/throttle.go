package gate

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/clientaddr"
)

// Someone who guesses keys is slowed down: after freeGuesses wrong ones within a minute, from one address of a stranger, each
// further refusal waits. At most maxSlowed of them do at a time, so that guessing takes no more of the relay than that; what is
// beyond is answered at once. A request with a valid key never comes here.
const (
	freeGuesses   = 20
	guessWindow   = time.Minute
	guessDelay    = 800 * time.Millisecond
	maxSlowed     = 64
	maxGuessers   = 4096
	reportsEvery  = time.Minute
	sweepInterval = time.Second
)

// Throttle counts refused keys by address, and slows down who guesses. The zero value trusts no proxy.
type Throttle struct {
	Trusted []netip.Prefix // proxies, which are never slowed and are believed about who their client is
	// Everyone has callers of this network slowed as well: people log in, and no program does.
	Everyone bool
	// Free is how many wrong guesses a minute cost nothing; 0: freeGuesses.
	Free int

	slowed atomic.Int64 // refusals that are waiting

	mu       sync.Mutex
	guessers map[netip.Addr]guesses // at most maxGuessers
	swept    time.Time

	refused  int64 // since the last report
	from     netip.Addr
	reported time.Time
}

type guesses struct {
	began time.Time
	n     int
}

// note counts a refusal, and reports whether it has to wait. stranger is false for addresses that are never slowed.
func (w *Throttle) note(from netip.Addr, stranger bool, now time.Time) (slow bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused++
	w.from = from
	if !stranger {
		return false
	}
	household := clientaddr.Household(from)
	seen, known := w.guessers[household]
	switch {
	case !known && !w.room(now):
		return false // a crowd of addresses, none of which can be told from a client that made one mistake
	case !known || now.Sub(seen.began) >= guessWindow:
		seen = guesses{began: now}
	}
	seen.n++
	w.guessers[household] = seen
	return seen.n > cmp.Or(w.Free, freeGuesses)
}

// room makes room for one more address. It reports false if there is none.
func (w *Throttle) room(now time.Time) bool {
	if w.guessers == nil {
		w.guessers = map[netip.Addr]guesses{}
	}
	if len(w.guessers) < maxGuessers {
		return true
	}
	if now.Sub(w.swept) < sweepInterval {
		return false
	}
	w.swept = now
	for address, seen := range w.guessers {
		if now.Sub(seen.began) >= guessWindow {
			delete(w.guessers, address)
		}
	}
	return len(w.guessers) < maxGuessers
}

// due is what has been refused since the last report, if it is time for one.
func (w *Throttle) due(now time.Time, last bool) (refused int64, from netip.Addr) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refused == 0 || !last && !w.reported.IsZero() && now.Sub(w.reported) < reportsEvery {
		return 0, netip.Addr{}
	}
	refused, from = w.refused, w.from
	w.refused, w.reported = 0, now
	return refused, from
}

// Refused counts a request that is refused with 401, and holds it back if its client guesses.
func (w *Throttle) Refused(r *http.Request) {
	from := clientaddr.Of(r, w.Trusted)
	stranger := w.Everyone || clientaddr.IsPublic(from) && !clientaddr.In(from, w.Trusted)
	if !w.note(from, stranger, time.Now()) {
		return
	}
	defer w.slowed.Add(-1)
	if w.slowed.Add(1) > maxSlowed {
		return
	}
	wait := time.NewTimer(guessDelay)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-r.Context().Done():
	}
}

// Report logs how many requests were refused with 401: at once for the first one, then once a minute. last is the report at the end.
func (w *Throttle) Report(log *slog.Logger, now time.Time, last bool) {
	refused, from := w.due(now, last)
	if refused == 0 {
		return
	}
	address := "unknown"
	if from.IsValid() {
		address = from.String()
	}
	log.Warn("requests without a valid key were refused (401)", "count", refused, "last_from", address)
}
