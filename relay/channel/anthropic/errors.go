package anthropic

import (
	"net/http"

	"one-api/relay/channel"
)

func (adaptor) Failure(status int, header http.Header, body []byte) *channel.Failure {
	return channel.StatusFailure(status, header, body)
}

// eventFailure is the failure that an answer of 200, or an event in one, reports. text is the whole of it.
func eventFailure(text []byte) *channel.Failure { return channel.EventFailure(text) }
