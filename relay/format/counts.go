package format

import "one-api/relay/jsonscan"

// Counts is how a format asks how many tokens a request has, and says it.
type Counts struct {
	// Question is the request that a client's question is about, as its format has one that is to be answered.
	Question func(body []byte) []byte
	// Told is the answer to a client.
	Told func(tokens int64) []byte
	// Ask makes a provider's question of a request in the format.
	Ask func(request []byte, model string) []byte
	// Read reads the provider's answer; false: there is no number in it.
	Read func(answer []byte) (tokens int64, ok bool)
}

// Only is an object with no other members than these.
func Only(object []byte, named func(name string) bool) []byte {
	j := make(JSON, 0, len(object))
	j.Open('{')
	_ = jsonscan.Object(object, func(m jsonscan.Member) { // it has been made, or read, before
		if name := string(m.Key); named(name) {
			j.Value(name, m.Value)
		}
	})
	j.Close('}')
	return j
}
