package gate

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"one-api/relay/channel"
	"one-api/relay/jsonscan"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// LongestModel is how many bytes a model's name may have. Names that a glob covers are remembered, and clients choose them.
const LongestModel = 512

// The members that decide where a request goes, how it is answered, and what it may cost at the most. The relay and its
// upstream have to read the same in them, so each may stand once, at the top level and under its exact name: servers differ in
// which of two they take, and some take another case, or another letter that folds to one of these, for the same name.
const (
	nameModel = iota
	nameModels
	nameStream
	nameStreamOptions
	nameN
	nameMaxTokens
	nameMaxCompletionTokens
	nameMaxOutputTokens
	nameRoute
	nameFallbacks
	nameStreamFormat

	exactNames
)

var exactly = [exactNames][]byte{
	[]byte("model"), []byte("models"), []byte("stream"), []byte("stream_options"), []byte("n"), []byte("max_tokens"),
	[]byte("max_completion_tokens"), []byte("max_output_tokens"), []byte("route"), []byte("fallbacks"),
	[]byte("stream_format"),
}

// longestFold is how many bytes a key may have that folds to one of them: no letter folds to one of more than three bytes.
const longestFold = 3 * len("max_completion_tokens")

// nameOf is which of the exact names a key folds to; -1: none.
func nameOf(key []byte) int {
	if len(key) > longestFold {
		return -1
	}
	if name, ok := exactName(key); ok {
		return name
	}
	plain := true
	for _, c := range key {
		plain = plain && c < utf8.RuneSelf
	}
	for i, name := range exactly {
		// What folds to one of them and has no letter of more than a byte is as long as it is: nearly all keys are none at a glance.
		if len(key) == len(name) || !plain && len(key) > len(name) {
			if bytes.EqualFold(key, name) {
				return i
			}
		}
	}
	return -1
}

// exactName is nameOf for who writes a name as it is, as nearly everybody does. The commonest key of all is none: it has no name's
// length and no letter of more than a byte.
func exactName(key []byte) (name int, ok bool) {
	switch string(key) {
	case "messages", "temperature":
		return -1, true
	case "model":
		return nameModel, true
	case "stream":
		return nameStream, true
	case "stream_options":
		return nameStreamOptions, true
	case "max_tokens":
		return nameMaxTokens, true
	case "max_completion_tokens":
		return nameMaxCompletionTokens, true
	}
	return 0, false
}

// reader finds, for a call, the few things that the relay has to know of a request.
type reader struct {
	call  *lane.Call
	body  []byte
	at    [exactNames]int // where the value of the first one begins; 0: there was none
	wrong *outcome.Refusal
	named bool // the model is a string
	flag  bool // stream is a boolean, or null

	events bool // stream_format asks for events
	detours
}

// detours are members by which an upstream may be asked for other models than the one that the relay knows of.
type detours struct{ models, route, fallbacks []byte }

// parseCall finds, for call, what the relay has to know of a request, and returns what else it may be asking for. A byte order mark
// is left out, since most upstreams would not take it.
func parseCall(call *lane.Call, endpoint wire.Endpoint, body []byte) (detours, *outcome.Refusal) {
	body = jsonscan.WithoutBOM(body)
	call.Endpoint, call.Body = endpoint, body
	r := reader{call: call, body: body, flag: true}
	err := jsonscan.Object(body, func(m jsonscan.Member) { r.read(m) })
	switch {
	case err != nil:
		return detours{}, refuseJSON(err, body)
	case r.wrong != nil:
		return detours{}, r.wrong
	case r.at[nameModel] == 0 && endpoint.Unnamed() != "":
		call.Model = endpoint.Unnamed()
	case !r.named || call.Model == "":
		return detours{}, refuseParam("model", "You must provide a `model`, as a string.")
	case len(call.Model) > LongestModel:
		return detours{}, refuseParam("model", "`model` is longer than "+strconv.Itoa(LongestModel)+" bytes, the longest name that this "+
			"relay knows.")
	case !r.flag:
		return detours{}, refuseParam("stream", "`stream` must be true or false.")
	}
	if endpoint == wire.AudioSpeech {
		call.Stream = r.events // it has no `stream`
	}
	call.Stream = call.Stream && endpoint.Streams()
	return r.detours, nil
}

// read takes in one member of the request.
func (r *reader) read(m jsonscan.Member) {
	name := nameOf(m.Key)
	if name < 0 {
		return
	}
	first := r.at[name]
	if first == 0 {
		r.at[name] = m.Start
	}
	if first != 0 || !bytes.Equal(m.Key, exactly[name]) {
		r.refuse(name, first, m.Start)
		return
	}
	switch name {
	case nameModel:
		r.call.Model, r.named = jsonscan.String(m.Value)
		r.call.ModelFrom, r.call.ModelTo = m.Start, m.End
	case nameStream:
		r.call.Stream = string(m.Value) == "true"
		r.flag = r.call.Stream || string(m.Value) == "false" || jsonscan.IsNull(m.Value)
	case nameStreamOptions:
		r.readOptions(m)
	case nameStreamFormat: // of speech: sse, or audio
		how, _ := jsonscan.String(m.Value)
		r.events = how == "sse"
	case nameN:
		n, _ := jsonscan.Int(m.Value)
		r.call.Choices = int32(min(max(n, 0), math.MaxInt32))
	case nameMaxTokens, nameMaxCompletionTokens, nameMaxOutputTokens:
		if most, ok := jsonscan.Int(m.Value); ok && most > 0 {
			r.call.MaxOutput = int32(min(most, math.MaxInt32))
		}
	case nameModels:
		r.models = m.Value
	case nameRoute:
		r.route = m.Value
	case nameFallbacks:
		r.fallbacks = m.Value
	}
}

// readOptions takes in what the client says of its stream.
func (r *reader) readOptions(m jsonscan.Member) {
	options := &r.call.Options
	options.From, options.To = m.Start, m.End
	_ = jsonscan.Object(m.Value, func(in jsonscan.Member) { // it is valid, if it is an object
		if string(in.Key) == "include_usage" {
			options.Usage = string(in.Value) == "true"
			options.UsageFrom, options.UsageTo = m.Start+in.Start, m.Start+in.End
		}
	})
}

// refuse turns a request away that spells a name oddly, or has it twice. first and this are where the values begin; first is 0 if there
// is only this one.
func (r *reader) refuse(name, first, this int) {
	if r.wrong != nil {
		return
	}
	exact, odd := string(exactly[name]), r.spelling(this)
	if first == 0 {
		r.wrong = refuseParam(exact, "The request's body has "+odd+", which some servers take for `"+exact+"` and others do not: write "+
			"`"+exact+"`, or leave it out.")
		return
	}
	r.wrong = refuseParam(exact, "The request's body has both "+r.spelling(first)+" and "+odd+", and servers differ in which of them they "+
		"take for `"+exact+"`: send one `"+exact+"`.")
}

// spelling is a key as it stands in the body, before the value that begins at start, with what is not ASCII made visible.
func (r *reader) spelling(start int) string {
	before := r.body[:start]
	end := bytes.LastIndexByte(before, '"')
	begin := bytes.LastIndexByte(before[:end], '"') // no key that folds to one of the names has a quote in it
	return strings.ReplaceAll(strconv.QuoteToASCII(string(before[begin+1:end])), `\\`, `\`)
}

// mostDetours is how many models a request may name beside its own. OpenRouter, which invented this, takes three.
const mostDetours = 16

// checkDetours refuses a request that would have its upstream answer with a model that its token may not use. What an upstream
// makes of these names the relay cannot know, so each has to be one that the caller could have asked for here.
func (a *Admission) checkDetours(d *detours) *outcome.Refusal {
	if d.models == nil && d.route == nil && d.fallbacks == nil {
		return nil // as nearly always
	}
	n := 0
	check := func(param string, value []byte) (refusal *outcome.Refusal) {
		if n++; n > mostDetours {
			return refuseParam(param, "`models` and `fallbacks` name more than "+strconv.Itoa(mostDetours)+" models.")
		}
		model, ok := jsonscan.String(value)
		if !ok || len(model) > LongestModel {
			return refuseDetour(param)
		}
		refusal = a.Directory.Channels.Check(&channel.SelectRequest{Caller: a.Select.Caller, Endpoint: a.End.Endpoint, Model: model})
		if refusal != nil {
			refusal.Err.Param = param
		}
		return refusal
	}
	for _, list := range [...]struct {
		param string
		value []byte
	}{{"models", d.models}, {"fallbacks", d.fallbacks}} {
		if refusal := eachDetour(list.param, list.value, check); refusal != nil {
			return refusal
		}
	}
	if a.Select.Caller.Allows != nil && !harmlessRoute(d.route) {
		return refuseParam("route", "This key may use certain models only, and this relay does not know what `route` would make of that: "+
			"leave it out, or send \"fallback\".")
	}
	return nil
}

// eachDetour checks each model that a list names, by itself or as the model of an object.
func eachDetour(param string, list []byte, check func(param string, model []byte) *outcome.Refusal) (refusal *outcome.Refusal) {
	if list == nil || jsonscan.IsNull(list) {
		return nil
	}
	note := func(r *outcome.Refusal) {
		if refusal == nil {
			refusal = r
		}
	}
	isList := jsonscan.Elements(list, func(element []byte) {
		if refusal != nil {
			return
		}
		if element[0] != '{' {
			note(check(param, element))
			return
		}
		models := 0
		_ = jsonscan.Object(element, func(m jsonscan.Member) { // it is valid: the whole body was read
			if nameOf(m.Key) == nameModel && refusal == nil {
				models++
				note(check(param, m.Value))
			}
		})
		if models == 0 {
			note(refuseDetour(param))
		}
	})
	if !isList {
		return refuseDetour(param)
	}
	return refusal
}

func refuseDetour(param string) *outcome.Refusal {
	return refuseParam(param, "`"+param+"` must be a list of models, as strings or as objects with a `model`: this relay has to know "+
		"which ones a request asks for.")
}

// harmlessRoute reports whether a route leaves the choice to the models that the request names.
func harmlessRoute(route []byte) bool {
	if route == nil || jsonscan.IsNull(route) {
		return true
	}
	how, _ := jsonscan.String(route)
	return how == "fallback" || how == "sort"
}
