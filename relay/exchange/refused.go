package exchange

import (
	"io"
	"net/http"
	"time"

	"one-api/relay/jsonscan"
	"one-api/relay/outcome"
)

// errorBodyBytes is how much is read of an error, however much its upstream sends.
const errorBodyBytes = 64 << 10

// refused reads an error as far as it goes, and closes it. prompted is true for a client's call, and false for a question of the
// relay's own.
func (x *Exchange) refused(prompted bool) *outcome.Failure {
	x.body.by(time.Now().Add(x.door.options.ErrorBodyTimeout), outcome.HeaderTimeout)
	var text []byte
	if x.body.unpack(x.answer.Encoding) {
		// An error of reading is no news: what counts is the status, which has arrived.
		text, _ = io.ReadAll(io.LimitReader(&x.body, errorBodyBytes))
	}
	x.hold.closeBody()
	if f := x.interrupted(); f != nil && f.Outcome != outcome.HeaderTimeout {
		return f
	}
	x.remedy = x.remedies(text)
	f := outcome.StatusFailure(x.answer.Status, x.answer.Header, jsonscan.WithoutBOM(text))
	x.corrects(f)
	if f.Class == outcome.ClassMisplaced {
		if prompted && x.unserved(f) {
			f.Class = outcome.ClassUnserved
			f.Detail += ": other endpoints of this channel work, and " + x.call.Endpoint.Path() + " never has"
			f.Err = outcome.RefuseEndpoint(x.call.Model, x.call.Endpoint, "its upstream does not have it").Err
		} else {
			f.Detail = x.explained(f)
		}
	}
	if prompted {
		x.notesUncounted(f)
	}
	return x.censored(f)
}

// notAvailable is the code for something that a model has and an account, or an API, does not.
const notAvailable = "model_not_available"

// notesUncounted notes that an upstream does not count the tokens of a model, or of none: it is not asked again before the next reload.
func (x *Exchange) notesUncounted(f *outcome.Failure) {
	_, counts := x.call.Endpoint.Counts()
	if !counts || f.Class != outcome.ClassUnserved && (f.Err == nil || f.Err.Code != notAvailable) {
		return
	}
	if x.Channel.Uncounted.Add(x.Channel.UpstreamModel(x.call.Model)) {
		x.door.options.Log.InfoContext(x.client, "an upstream does not count the tokens of a model, and is not asked again before the next "+
			"reload: until then their numbers are those of another channel, or guessed",
			"channel", x.Channel.Name, "request_id", x.requestID())
	}
}

// corrects applies what is known of the provider's own errors to a failure that its upstream has reported.
func (x *Exchange) corrects(f *outcome.Failure) {
	if x.Channel.Correct != nil {
		x.Channel.Correct(f)
	}
}

// unserved reports whether a path that there is not is an endpoint which this upstream does not have, while it has others: that is no
// mistake in the channel's base URL. What is converted is asked for at the path of another endpoint.
func (x *Exchange) unserved(f *outcome.Failure) bool {
	missing := f.Status == http.StatusNotFound || f.Status == http.StatusMethodNotAllowed
	_, counts := x.call.Endpoint.Counts()
	return missing && (counts || !x.converts()) && x.Channel.Lacks(x.call.Endpoint)
}
