// Package credential is where the tokens come from that clouds take instead of a key. A token is fetched once for all calls, kept, and
// renewed well before it expires, by one goroutine that takes itself out of every count when it ends. Nothing here knows a call: whoever
// signs one asks for the token, and waits for it on his own clock.
package credential

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of fetching.
const (
	fetchTimeout = 30 * time.Second
	// A token that does not say how long it lives is taken for one of this length.
	unsaidLife = 5 * time.Minute
	// margin is how long before its end a token counts as expired already: it has a way to go.
	margin = 10 * time.Second
	// After a failure nobody is asked for a while, which doubles from the first to the longest.
	firstPause   = time.Second
	longestPause = time.Minute
	// oldEnough is how old a token that has never been accepted has to be for a new one to be worth asking for at once.
	oldEnough = time.Minute
	// goroutines is how many a fetch takes: its own, and net/http's two of a connection that is used once.
	goroutines = 3
)

// Token is what an upstream is shown.
type Token struct {
	header   []string // the value of its header, which nobody changes
	secret   string
	fetched  time.Time
	renew    time.Time // from when on a new one is asked for
	expires  time.Time
	accepted atomic.Bool
}

func newToken(secret string, life time.Duration) *Token {
	if life <= 0 {
		life = unsaidLife
	}
	now := time.Now()
	return &Token{
		header: []string{"Bearer " + secret}, secret: secret,
		fetched: now, renew: now.Add(life * 3 / 4), expires: now.Add(life - min(margin, life/10)),
	}
}

// Header is the value of the Authorization header.
func (t *Token) Header() []string { return t.header }

// Secret is the token by itself, for those who take it out of what an upstream says.
func (t *Token) Secret() string { return t.secret }

// Accepted notes that the upstream has taken the token.
func (t *Token) Accepted() {
	if !t.accepted.Load() {
		t.accepted.Store(true)
	}
}

// Error is why there is no token. Its text is free of secrets, addresses and the names of accounts.
type Error struct {
	Refused bool // whoever gives tokens out has refused the credentials
	Text    string
}

func (e *Error) Error() string { return e.Text }

// Options is what a source is told of its surroundings.
type Options struct {
	// Running counts the goroutines of fetches.
	Running *atomic.Int64
	// Describe says an error of the network in plain words, without an address.
	Describe func(error) string
	// Failed is told that a token could not be renewed while calls still have the one before; it does not wait. nil: nobody is.
	Failed func(error)
}

// Source is one credential's tokens. It is used by many goroutines at once.
type Source struct {
	fetch   func(context.Context) (*Token, error)
	options Options

	token atomic.Pointer[Token] // the newest; nil: there is none
	used  atomic.Bool           // since it came

	mu       sync.Mutex
	flight   *flight // the fetch that is under way; nil: none is
	waiting  int     // calls that wait for it
	failure  error   // of the last fetch; nil: there was none
	failures int     // in a row
	again    time.Time
	timer    *time.Timer
	retired  bool
}

// flight is a fetch that some wait for.
type flight struct {
	done   chan struct{}
	cancel context.CancelFunc
	token  *Token
	err    error
}

func newSource(fetch func(context.Context) (*Token, error), o Options) *Source {
	s := &Source{fetch: fetch, options: o}
	if s.options.Running == nil {
		s.options.Running = new(atomic.Int64)
	}
	return s
}

// Kept is the token that is there; nil: one has to be waited for. It has a new one fetched once it is time, which nobody waits for.
func (s *Source) Kept() *Token {
	t, now := s.token.Load(), time.Now()
	if t == nil || !now.Before(t.expires) {
		return nil
	}
	if !s.used.Load() {
		s.used.Store(true)
	}
	if !now.Before(t.renew) {
		s.renew(now)
	}
	return t
}

// Wait fetches a token, or waits for whoever is doing that, no longer than ctx. Its error is an *Error or ctx's cause.
func (s *Source) Wait(ctx context.Context) (*Token, error) {
	if t := s.Kept(); t != nil { //nolint:contextcheck // a fetch is for all calls, and outlives each
		return t, nil
	}
	s.mu.Lock()
	if s.failure != nil && time.Now().Before(s.again) && s.flight == nil {
		defer s.mu.Unlock()
		return nil, s.failure
	}
	f := s.begin() //nolint:contextcheck // a fetch is for all calls, and outlives each
	s.waiting++
	s.mu.Unlock()
	defer s.leave()
	select {
	case <-f.done:
		if f.err == nil {
			s.used.Store(true)
		}
		return f.token, f.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Refused notes that the upstream does not take a token. again reports whether a new one is worth trying: this one has been taken
// before, or is old.
func (s *Source) Refused(t *Token) (again bool) {
	s.token.CompareAndSwap(t, nil)
	return t.accepted.Load() || time.Since(t.fetched) >= oldEnough
}

// renew has a token fetched that nobody waits for.
func (s *Source) renew(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.retired || s.failure != nil && now.Before(s.again) {
		return
	}
	s.begin()
}

// begin begins a fetch, unless one is under way. The caller holds mu.
func (s *Source) begin() *flight {
	if s.flight == nil {
		ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
		s.flight = &flight{done: make(chan struct{}), cancel: cancel}
		s.options.Running.Add(goroutines)
		go s.run(ctx, s.flight)
	}
	return s.flight
}

func (s *Source) run(ctx context.Context, f *flight) {
	defer s.options.Running.Add(-goroutines)
	defer f.cancel()
	f.token, f.err = s.asked(ctx)
	s.ended(f)
}

// asked is what came of asking, as callers may know it.
func (s *Source) asked(ctx context.Context) (t *Token, err error) {
	defer func() {
		if p := recover(); p != nil {
			t, err = nil, &Error{Text: fmt.Sprintf("asking for a token failed: %T", p)}
		}
	}()
	t, err = s.fetch(ctx)
	var known *Error
	if err == nil || errors.As(err, &known) {
		return t, err
	}
	text := "the connection failed"
	if s.options.Describe != nil {
		text = s.options.Describe(err)
	}
	return nil, &Error{Text: "the token endpoint could not be asked: " + text}
}

// ended notes what came of a fetch, and when the next one is due.
func (s *Source) ended(f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight = nil
	defer close(f.done)
	if f.err == nil {
		s.failure, s.failures = nil, 0
		s.used.Store(false)
		s.token.Store(f.token)
		s.schedule(time.Until(f.token.renew))
		return
	}
	pause := min(firstPause<<min(s.failures, 16), longestPause)
	s.failure, s.again = f.err, time.Now().Add(pause)
	s.failures++
	if t := s.token.Load(); t != nil && time.Now().Before(t.expires) && !s.retired {
		s.schedule(pause)
		if s.options.Failed != nil {
			s.options.Failed(f.err)
		}
	}
}

// schedule has the token renewed after a while, if somebody uses it until then. The caller holds mu.
func (s *Source) schedule(in time.Duration) {
	if s.retired {
		return
	}
	if s.timer == nil {
		s.timer = time.AfterFunc(in, s.due)
		return
	}
	s.timer.Reset(in)
}

// due renews a token that is in use. One that nobody wants is renewed when somebody does.
func (s *Source) due() {
	if s.used.Load() {
		s.renew(time.Now())
	}
}

// leave is a call's that waits no more.
func (s *Source) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting--
	s.settle()
}

// Retire ends what the source does on its own account: a reload has replaced it. Calls that wait for a token still get it.
func (s *Source) Retire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retired = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.settle()
}

// settle ends the fetch of a source that nobody needs any more. The caller holds mu.
func (s *Source) settle() {
	if s.retired && s.waiting == 0 && s.flight != nil {
		s.flight.cancel()
	}
}
