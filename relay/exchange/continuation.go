package exchange

import (
	"strings"

	"one-api/relay/config"
	"one-api/relay/format"
	"one-api/relay/lane"
)

// hints is how upstreams are told to continue the last message; most need not be.
var hints = map[config.Resume]format.Hint{
	config.ResumePrefix: format.HintPrefix, config.ResumeContinueFinal: format.HintContinueFinal,
}

// HidesSpace reports whether white space at the end of what is to be continued is kept from the exchange's upstream.
func (x *Exchange) HidesSpace() bool { return x.Channel.Of.Continues.TrimSpace }

// asContinuation is the call as the upstream gets it: with what it is told of the answer.
func (x *Exchange) asContinuation(call *lane.Call) *lane.Call {
	if call.Prefix == "" || !x.HidesSpace() {
		return call
	}
	continued := *call
	continued.Prefix = strings.TrimRight(call.Prefix, " \t\r\n")
	return &continued
}
