package gate

import (
	"net/http"
	"strconv"
	"strings"

	"one-api/relay/outcome"
	"one-api/relay/socket"
)

// handshake looks at how a websocket is asked for that leads to an upstream's (the Realtime API).
type handshake struct{ noExit[*Admission] }

// Enter refuses what is no such request.
func (handshake) Enter(a *Admission) *outcome.Refusal {
	if !a.End.Endpoint.Tunnels() {
		return nil
	}
	TakeProtocolKey(a.R.Header)
	status, why := socket.Misasked(a.R)
	if !socket.Asks(a.R) {
		status, why = http.StatusUpgradeRequired, "This is a websocket: ask with `Connection: Upgrade` and `Upgrade: websocket`."
	}
	if status == 0 {
		return nil
	}
	if status == http.StatusUpgradeRequired {
		SayUpgrade(a.W.Header())
	}
	return RefuseBody(status, why)
}

// SayUpgrade says in a header what a 426 has to say (RFC 9110, section 15.5.22).
func SayUpgrade(header http.Header) {
	header.Set("Upgrade", "websocket")
	header.Set("Connection", "Upgrade")
	header.Set("Sec-WebSocket-Version", "13")
}

// What a page says in the protocols that it offers, since it can set no other header of a websocket: its key behind protocolKey, and
// that it speaks the beta of the Realtime API.
const (
	protocolKey  = "openai-insecure-api-key."
	betaProtocol = "openai-beta.realtime-v1"
)

// TakeProtocolKey moves a key to where others are: it is no protocol, and is neither to be agreed to nor to be passed on.
func TakeProtocolKey(header http.Header) {
	const name = "Sec-Websocket-Protocol"
	var kept []string
	for _, value := range header[name] {
		for offer := range strings.SplitSeq(value, ",") {
			offer = strings.TrimSpace(offer)
			if key, is := strings.CutPrefix(offer, protocolKey); is {
				header.Add("Authorization", "Bearer "+key)
			} else if offer != "" {
				kept = append(kept, offer)
			}
		}
	}
	header.Del(name)
	if len(kept) > 0 {
		header.Set(name, strings.Join(kept, ", "))
	}
}

// dials finds out what a session is for, which its address says.
func (a *Admission) dials() *outcome.Refusal {
	call := &a.Asked
	call.Endpoint, call.Stream, call.Model = a.End.Endpoint, true, a.R.URL.Query().Get("model")
	switch {
	case call.Model == "":
		return refuseParam("model", "You must name a model: ?model=… in the address.")
	case len(call.Model) > LongestModel:
		return refuseParam("model", "`model` is longer than "+strconv.Itoa(LongestModel)+" bytes, the longest name that this relay knows.")
	}
	if socket.Offers(a.R, betaProtocol) && a.R.Header.Get("OpenAI-Beta") == "" {
		a.R.Header.Set("OpenAI-Beta", "realtime=v1")
	}
	return nil
}
