package openai

import "one-api/relay/channel"

// failureInside is the failure of an error in a 200 answer or in its stream.
func failureInside(body []byte) *channel.Failure { return channel.EventFailure(body) }
