package operator

import (
	"cmp"
	"slices"
	"time"

	"one-api/relay/channel"
	"one-api/relay/live"
)

// A call hangs if nothing of it comes for several times as long as nearly all others at its channel take: until the first token of a
// stream, until the end of what is answered whole. Models that think for minutes are no trouble, and one that answers in a second and has
// been silent for fifteen is. Where too few have been seen to know what is usual, it is a minute.
const (
	hangsTimes   = 3
	hangsAtLeast = 15 * time.Second
	hangsUnknown = time.Minute
)

// hanging is the calls that hang, by channel.
func (o *Operator) hanging(now time.Time) map[string]*channel.Silence {
	type silence struct {
		of             *channel.Channel
		silent         time.Duration
		stream, header bool
	}
	least := cmp.Or(o.HangsAtLeast, hangsAtLeast)
	var long []silence // decided on when the list is not locked any more
	o.InFlight.Silences(now, func(of *channel.Channel, silent time.Duration, stream, header bool) {
		if silent >= least {
			long = append(long, silence{of, silent, stream, header})
		}
	})
	all, usual := map[string]*channel.Silence{}, map[string]live.Recent{}
	for _, s := range long {
		name := s.of.Name
		is, known := usual[name]
		if !known {
			is = o.Traffic.Recent(name)
			usual[name] = is
		}
		spread := is.Took
		if s.stream {
			spread = is.FirstToken
		}
		takes, hangs := time.Duration(0), hangsUnknown
		if spread.N >= live.EnoughSeen {
			takes = max(time.Millisecond, live.Usual(spread))
			hangs = max(least, hangsTimes*takes)
		}
		if s.silent < hangs {
			continue
		}
		h := all[name]
		if h == nil {
			h = &channel.Silence{}
			all[name] = h
		}
		h.Hanging++
		if s.header {
			h.Headers++
		}
		if s.silent > h.Silent {
			h.Silent, h.Usual, h.Since = s.silent, takes, now.Add(-s.silent)
		}
	}
	return all
}

// LookForSilence finds the channels at which calls hang, or were left one after the other while nothing came, and notes it with them: what
// monitors, the page and the log say is read there. One goroutine calls it, every second.
func (o *Operator) LookForSilence(now time.Time) {
	hanging := o.hanging(now)
	for _, ch := range o.Pool.Set().All() {
		s, left := hanging[ch.Name], o.Traffic.Left(ch.Name, now)
		if left.InARow > 0 && ch.State(now) != channel.Disabled {
			if s == nil {
				s = &channel.Silence{}
			}
			s.Left = left
		}
		if s != nil {
			s.Open = ch.InFlight()
		}
		ch.SetSilence(s)
	}
	o.silences.tell(o, now)
}

// How often the log tells of it: of one channel, and of all of them together.
const (
	sameAgain   = 10 * time.Minute
	mostAtATime = 5
	atATime     = time.Minute
)

// silences is what the log has been told of silent channels. The zero value has told nothing.
type silences struct {
	told  map[string]time.Time // when the log was told of a channel that is still silent
	began time.Time            // of the time in which at most mostAtATime lines are written
	lines int
}

// tell tells the log of those that are silent now and were not, or are so for long, the worst first, and of those that are not any more.
func (t *silences) tell(o *Operator, now time.Time) {
	if t.told == nil {
		t.told = map[string]time.Time{}
	}
	if now.Sub(t.began) >= atATime {
		t.began, t.lines = now, 0
	}
	var news []*channel.Channel
	set := o.Pool.Set()
	for _, ch := range set.All() {
		if last, known := t.told[ch.Name]; ch.Silence().Tells() && ch.State(now) != channel.Disabled && (!known || now.Sub(last) >= sameAgain) {
			news = append(news, ch)
		}
	}
	slices.SortStableFunc(news, func(a, b *channel.Channel) int { return worse(b.Silence(), a.Silence()) })
	for i, ch := range news {
		if t.lines == mostAtATime {
			break // the others have their turn, if they are still silent then
		}
		t.lines++
		t.told[ch.Name] = now
		attributes := []any{"channel", ch.Name, "why", ch.Silence().String(), "in_flight", ch.InFlight()}
		if t.lines == mostAtATime && i+1 < len(news) {
			attributes = append(attributes, "more_channels", len(news)-i-1)
		}
		o.Log.Warn("calls hang at a channel: their clients wait, or leave without an answer", attributes...)
	}
	for name, last := range t.told {
		ch := set.Get(name)
		switch {
		case ch == nil:
			delete(t.told, name)
		case !ch.Silence().Tells() && now.Sub(last) >= atATime: // one that comes and goes is not worth more
			delete(t.told, name)
			o.Log.Info("no call hangs at a channel any more", "channel", name)
		}
	}
}

// worse compares two that are not nil: by how long is being waited, and then by how many have left.
func worse(a, b *channel.Silence) int {
	return cmp.Or(cmp.Compare(a.Silent, b.Silent), cmp.Compare(a.Left.InARow, b.Left.InARow))
}

// silent is the worst of the silent channels, for GET /api/monitor/health.
type silent struct {
	Channel  string `json:"channel"`
	Reason   string `json:"reason"`
	Channels int    `json:"channels"` // how many are silent
	channel.Silent
}

// silent reads what was noted last: no lock, nothing that grows with the calls. nil: no channel is in trouble for it.
func (o *Operator) silent() *silent {
	var of *channel.Channel
	var is *channel.Silence
	n := 0
	for _, ch := range o.Pool.Set().All() {
		s := ch.Silence()
		if !s.Tells() {
			continue
		}
		if n++; is == nil || worse(s, is) > 0 {
			of, is = ch, s
		}
	}
	if is == nil {
		return nil
	}
	return &silent{Channel: of.Name, Reason: is.String(), Channels: n, Silent: is.Figures()}
}
