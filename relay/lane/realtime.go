package lane

import (
	"net/http"
	"net/url"
	"slices"

	"one-api/relay/config"
	"one-api/relay/format/realtime"
	"one-api/relay/wire"
)

// RealtimeLanes is the way to a channel of a provider that has OpenAI's Realtime API.
func RealtimeLanes(*config.Channel) (lanes Lanes) {
	lanes[wire.Realtime] = session{}
	return lanes
}

// session is the way of a session: a websocket on either side.
type session struct{}

func (session) Converts() bool { return false }

// Request asks for the session. Of what the client says beside the model there is what kind of session it is to be; a call_id is of an
// account, which all clients share.
func (session) Request(call *Call, target Destination) (Outgoing, error) {
	query := url.Values{"model": {target.Model}}
	if asked, err := url.ParseQuery(call.Query); err == nil {
		if intent := asked.Get("intent"); intent != "" {
			query.Set("intent", intent)
		}
	}
	path := wire.Realtime.Path()
	if call.Path != nil {
		path = *call.Path
	}
	header := make(http.Header, 4)
	for _, name := range [...]string{"Openai-Beta", "Openai-Safety-Identifier"} {
		if values := call.Header[name]; len(values) > 0 {
			header[name] = slices.Clone(values)
		}
	}
	return Outgoing{Method: http.MethodGet, Path: path, Query: query.Encode(), Header: header}, nil
}

func (session) Answer(*Call, *Converted) Translator { return realtime.Format.Inspect(0) }
