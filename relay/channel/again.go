package channel

// Again takes another place in a channel that was just tried, whatever is held against it: with a key that is in use, or else with one
// that cools. It reports false if the channel is full or was disabled.
func (s *Set) Again(w *SelectRequest, c *Channel) (Slot, bool) {
	return c.take(w, s.now(), tolerance{panicMode: true, cooling: true})
}

// OnceMore reports whether a request for which no other channel is left may make one more attempt at this one, and counts it.
func (c *Channel) OnceMore(w *SelectRequest) bool {
	return (w.broken == nil || c.finishes(w.broken, w.text)) && c.state.tries.Allow(c.pool.now())
}
