package anthropic

import "one-api/relay/channel"

// eventFailure is the failure that an answer of 200, or an event in one, reports. text is the whole of it.
func eventFailure(text []byte) *channel.Failure { return channel.EventFailure(text) }
