package exchange

// remedies is what may help a request that its upstream has refused, each once.
type remedies uint8

const (
	withoutUsage   remedies = 1 << iota // it is not asked for what it costs
	withThoughts                        // something stands in the place of reasoning that is missing
	onResponsesAPI                      // it is asked where its model is served
	unsigned                            // the reasoning that another provider has signed is left out
	shorterIDs                          // ids of tool calls are cut to what OpenAI takes
	nineSigns                           // ids of tool calls are such as Mistral takes

	unread // not a remedy: the lane has left such reasoning out by itself
)

// has reports whether the request is sent with a remedy.
func (x *Exchange) has(remedy remedies) bool { return x.tried&remedy != 0 }

// remedies looks for them in an error.
func (x *Exchange) remedies(text []byte) (all remedies) {
	if !x.has(withoutUsage) && x.refusesUsage(text) {
		all |= withoutUsage
	}
	missing := x.missesThoughts(text)
	if !x.thoughtful && missing {
		all |= withThoughts
	}
	if x.isMisasked(text) {
		all |= onResponsesAPI
	}
	if !x.has(unsigned) && !missing && x.refusesSignature(text) {
		all |= unsigned
	}
	return all | x.refusesIDs(text)
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
	x.tried |= remedy
	x.thoughtful = x.thoughtful || remedy&withThoughts != 0
	if remedy&onResponsesAPI != 0 {
		x.place = movedThere
	}
	x.again()
	return true
}
