package gate

import (
	"net/http"
	"strconv"

	"one-api/relay/jsonscan"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// What Gemini's clients ask for stands in the path: the model and what is to be done with it, and in the query, how a stream is framed.

// besideHeader are the keys that a request shows in its query, as Gemini's API lets its clients do; nobody else's does.
func besideHeader(r *http.Request) []string {
	if r.URL.RawQuery == "" || !wire.IsGemini(r.URL.Path) {
		return nil
	}
	return r.URL.Query()["key"]
}

// AnsweredIn is the format that a request's answer, or its error, is to have.
func AnsweredIn(e wire.Endpoint, r *http.Request) wire.Format {
	if lane.WantsList(e, r.URL.RawQuery) {
		return wire.GeminiList
	}
	return e.Format()
}

// named reads a request whose path names the model. The rest of its body is read by whoever it is for.
func (a *Admission) named() *outcome.Refusal {
	call, e := &a.Asked, a.End.Endpoint
	_, call.Model, _ = wire.InPath(a.R.URL.Path)
	call.Body = jsonscan.WithoutBOM(call.Body)
	call.Endpoint, call.Stream = e, e.AlwaysStreams()
	if err := jsonscan.Object(call.Body, func(m jsonscan.Member) {
		if string(m.Key) == "model" { // which says nothing that the path does not
			call.ModelFrom, call.ModelTo = m.Start, m.End
		}
	}); err != nil {
		return refuseJSON(err, call.Body)
	}
	if len(call.Model) > LongestModel {
		return refuseParam("model", "`model` is longer than "+strconv.Itoa(LongestModel)+" bytes, the longest name that this relay knows.")
	}
	return nil
}
