package channel

import "one-api/relay/wire"

// Worked notes that a call of an endpoint has succeeded.
func (c *Channel) Worked(e wire.Endpoint) {
	if bit := uint64(1) << e; c.state.worked.Load()&bit == 0 {
		c.state.worked.Or(bit)
	}
}

// Lacks reports whether the upstream has answered on other endpoints and never on this one.
func (c *Channel) Lacks(e wire.Endpoint) bool {
	worked := c.state.worked.Load()
	return worked != 0 && worked&(1<<e) == 0
}
