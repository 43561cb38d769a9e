package operator

import (
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
	enoughSeen   = 3
)

// hang is the calls at a channel that hang.
type hang struct {
	calls         int64
	silent, usual time.Duration // of the one that has been silent the longest
}

// hanging is the channels at which calls hang, by name.
func (o *Operator) hanging(now time.Time) map[string]*hang {
	type silence struct {
		of     *channel.Channel
		silent time.Duration
		stream bool
	}
	var long []silence // decided on when the list is not locked any more
	o.InFlight.Silences(now, func(of *channel.Channel, silent time.Duration, stream bool) {
		if silent >= hangsAtLeast {
			long = append(long, silence{of, silent, stream})
		}
	})
	all, usual := map[string]*hang{}, map[string]live.Recent{}
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
		if spread.N >= enoughSeen {
			takes = max(time.Millisecond, time.Duration(spread.P95*float32(time.Millisecond)))
			hangs = max(hangsAtLeast, hangsTimes*takes)
		}
		if s.silent < hangs {
			continue
		}
		h := all[name]
		if h == nil {
			h = &hang{}
			all[name] = h
		}
		h.calls++
		if s.silent > h.silent {
			h.silent, h.usual = s.silent, takes
		}
	}
	return all
}
