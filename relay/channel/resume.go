package channel

import (
	"one-api/relay/config"
)

// BreaksOff asks for channels that can finish the stream of this channel's that broke off. text: the client has text of it.
func (w *SelectRequest) BreaksOff(c *Channel, text bool) {
	w.broken, w.text = c, text
}

// Resumes reports whether a stream for w can be finished by another channel when it breaks off.
func (s *Set) Resumes(w *SelectRequest) bool {
	r := w.routeIn(s.routes)
	if r == nil || !r.resumes {
		return false // as nearly always
	}
	channels, takesPart := 0, false
	for c := range r.channels() {
		if c.Resume == config.ResumeOff || !w.Caller.reaches(c) || !c.serves(w.Endpoint) {
			continue
		}
		channels++
		takesPart = takesPart || c.Resume != config.ResumeUnsaid
		if takesPart && channels > 1 || c.finishes(c, true) {
			return true // by another one, or once more by itself
		}
	}
	return false
}

// finishes reports whether the channel may be asked for the rest of a stream of broken's. text: some of it has to be continued,
// so that a channel that would begin a new answer is of no use.
func (c *Channel) finishes(broken *Channel, text bool) bool {
	switch {
	case c.Resume == config.ResumeOff || broken.Resume == config.ResumeOff:
		return false
	case c.Resume == config.ResumeUnsaid && broken.Resume == config.ResumeUnsaid:
		return false
	case !text, c.Resume == config.ResumePrefix, c.Resume == config.ResumeContinueFinal:
		return true
	}
	return !c.Official || c.Of.Continues.Official
}
