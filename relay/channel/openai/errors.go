package openai

import (
	"net/http"

	"one-api/relay/channel"
)

func (adaptor) Failure(status int, header http.Header, body []byte) *channel.Failure {
	return channel.StatusFailure(status, header, body)
}

// failureInside is the failure of an error in a 200 answer or in its stream.
func failureInside(body []byte) *channel.Failure { return channel.EventFailure(body) }
