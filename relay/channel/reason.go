package channel

import (
	"fmt"
	"strings"
	"time"

	"one-api/relay/wire"
)

// attemptsToDistrust is how many attempts in a row it takes that did not succeed, for whatever reason, until a channel is not
// said to be healthy any more. Whether it is asked is another matter: see health.fruitless.
const attemptsToDistrust = 10

// Distrusted reports whether none of the channel's last attempts succeeded.
func (c *Channel) Distrusted() bool { return c.state.health.InVain() >= attemptsToDistrust }

// State tells what the channel is up to. It takes no lock.
func (c *Channel) State(now time.Time) Health {
	switch {
	case c.isDisabled():
		return Disabled
	case c.wait(now) > 0:
		return Cooling
	case c.troubled(now):
		return Degraded
	}
	return Healthy
}

// wait is how long nobody is going to ask the channel; 0: it can be asked, or is just being tried.
func (c *Channel) wait(now time.Time) time.Duration {
	if c.isDisabled() {
		return 0
	}
	return max(c.state.health.Cooldown.Remaining(now), c.keys.Out(now))
}

func (c *Channel) troubled(now time.Time) bool {
	h := &c.state.health
	return h.InARow() > 0 || h.Cooldown.Active() || c.Distrusted() || h.Doubt.Any() ||
		c.keys.Counts(now).Usable < c.keys.Len() || c.keys.Doubted() > 0 || c.Silence().Tells()
}

// reason says in plain words why the channel is not healthy; "": it is.
func (c *Channel) reason(now time.Time) string {
	why := c.HeldAgainst(now)
	if c.isDisabled() {
		return why
	}
	return joined(c.Silence().String(), why)
}

// joined is two reasons in one.
func joined(one, other string) string {
	if one == "" || other == "" {
		return one + other
	}
	return one + "; " + other
}

// HeldAgainst is the reason but for calls of which nothing comes, which are no failures; "": there is none.
func (c *Channel) HeldAgainst(now time.Time) string {
	if c.isDisabled() {
		if c.state.disabled.Load() != nil {
			return "disabled by the operator"
		}
		return "disabled in the configuration"
	}
	h, counts := &c.state.health, c.keys.Counts(now)
	var why []string
	add := func(format string, values ...any) { why = append(why, fmt.Sprintf(format, values...)) }
	failures, fruitless := h.InARow(), h.InVain()
	switch {
	case h.Cooldown.Remaining(now) > 0:
		add("passed over after failures")
	case h.Cooldown.Active():
		add("being tried again after failures")
	case failures > 0:
		add("failures in a row: %d", failures)
	}
	if fruitless >= attemptsToDistrust {
		add("none of its last %d attempts succeeded", fruitless)
	}
	if counts.Refused > 0 {
		add("keys refused: %d of %d", counts.Refused, c.keys.Len())
	}
	if counts.Cooling > 0 {
		add("keys limited: %d of %d", counts.Cooling, c.keys.Len())
	}
	if n := c.keys.Doubted(); n > 0 && counts.Refused == 0 {
		add("refusals that may be about a key: %d of %d keys", n, c.keys.Len())
	}
	if len(why) == 0 && h.Doubt.Any() {
		add("refused by a web page")
	}
	if len(why) == 0 {
		return ""
	}
	if last := c.state.last.Load(); last != nil {
		why = append(why, "last failure: "+last.String())
	}
	return strings.Join(why, "; ")
}

// String is the failure in a few words.
func (f *LastFailure) String() string {
	text := f.Outcome
	if f.Status != 0 {
		text += fmt.Sprintf(" %d", f.Status)
	}
	if f.Detail != "" {
		text += ", " + wire.Clip(f.Detail, longestReason)
	}
	return text
}

// longestReason is how many bytes of a failure's detail stand in a reason: it is read on a phone.
const longestReason = 160
