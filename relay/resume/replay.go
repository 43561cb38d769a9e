package resume

import (
	"one-api/relay/outcome"
)

// replay follows an answer that is begun anew through what the client already has.
type replay struct {
	sent []byte // what the client has
	at   int    // how much of it has been said again
}

// add takes the next piece of the answer and returns what is new. An error is a *outcome.Failure: the answer is another one.
func (r *replay) add(piece string) (string, error) {
	again := min(len(piece), len(r.sent)-r.at)
	if piece[:again] != string(r.sent[r.at:r.at+again]) {
		return "", outcome.Malformed("the answer was begun anew, and says something else than before")
	}
	r.at += again
	return piece[again:], nil
}

// end is where the answer's text ends.
func (r *replay) end() error {
	if r.at < len(r.sent) {
		return outcome.Malformed("the answer was begun anew, and ends before it comes to where it was")
	}
	return nil
}
