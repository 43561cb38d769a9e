package live

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"one-api/relay/channel"
)

// mostPages is how many pages may be open at the same time. Each costs a connection and its goroutines.
const mostPages = 256

// mostRows is how many channels one event tells of. More that have changed come with the events that follow.
const mostRows = 200

// tick is how often open pages are told, and ticksKept how many counts a minute takes.
const (
	tick      = time.Second
	ticksKept = int(time.Minute/tick) + 1
)

// Now is the relay at this moment, as every open page is told once a second.
type Now struct {
	Sample
	Level         string           `json:"level"`
	Draining      bool             `json:"draining"`
	UptimeSeconds int64            `json:"uptime_seconds"`
	PerMinute     map[string]int64 `json:"per_minute"` // requests that ended in the last minute, by kind
	Total         int              `json:"channels"`
	Healthy       int              `json:"channels_healthy"`
	LoadedAt      int64            `json:"loaded_at"` // the configuration, in Unix seconds
	Refused       bool             `json:"reload_refused"`
	Version       string           `json:"version"`
}

// Row is a channel in a list of all.
type Row struct {
	Name       string  `json:"name"`
	Type       string  `json:"type"`
	State      string  `json:"state"`
	Reason     string  `json:"reason"`
	RetryIn    float64 `json:"retry_in_seconds"`
	InFlight   int64   `json:"in_flight"`
	Oldest     int64   `json:"oldest_seconds"` // age of the oldest open call
	Good       int64   `json:"good"`           // attempts that completed, since the start
	Failed     int64   `json:"failed"`         // and that did not, but for those whose client left
	KeysUsable int     `json:"keys_usable"`
	Keys       int     `json:"keys"`
	channel.Silent
}

// Source is the relay, as far as pages are told of it.
type Source interface {
	// Sample is the relay now; what was done since another one is filled in here.
	Sample(now time.Time) Sample
	// Now is the rest of an event, PerMinute excepted.
	Now(now time.Time) Now
	// Rows is the channels.
	Rows(now time.Time) []Row
}

// Hub looks at the relay at fixed intervals, keeps the samples, and tells every open page by the same bytes: what a second costs does not
// grow with the number of pages, but for the sending. Run does its work; the zero value of all but the first three fields will do.
type Hub struct {
	Source  Source
	Traffic *Traffic
	History History

	pages atomic.Int64

	mu      sync.Mutex
	closed  bool
	latest  *frame
	next    chan struct{} // closed when there is another frame, or the hub is closed
	told    map[string]Row
	minute  ring[counts] // a minute of counts, one a tick
	rotated int
}

// frame is what pages are told at one moment.
type frame struct {
	n       uint64
	changed []byte // an event with the rows that have changed since the frame before
	whole   func() []byte
}

// event is the data of an event.
type event struct {
	Now
	Rows  []Row    `json:"rows"`
	Gone  []string `json:"gone,omitempty"`
	Whole bool     `json:"whole"` // rows are all there are
}

// Run looks and tells until ctx ends. It is one goroutine, whether pages are open or not.
func (h *Hub) Run(ctx context.Context) {
	look := time.NewTicker(tick)
	defer look.Stop()
	defer h.Close()
	h.sample(time.Now())
	sampled := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-look.C:
			h.count()
			if now.Sub(sampled) >= Interval-tick/2 {
				h.sample(now)
				sampled = now
			}
			if h.pages.Load() > 0 {
				h.tell(now)
			}
		}
	}
}

func (h *Hub) sample(now time.Time) { h.History.add(h.Source.Sample(now), h.Traffic.counts()) }

// count keeps the counts of this tick, for the figures of a minute.
func (h *Hub) count() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.minute.add(h.Traffic.counts(), ticksKept)
}

// now is the relay now, with what it has done in the last minute.
func (h *Hub) now(now time.Time) Now {
	n := h.Source.Now(now)
	n.Sample = h.Source.Sample(now)
	counted := h.Traffic.counts()
	before := counts{} // until a minute has been counted, the start
	if len(h.minute.of) == ticksKept {
		before = h.minute.of[h.minute.next]
	}
	n.since(&before, &counted)
	n.PerMinute = map[string]int64{}
	for kind, name := range KindNames {
		n.PerMinute[name] = counted.requests[kind] - before.requests[kind]
	}
	return n
}

// tell makes the next frame.
func (h *Hub) tell(now time.Time) {
	rows := h.Source.Rows(now)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	n := h.now(now)
	f := &frame{n: 1}
	if h.latest != nil {
		f.n = h.latest.n + 1
	}
	changed, gone := h.changes(rows)
	f.changed = encode(event{Now: n, Rows: changed, Gone: gone})
	f.whole = sync.OnceValue(func() []byte { return encode(event{Now: n, Rows: rows, Whole: true}) })
	h.latest = f
	if h.next != nil {
		close(h.next)
	}
	h.next = make(chan struct{})
}

// changes is the rows that differ from what pages have been told, at most mostRows of them, each channel in its turn.
func (h *Hub) changes(rows []Row) (changed []Row, gone []string) {
	if h.told == nil {
		h.told = map[string]Row{}
	}
	there := make(map[string]bool, len(rows))
	changed = []Row{}
	begin := h.rotated
	for i := range rows {
		row := rows[(begin+i)%len(rows)]
		there[row.Name] = true
		if h.told[row.Name] == row || len(changed) == mostRows {
			continue
		}
		h.told[row.Name] = row
		if changed = append(changed, row); len(changed) == mostRows {
			h.rotated = (begin + i + 1) % len(rows)
		}
	}
	for name := range h.told {
		if !there[name] {
			delete(h.told, name)
			gone = append(gone, name)
		}
	}
	return changed, gone
}

func encode(e event) []byte {
	data, err := json.Marshal(e)
	if err != nil { // there is nothing in it that cannot be written
		return []byte(": " + err.Error() + "\n\n")
	}
	return append(append([]byte("data: "), data...), "\n\n"...)
}

// Errors of Follow.
var (
	// ErrFull means that there are as many pages as may be.
	ErrFull = errors.New("too many pages are open")
	// ErrClosed means that the relay is ending.
	ErrClosed = errors.New("the relay is ending")
)

// Follow tells one page: an event at once, and one each second from then on, until ctx ends, write fails or the hub is closed. A page that
// reads slowly misses events and is told everything anew.
func (h *Hub) Follow(ctx context.Context, write func(event []byte) error) error {
	if h.pages.Add(1) > mostPages {
		h.pages.Add(-1)
		return ErrFull
	}
	defer h.pages.Add(-1)
	if h.pages.Load() == 1 {
		h.tell(time.Now())
	}
	var seen uint64
	for {
		f, next, closed := h.look()
		switch {
		case closed:
			return ErrClosed
		case f != nil && f.n != seen:
			text := f.changed
			if f.n != seen+1 || seen == 0 {
				text = f.whole()
			}
			if err := write(text); err != nil {
				return err
			}
			seen = f.n
			continue // another may have come meanwhile
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-next:
		}
	}
}

func (h *Hub) look() (f *frame, next <-chan struct{}, closed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.next == nil {
		h.next = make(chan struct{})
	}
	return h.latest, h.next, h.closed
}

// Pages is how many pages are open.
func (h *Hub) Pages() int64 { return h.pages.Load() }

// Close ends what every page is told.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	if h.next == nil {
		h.next = make(chan struct{})
	}
	close(h.next)
}
