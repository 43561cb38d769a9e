package channel

import "one-api/relay/wire"

// cannotCount reports whether the upstream has said that it does not count the tokens of a model, and that is what is asked. Somebody else
// is asked then or, if there is nobody, the number is guessed.
func (c *Channel) cannotCount(e wire.Endpoint, model string) bool {
	if !c.Uncounted.any.Load() {
		return false // as nearly always
	}
	_, counts := e.Counts()
	return counts && c.Uncounted.Has(c.UpstreamModel(model))
}
