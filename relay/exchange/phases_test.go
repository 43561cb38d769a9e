package exchange

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/lane"
	"one-api/relay/provider"
)

// waiting is a stream of an upstream that the test plays, on a clock of its own.
type waiting struct {
	*Exchange
	now   time.Time
	heard int // events and comments
}

func waitFor(model string, timeouts config.Timeouts) *waiting {
	w := &waiting{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	w.Exchange = &Exchange{
		Slot: channel.Slot{Channel: &channel.Channel{Channel: config.Channel{Timeouts: timeouts}, Of: &provider.Provider{HidesReasoning: []string{"o3"}}}, Began: w.now},
		call: &lane.Call{Model: model, Stream: true},
	}
	return w
}

// after lets the upstream be silent for d, or as long as the clock allows; the result is which clock ran out, if any.
func (w *waiting) after(d time.Duration) string {
	deadline, outcome := w.silence(w.now, w.heard)
	if end := w.now.Add(d); deadline.IsZero() || !end.After(deadline) {
		w.body.waited += d
		w.now = end
		return ""
	}
	w.body.waited += deadline.Sub(w.now)
	w.now = deadline
	return outcome.String()
}

func TestTheClocksOfAStream(t *testing.T) {
	const s = time.Second
	role, ping, text := lane.Chunk{Out: []byte("x"), Preamble: true}, lane.Chunk{Out: []byte("x"), Preamble: true, Ping: true}, lane.Chunk{Out: []byte("x"), Content: true}
	odd, nothing := lane.Chunk{Out: []byte("x")}, lane.Chunk{}
	usual := config.Timeouts{Header: 900 * s, Idle: 300 * s}
	first := config.Timeouts{Header: 900 * s, Idle: 300 * s, FirstToken: 20 * s}
	type part struct {
		wait time.Duration
		says *lane.Chunk // what comes then; nil: a part of something
		sign bool        // a comment

		ended bool // nothing is missing any more but the terminator
	}
	end := part{wait: s, says: &odd, ended: true}
	ticks := func(n int, p ...part) (all []part) {
		for range n {
			all = append(all, p...)
		}
		return all
	}
	for name, c := range map[string]struct {
		model    string
		timeouts config.Timeouts
		parts    []part
		outcome  string
		at       time.Duration
	}{
		"silence from the beginning":             {"m", usual, nil, "idle_timeout", 300 * s},
		"silence behind content":                 {"m", usual, []part{{wait: 100 * s, says: &text}}, "idle_timeout", 400 * s},
		"pieces of something":                    {"m", usual, ticks(1000, part{wait: s}), "idle_timeout", 300 * s},
		"comments for ever":                      {"m", usual, ticks(1000, part{wait: s, sign: true}), "idle_timeout", 900 * s},
		"comments for ever behind content":       {"m", usual, append([]part{{wait: 100 * s, says: &text}}, ticks(1000, part{wait: s, sign: true})...), "idle_timeout", 1000 * s},
		"pings for ever":                         {"m", usual, append([]part{{wait: 10 * s, says: &role}}, ticks(1000, part{wait: s, says: &ping})...), "idle_timeout", 910 * s},
		"empty chunks for ever":                  {"m", usual, ticks(1000, part{wait: 2 * s, says: &role}), "idle_timeout", 16*s + 900*s},
		"unknown events for ever":                {"m", usual, ticks(1000, part{wait: 2 * s, says: &odd}), "idle_timeout", 16*s + 900*s},
		"unknown events and comments for ever":   {"m", usual, ticks(500, part{wait: s, says: &odd}, part{wait: s, sign: true}), "idle_timeout", 15*s + 900*s},
		"unknown events between content":         {"m", usual, ticks(500, part{wait: 20 * s, says: &odd}, part{wait: 20 * s, says: &text}), "", 0},
		"what is kept from the client for ever":  {"m", usual, ticks(1000, part{wait: 2 * s, says: &nothing}), "idle_timeout", 900 * s},
		"an end, and silence":                    {"m", usual, []part{{wait: s, says: &text}, end}, "idle_timeout", 7 * s},
		"an end, and comments for ever":          {"m", usual, append([]part{{wait: s, says: &text}, end}, ticks(1000, part{wait: s, sign: true})...), "idle_timeout", 7 * s},
		"an end, and unknown events for ever":    {"m", usual, append([]part{{wait: s, says: &text}, end}, ticks(1000, part{wait: s, says: &odd, ended: true})...), "idle_timeout", 7 * s},
		"an end that was none":                   {"m", usual, []part{{wait: s, says: &text}, end, {wait: s, says: &text, ended: true}, {wait: 100 * s, says: &text, ended: true}}, "idle_timeout", 403 * s},
		"an end where silence is shorter":        {"m", config.Timeouts{Header: 900 * s, Idle: 2 * s}, []part{{wait: s, says: &text}, end}, "idle_timeout", 4 * s},
		"an end where no clock runs":             {"m", config.Timeouts{}, []part{{wait: s, says: &text}, end}, "idle_timeout", 7 * s},
		"content for ever":                       {"m", usual, ticks(1000, part{wait: 299 * s, says: &text}), "", 0},
		"no clock at all":                        {"m", config.Timeouts{}, ticks(1000, part{wait: 299 * s, sign: true}), "", 0},
		"the first token":                        {"m", first, nil, "first_token_timeout", 20 * s},
		"the first token behind comments":        {"m", first, ticks(1000, part{wait: s, sign: true}), "first_token_timeout", 20 * s},
		"the first token behind a preamble":      {"m", first, []part{{wait: 19 * s, says: &role}}, "first_token_timeout", 20 * s},
		"silence behind the first token":         {"m", first, []part{{wait: 19 * s, says: &text}}, "idle_timeout", 319 * s},
		"a hidden thought with pings":            {"o3-mini", first, append(ticks(300, part{wait: 2 * s, says: &ping}), part{wait: s, says: &text}), "idle_timeout", 901 * s},
		"a hidden thought of an aggregator":      {"openai/o3", first, append(ticks(300, part{wait: 2 * s, sign: true}), part{wait: s, says: &text}), "idle_timeout", 901 * s},
		"a hidden thought in silence":            {"o3-mini", first, nil, "first_token_timeout", 20 * s},
		"a hidden thought that falls silent":     {"o3-mini", first, ticks(5, part{wait: 2 * s, says: &ping}), "first_token_timeout", 30 * s},
		"a hidden thought for ever":              {"o3-mini", first, ticks(1000, part{wait: 2 * s, says: &ping}), "first_token_timeout", 900 * s},
		"a short header and a pause in a stream": {"m", config.Timeouts{Header: 5 * s, Idle: 300 * s}, []part{{wait: s, says: &role}, {wait: 100 * s, says: &text}, {wait: 200 * s, says: &text}}, "idle_timeout", 601 * s},
	} {
		t.Run(name, func(t *testing.T) {
			w := waitFor(c.model, c.timeouts)
			ended := ""
			for _, p := range c.parts {
				if ended = w.after(p.wait); ended != "" {
					break
				}
				switch {
				case p.says != nil:
					w.heard++
					w.listens(p.says, w.heard, p.ended)
				case p.sign:
					w.heard++
				}
			}
			if ended == "" && c.outcome != "" {
				ended = w.after(time.Hour)
			}
			assert.Equal(t, c.outcome, ended)
			if c.outcome != "" {
				assert.Equal(t, c.at, w.now.Sub(w.Began))
			}
		})
	}
}
