package exchange

// remedies is what may help a request that its upstream has refused, each once.
type remedies uint8

const (
	withoutUsage   remedies = 1 << iota // it is not asked for what it costs
	withThoughts                        // something stands in the place of reasoning that is missing
	onResponsesAPI                      // it is asked where its model is served
)

// remedies looks for them in an error.
func (x *Exchange) remedies(text []byte) (all remedies) {
	if !x.withdrawn && x.refusesUsage(text) {
		all |= withoutUsage
	}
	if !x.thoughtful && x.missesThoughts(text) {
		all |= withThoughts
	}
	if x.isMisasked(text) {
		all |= onResponsesAPI
	}
	return all
}

// withdraws prepares for sending the call once more: as the client made it, if it was refused for what the relay has added to it,
// with something in the place of the reasoning that its client has not given back, or to where its model is served. That is the same
// attempt, and nobody is to blame.
func (x *Exchange) withdraws() bool {
	remedy := x.remedy
	x.remedy = 0
	if remedy == 0 || x.hold.canceler.Why() != nil {
		return false
	}
	x.withdrawn = x.withdrawn || remedy&withoutUsage != 0
	x.thoughtful = x.thoughtful || remedy&withThoughts != 0
	if remedy&onResponsesAPI != 0 {
		x.place = movedThere
	}
	x.again()
	return true
}
