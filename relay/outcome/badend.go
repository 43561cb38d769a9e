package outcome

import (
	"strconv"

	"one-api/relay/complaint"
	"one-api/relay/wire"
)

// BadEnd is the failure of an answer that ends with a word for one (wire.EndedBadly) and no error beside it.
func BadEnd(word string) *Failure {
	f := &Failure{Outcome: UpstreamErrorEvent, said: &complaint.Complaint{
		Type: "api_error", Message: "the upstream broke off its answer and gave " + strconv.QuoteToASCII(wire.Clip(word, 60)) + " as the reason",
	}}
	f.judged(judgement{class: ClassServer})
	return f
}
