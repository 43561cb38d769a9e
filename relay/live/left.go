package live

import (
	"time"

	"one-api/relay/channel"
	"one-api/relay/outcome"
	"one-api/relay/record"
)

// A client that leaves is no failure of the channel. But if one after the other leaves while nothing comes, for longer than nearly all
// calls take, then somebody should look: that is how an upstream that has died shows where clients have less patience than the relay.
// Where too few have been seen to know what is usual it is leftUnknown; and once something of an answer has come, pauses are usual.
const (
	leftAtLeast = 2 * time.Second
	leftUnknown = 5 * time.Second
	leftMidway  = 15 * time.Second
	leftCounts  = time.Hour // after the last of them
)

// EnoughSeen is how many attempts it takes to know what is usual at a channel.
const EnoughSeen = 3

// leaves counts an attempt among those that were left, or ends their row: whatever the upstream has said, it is there. The channel is
// locked.
func (c *channelTraffic) leaves(a *record.Attempt) {
	l, silent := &c.left, a.Silent()
	switch {
	case a.Outcome == outcome.ClientGone && silent >= leftAtLeast && silent >= c.patience(a):
		if l.InARow == 0 {
			l.Since, l.Shortest = a.Began, silent
		}
		l.InARow++
		if a.Status != 0 {
			l.Headers++
		}
		l.Shortest, l.Longest, l.Last = min(l.Shortest, silent), max(l.Longest, silent), a.Began.Add(a.Duration)
	case l.InARow > 0 && (a.Failure == nil || a.Events > 0 || a.Outcome == outcome.UpstreamStatus):
		*l = channel.Left{}
	}
}

// patience is how long an answer may be silent until it says something that a client leaves. The channel is locked.
func (c *channelTraffic) patience(a *record.Attempt) time.Duration {
	of := &c.took
	switch {
	case a.Events > 0:
		return leftMidway
	case a.Stream:
		of = &c.first
	}
	if len(of.of) < EnoughSeen {
		return leftUnknown
	}
	return Usual(spread(of.all()))
}

// Usual is what nearly all of them take.
func Usual(of Spread) time.Duration { return time.Duration(of.P95 * float32(time.Millisecond)) }

// Left is the calls at a channel that were left in a row; none if that is long ago.
func (t *Traffic) Left(of string, now time.Time) channel.Left {
	known, ok := t.channels.Load(of)
	if !ok {
		return channel.Left{}
	}
	c := known.(*channelTraffic)
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.left.Last) > leftCounts {
		c.left = channel.Left{}
	}
	return c.left
}

// Forgive forgets them.
func (t *Traffic) Forgive(of string) {
	if known, ok := t.channels.Load(of); ok {
		c := known.(*channelTraffic)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.left = channel.Left{}
	}
}
