package channel

import (
	"fmt"
	"time"
)

// Silence is the calls at a channel of which nothing comes. They are no failures: the upstream may still answer, and a client that has left
// counts against nobody. But whoever looks after the channel has to be told.
type Silence struct {
	Hanging int64         // calls in flight of which nothing has come for far longer than is usual
	Open    int64         // calls in flight
	Headers int64         // those of them whose answer has a header
	Silent  time.Duration // for how long, of the one that has been silent the longest
	Usual   time.Duration // what 95 of 100 of its kind take; 0: too few were seen
	Since   time.Time     // when its silence began; zero: none hangs

	Left Left
}

// Left is the calls in a row that clients have left, each after nothing had come of its answer for longer than is usual.
type Left struct {
	InARow            int64
	Headers           int64 // those whose answer had a header
	Shortest, Longest time.Duration
	Since, Last       time.Time // when the first of them began, and the last one was left
}

// leftToTell is how many calls in a row it takes: one client has no patience, and one call has bad luck.
const leftToTell = 3

// Of a channel at which some prompts take far longer than others a few calls may seem to hang at any time. They are shown, and are the
// channel's trouble if they are hangsToTell, and one in hangsOf of those in flight, or all of them.
const (
	hangsToTell = 3
	hangsOf     = 4
)

func (s *Silence) hangsTell() bool {
	return s.Hanging > 0 && (s.Hanging >= s.Open || s.Hanging >= hangsToTell && s.Hanging*hangsOf >= s.Open)
}

// Tells reports whether the channel is in trouble.
func (s *Silence) Tells() bool { return s != nil && (s.hangsTell() || s.Left.InARow >= leftToTell) }

// String says in plain words what the trouble is; empty: there is none.
func (s *Silence) String() string {
	if s == nil {
		return ""
	}
	return joined(s.hangs(), s.wasLeft())
}

func (s *Silence) hangs() string {
	if !s.hangsTell() {
		return ""
	}
	text := fmt.Sprintf("%d calls hang: nothing has come for %s", s.Hanging, whole(s.Silent))
	if s.Hanging == 1 {
		text = "a call hangs: nothing has come for " + whole(s.Silent)
	}
	text += " (since " + s.Since.UTC().Format(time.TimeOnly) + " UTC)"
	if s.Usual > 0 {
		text += ", where 95 of 100 take less than " + whole(s.Usual)
	}
	return text + headers(s.Headers, s.Hanging)
}

func (s *Silence) wasLeft() string {
	l := &s.Left
	if l.InARow < leftToTell {
		return ""
	}
	after := whole(l.Shortest)
	if longest := whole(l.Longest); longest != after {
		after += " to " + longest
	}
	return fmt.Sprintf("the last %d calls were left by their clients, after %s in which nothing came (since %s UTC)", l.InARow, after,
		l.Since.UTC().Format(time.TimeOnly)) + headers(l.Headers, l.InARow)
}

// headers says whether the upstream has begun to answer, which tells a network from a model.
func headers(n, of int64) string {
	switch n {
	case 0:
		return ", not even a header"
	case of:
		return ", but a header"
	}
	return fmt.Sprintf(", but a header of %d", n)
}

// whole is a duration as one says it: 62s, 1.2s, 350ms.
func whole(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		d = d.Truncate(time.Second)
	case d >= time.Second:
		d = d.Truncate(100 * time.Millisecond)
	default:
		d = max(time.Millisecond, d.Round(time.Millisecond))
	}
	return d.String()
}

// SetSilence notes what is known of it now.
func (c *Channel) SetSilence(s *Silence) {
	if s != nil && s.Hanging == 0 && !s.Tells() {
		s = nil
	}
	if s != nil || c.state.silence.Load() != nil {
		c.state.silence.Store(s)
	}
}

// Silence is what was noted last; nil: nothing. It takes no lock.
func (c *Channel) Silence() *Silence { return c.state.silence.Load() }

// Silent is a Silence as it is read by programs. All zero: there is nothing to say.
type Silent struct {
	Hanging      int64   `json:"hanging"`        // calls in flight of which nothing has come for far longer than is usual
	Seconds      int64   `json:"silent_seconds"` // for how long, of the one that has been silent the longest
	Usual        int64   `json:"usual_ms"`       // what 95 of 100 of its kind take; 0: too few were seen, or none hangs
	Left         int64   `json:"left_in_a_row"`  // calls that clients have left while nothing came
	LeftShortest float64 `json:"left_after_least_seconds"`
	LeftLongest  float64 `json:"left_after_most_seconds"`
}

// Figures are its numbers.
func (s *Silence) Figures() (f Silent) {
	if s == nil {
		return f
	}
	f.Hanging, f.Seconds, f.Usual = s.Hanging, int64(s.Silent.Seconds()), s.Usual.Milliseconds()
	if l := &s.Left; l.InARow >= leftToTell {
		f.Left, f.LeftShortest, f.LeftLongest = l.InARow, tenths(l.Shortest), tenths(l.Longest)
	}
	return f
}
