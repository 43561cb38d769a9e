package lane

import (
	"net/http"
	"slices"

	"one-api/relay/config"
	"one-api/relay/wire"
)

// Models is the lane of an endpoint to a channel whose models do not all speak one format: the first rule that a model matches says which
// way leads to it.
type Models struct {
	Rules []ModelRule
	Some  bool // one of them has a way
}

// ModelRule is the way to some models.
type ModelRule struct {
	Models []string // globs
	Way    Lane     // nil if there is none to these models
}

// Of is ByModel's.
func (l Models) Of(model string) Lane {
	for _, rule := range l.Rules {
		if slices.ContainsFunc(rule.Models, func(pattern string) bool { return config.Match(pattern, model) }) {
			if rule.Way == nil {
				break
			}
			return rule.Way
		}
	}
	return unserved{}
}

// Converts is Lane's: some may.
func (l Models) Converts() bool { return true }

// Request is Lane's.
func (l Models) Request(call *Call, target Destination) (Outgoing, error) {
	return l.Of(target.Model).Request(call, target)
}

// Answer is Lane's. Nobody asks: an exchange has the lane to its model.
func (l Models) Answer(call *Call, sent *Converted) Translator {
	return l.Of(call.Model).Answer(call, sent)
}

// unserved is the way to a model that its maker does not have at an endpoint.
type unserved struct{}

func (unserved) Converts() bool { return false }

func (unserved) Request(call *Call, target Destination) (Outgoing, error) {
	return Outgoing{}, &wire.Error{
		Status: http.StatusNotFound, Type: "invalid_request_error", Code: "model_not_found", Param: "model",
		Message: "the model " + call.Model + " is not served at " + call.Endpoint.Path() + " by this channel",
	}
}

func (unserved) Answer(call *Call, _ *Converted) Translator { return clients[call.Endpoint].Inspect(0) }
