package gate

import (
	"math"

	"one-api/relay/apikey"
	"one-api/relay/channel"
	"one-api/relay/format"
	"one-api/relay/made"
	"one-api/relay/outcome"
)

// models finds out what is asked for, and whether this client may ask for it.
type models struct {
	noExit[*Admission]
	kept *made.Keeper
}

// Enter refuses what cannot be read, and models that the client may not use or that no channel of its groups has.
func (m models) Enter(a *Admission) *outcome.Refusal {
	var d detours // parts of the body, which a stream does not keep
	var refusal *outcome.Refusal
	switch {
	case a.Asked.Form != nil: // it was read as it came
	case a.End.Endpoint.Tunnels():
		refusal = a.dials()
	case a.End.Endpoint.ByID():
		refusal = a.find(m.kept)
	case a.End.Endpoint.Verb() != "":
		refusal = a.named()
	default:
		if d, refusal = parseCall(&a.Asked, a.End.Endpoint, a.Asked.Body); refusal == nil {
			refusal = refuseNoUpload(a.End.Endpoint, a.Asked.Body)
		}
	}
	if refusal != nil {
		return refusal
	}
	call := &a.Asked
	call.RequestID, call.Header, call.Query = a.End.RequestID, a.R.Header, a.Directory.Keys.WithoutKeys(a.R.URL.RawQuery)
	call.Input = int32(min(format.InputOf(call.Body), math.MaxInt32)) //nolint:gosec // it fits
	a.End.Model = call.Model
	a.Flight.For(call)
	a.Select = channel.SelectRequest{Caller: CallerOf(a.Key), Endpoint: a.End.Endpoint, Model: call.Model, Stream: call.Stream,
		Only: a.Select.Only}
	if refusal = a.bind(m.kept); refusal == nil {
		refusal = a.check()
	}
	if refusal == nil {
		refusal = a.checkDetours(&d)
	}
	a.End.Known = refusal == nil
	return refusal
}

// check refuses what no channel could ever answer. How many tokens a request has is told, or estimated, wherever it could be answered.
func (a *Admission) check() *outcome.Refusal {
	if of, counts := a.End.Endpoint.Counts(); counts {
		about := a.Select
		about.Endpoint = of
		return a.Directory.Channels.Check(&about)
	}
	return a.Directory.Channels.Check(&a.Select)
}

// CallerOf is a client as selection has to know it.
func CallerOf(k *apikey.Key) channel.Caller {
	return channel.Caller{Groups: k.Groups, AllGroups: k.AllGroups, Allows: k.Allowance()}
}
