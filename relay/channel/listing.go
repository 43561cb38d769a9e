package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"sync"
	"time"
	"unicode"

	"one-api/relay/config"
	"one-api/relay/membudget"
	"one-api/relay/outcome"
)

// What a glob stands for only the upstream knows. It is asked when somebody wants to see a list, in the background; the first one who
// does waits a moment for it. What it said is kept, and asked for again when it is old.
const (
	listingKept   = 10 * time.Minute
	listingRetry  = time.Minute // after a failure
	listingWait   = 2 * time.Second
	listingBytes  = 4 << 20
	listingNames  = 5000
	longestListed = 256
)

// listing is the models that a channel's upstream lists.
type listing struct {
	mu     sync.Mutex
	names  []string
	failed bool          // the last time
	ended  bool          // it has been asked, well or not
	asked  time.Time     // zero: never
	done   chan struct{} // is closed when the answer is there; nil: nobody is asking
}

// listed gives the models that the channel's globs cover, as far as is known now. pending is closed when more is; nil: it will not be.
func (c *Channel) listed(now time.Time) (names []string, pending <-chan struct{}) {
	if c.asks == nil || !slices.ContainsFunc(c.Models, isGlob) || c.isDisabled() {
		return nil, nil
	}
	l := &c.listing
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := listingKept
	if l.failed {
		kept = listingRetry
	}
	if l.done == nil && (l.asked.IsZero() || now.Sub(l.asked) >= kept) {
		l.asked, l.done = now, make(chan struct{})
		c.askForListing(l.done)
	}
	if !l.ended {
		pending = l.done
	}
	return l.known(c), pending
}

// known is what the upstream said or, if it never said anything, what is well known of it.
func (l *listing) known(c *Channel) []string {
	if l.names == nil && c.Official {
		return c.of.WellKnown
	}
	return l.names
}

// askForListing asks in a goroutine that takes itself out of every count when it ends, which is after questionTimeout at the latest.
func (c *Channel) askForListing(done chan struct{}) {
	ctx, ended := c.pool.questions.begin()
	go func() {
		defer ended()
		var names []string
		failure := outcome.Panicked()
		defer func() {
			if p := recover(); p != nil {
				c.pool.options.Log.Error("panic in a question for the list of models", "channel", c.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
			if failure != nil {
				c.pool.options.Log.Debug("the list of models could not be had", "channel", c.Name, "outcome", failure.Outcome.String(), "detail", failure.Detail)
			}
			l := &c.listing
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.failed = failure != nil; !l.failed {
				l.names = names
			}
			l.done, l.ended = nil, true
			close(done)
		}()
		failure = c.list(ctx, c.keys.AnyInUse(), func(x *Exchange) (f *outcome.Failure) {
			names, f = x.readListing()
			return f
		})
	}()
}

// readListing reads the names on a list of models.
func (x *Exchange) readListing() ([]string, *outcome.Failure) {
	var held membudget.Lease
	held.Of(x.Channel.pool.options.Budget)
	defer held.Release()
	if held.Hold(listingBytes) != nil || !x.body.unpack(x.answer.Encoding) {
		return nil, outcome.Malformed("the list of models cannot be read")
	}
	names, err := listedNames(io.LimitReader(&x.body, listingBytes))
	if err != nil {
		return nil, outcome.Malformed("the list of models is none that is known: " + err.Error())
	}
	return names, nil
}

// listedNames reads the ids of {"data":[{"id":…}]}, of {"models":[{"name":…}]}, and of a bare array of such objects.
func listedNames(r io.Reader) ([]string, error) {
	d := json.NewDecoder(r)
	open, err := d.Token()
	if err != nil {
		return nil, err
	}
	names := []string{}
	if open == json.Delim('[') {
		return appendListed(names, d)
	}
	if open != json.Delim('{') {
		return nil, errors.New("it is no object")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		if name != "data" && name != "models" {
			var skipped json.RawMessage
			if err := d.Decode(&skipped); err != nil {
				return nil, err
			}
			continue
		}
		open, err := d.Token()
		if err != nil {
			return nil, err
		}
		if open != json.Delim('[') {
			return nil, errors.New("its data are no array")
		}
		return appendListed(names, d)
	}
	return nil, errors.New("it has no data")
}

func appendListed(names []string, d *json.Decoder) ([]string, error) {
	for d.More() && len(names) < listingNames {
		var model struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		}
		if err := d.Decode(&model); err != nil {
			return nil, err
		}
		if model.ID == "" {
			model.ID = model.Name
		}
		if showable(model.ID) {
			names = append(names, model.ID)
		}
	}
	if len(names) < listingNames {
		if _, err := d.Token(); err != nil { // the array's end
			return nil, err
		}
	}
	return names, nil
}

// showable keeps out of a client's list what could be anything but a model's name there.
func showable(name string) bool {
	if name == "" || len(name) > longestListed {
		return false
	}
	for _, r := range name {
		if !unicode.IsGraphic(r) || r == unicode.ReplacementChar {
			return false
		}
	}
	return true
}

// ListModels lists, sorted, the models that a token may ask for: those that its groups' channels name or map and, for their globs, those
// that their upstreams list. It waits for upstreams that have never been asked, a moment and no longer than ctx.
func (s *Set) ListModels(ctx context.Context, who Caller) []string {
	deadline := time.NewTimer(listingWait)
	defer deadline.Stop()
	names := s.Models(who)
	for _, c := range s.channels {
		if !who.reaches(c) {
			continue
		}
		listed, pending := c.listed(time.Now())
		if pending != nil {
			select {
			case <-pending:
			case <-deadline.C:
				deadline.Reset(0) // nor is there any time for the others
			case <-ctx.Done():
			}
			listed, _ = c.listed(time.Now())
		}
		for _, name := range listed {
			if c.covers(name) && who.allows(name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// covers reports whether one of the channel's globs matches.
func (c *Channel) covers(name string) bool {
	return slices.ContainsFunc(c.Models, func(pattern string) bool { return isGlob(pattern) && config.Match(pattern, name) })
}

// Serves reports whether a token may ask for a model, by whatever endpoint: a glob that covers it is enough.
func (s *Set) Serves(who Caller, model string) bool {
	if model == "" || !who.allows(model) {
		return false
	}
	for c := range s.routes.of(model).channels() {
		if who.reaches(c) {
			return true
		}
	}
	return false
}
