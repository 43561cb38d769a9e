package live

import (
	"time"

	"one-api/relay/outcome"
	"one-api/relay/record"
)

// What attempts at a channel were like is kept for each SlotLength of six hours in which there were any: 5 KiB a channel at the most, and
// nothing of one that nobody asks.
const (
	SlotLength = 3 * time.Minute
	slots      = int(6 * time.Hour / SlotLength)
)

// slot is a channel's attempts in one SlotLength.
type slot struct {
	n        int32 // which one, since 1970
	attempts [Kinds]uint32
	first    [2]float32 // ms, half and 95 of 100 of the last ones: times to the first token
	took     [2]float32 // and of whole attempts that completed
}

// slotAt is the number of the slot that a time is in.
func slotAt(at time.Time) int32 { return int32(at.Unix() / int64(SlotLength/time.Second)) } //nolint:gosec // until the year 14000

// running is the slot that attempts are being added to, and how many of them have said how long they took.
type running struct {
	slot
	firsts, tooks int32
}

// count counts an attempt at its end. The channel is locked.
func (c *channelTraffic) count(a *record.Attempt) {
	if n := slotAt(a.Began.Add(a.Duration)); n > c.now.n {
		if c.now.n != 0 {
			c.slots.add(c.slot(), slots)
		}
		c.now = running{slot: slot{n: n}}
	}
	c.now.attempts[kindOf(a.Outcome)]++
	if a.FirstEvent > 0 {
		c.now.firsts++
	}
	if a.Failure == nil {
		c.now.tooks++
	}
}

// slot is the one that is running, as far as it has got. The channel is locked.
func (c *channelTraffic) slot() slot {
	s := c.now.slot
	first, took := spread(c.first.last(int(c.now.firsts))), spread(c.took.last(int(c.now.tooks)))
	s.first, s.took = [2]float32{first.P50, first.P95}, [2]float32{took.P50, took.P95}
	return s
}

// Slot is a channel's attempts in one SlotLength, by how they ended. Times of which there is none are 0.
type Slot struct {
	At       int64   `json:"t"` // when it begins, in Unix seconds
	Good     uint32  `json:"good"`
	Left     uint32  `json:"left"`
	Failed   uint32  `json:"failed"`
	TimedOut uint32  `json:"timed_out"`
	Ours     uint32  `json:"ours"`
	FirstP50 float32 `json:"first_p50_ms"` // of the last streams in it, 128 at the most
	FirstP95 float32 `json:"first_p95_ms"`
	TookP50  float32 `json:"took_p50_ms"` // of the last attempts in it that completed
	TookP95  float32 `json:"took_p95_ms"`
}

// ChannelHistory is a channel's last six hours, oldest first, from the first attempt in them up to now: those in which nothing happened
// are there too.
func (t *Traffic) ChannelHistory(channel string, now time.Time) []Slot {
	all := []Slot{}
	of, known := t.channels.Load(channel)
	if !known {
		return all
	}
	c := of.(*channelTraffic)
	c.mu.Lock()
	kept := c.slots.all()
	if c.now.n != 0 {
		kept = append(kept, c.slot())
	}
	c.mu.Unlock()
	last := slotAt(now)
	for len(kept) > 0 && kept[0].n <= last-int32(slots) {
		kept = kept[1:]
	}
	if len(kept) == 0 {
		return all
	}
	for n := kept[0].n; n <= max(last, kept[len(kept)-1].n); n++ {
		s := Slot{At: int64(n) * int64(SlotLength/time.Second)}
		if len(kept) > 0 && kept[0].n == n {
			k := &kept[0]
			s.Good, s.Left, s.Failed = k.attempts[Good], k.attempts[Left], k.attempts[Failed]
			s.TimedOut, s.Ours = k.attempts[TimedOut], k.attempts[Ours]+k.attempts[Refused]
			s.FirstP50, s.FirstP95, s.TookP50, s.TookP95 = k.first[0], k.first[1], k.took[0], k.took[1]
			if len(kept) > 1 {
				kept = kept[1:]
			}
		}
		all = append(all, s)
	}
	return all
}

func kindOf(o outcome.Outcome) Kind {
	switch o {
	case outcome.Completed:
		return Good
	case outcome.ClientGone, outcome.ClientStalled:
		return Left
	case outcome.Rejected:
		return Refused
	case outcome.HeaderTimeout, outcome.FirstTokenTimeout, outcome.IdleTimeout:
		return TimedOut
	case outcome.OperatorEnded, outcome.Panic, outcome.Shutdown:
		return Ours
	default:
		return Failed
	}
}
