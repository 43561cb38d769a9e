package exchange

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/jsonscan"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/provider"
	"one-api/relay/upstream"
	"one-api/relay/wire"
)

// Checked is what came of a question that an operator has asked of a channel, with one of its keys.
type Checked struct {
	Asked     bool // false: it has nothing to be asked for
	Reachable bool
	// Accepted: it takes the key. Certain: it said so, or that it does not.
	Accepted, Certain bool
	Models            int // on its list; -1: it was not asked for one
	Took              time.Duration
	Detail            string // what is wrong, or was not asked; plain words, free of secrets
}

// Good reports whether nothing is known to be wrong.
func (p *Checked) Good() bool { return !p.Asked || p.Reachable && (p.Accepted || !p.Certain) }

// CheckList asks a channel's upstream for the list of its models.
func (d *Door) CheckList(ctx context.Context, c *channel.Channel, k *breaker.Key) (p Checked) {
	p.Models = -1
	if c.Asks == nil {
		p.Detail = "it has no list of models: --probe=call asks for one token"
		return p
	}
	began := time.Now()
	asked := d.probe(ctx, c, k)
	if asked.Failure == nil {
		p.Models = len(asked.Models)
	}
	p.judge(asked.Failure, began)
	return p
}

// CheckCall asks a channel's upstream for one token of a model.
func (d *Door) CheckCall(ctx context.Context, c *channel.Channel, k *breaker.Key, model string) (p Checked) {
	p.Models = -1
	call := Probing(c.Lanes, c.Of.QuirksAt(c.Official), model)
	if call == nil {
		p.Detail = "no model of it is named that could be asked for a token: list one in models"
		return p
	}
	began := time.Now()
	x := &Exchange{Slot: c.Question(k, began), door: d, client: ctx}
	x.tie()
	x.hold.canceler.watch()
	defer func() {
		x.unspread()
		x.hold.release(breaker.Now())
	}()
	x.hold.clock.limitTo(began.Add(questionTimeout), outcome.HeaderTimeout)
	failure := x.Send(call) //nolint:contextcheck // no client, so no trace to continue
	if failure == nil {
		failure = x.Relay(nobody{}) //nolint:contextcheck // as above; a web page has a good status too
	}
	p.judge(failure, began)
	if p.Accepted {
		p.Detail = "a token of " + model
	}
	return p
}

// nobody is the client of an answer that is only read.
type nobody struct{}

func (nobody) Whole([]byte) error { return nil }

func (nobody) Hold([]byte) (committed bool, err error) { return false, nil }

func (nobody) Write([]byte) error { return nil }

func (nobody) Flush() error { return nil }

// judge says what a failure says of reach and key.
func (p *Checked) judge(f *outcome.Failure, began time.Time) {
	p.Asked, p.Took = true, time.Since(began)
	if f == nil {
		p.Reachable, p.Accepted, p.Certain = true, true, true
		return
	}
	p.Detail = f.Detail
	switch f.Outcome {
	case outcome.UpstreamStatus, outcome.UpstreamErrorEvent, outcome.UpstreamMalformed, outcome.Rejected:
		p.Reachable = f.Class != outcome.ClassMisplaced && f.Outcome != outcome.UpstreamMalformed
		p.Certain = f.IsOfTheKey()
		p.Accepted = f.Class == outcome.ClassRequest || f.Class == outcome.ClassKeyLimited
		if p.Certain || f.Outcome == outcome.UpstreamStatus {
			p.Detail = fmt.Sprintf("%s %s", f.ErrorType(), f.Detail)
		}
	case outcome.ClientGone:
		p.Detail = "stopped before it had answered"
	case outcome.HeaderTimeout: // whose clock is the question's, and none that is configured
		p.Detail = fmt.Sprintf("no whole answer within %s, which is what is waited for one here", questionTimeout)
	default:
		if p.Detail == "" {
			p.Detail = f.Outcome.String()
		}
	}
}

// Probing is a call for one token, at the first endpoint that a channel has a lane to; nil: it has none, or no model.
func Probing(lanes lane.Lanes, quirks *provider.Quirks, model string) *lane.Call {
	if model == "" {
		return nil
	}
	limit := "max_tokens"
	if quirks.MaxCompletionTokens {
		limit = "max_completion_tokens"
	}
	for _, ask := range []struct {
		at   wire.Endpoint
		body string
	}{
		{wire.ChatCompletions, `,"` + limit + `":1,"messages":[{"role":"user","content":"Hi"}]}`},
		{wire.Messages, `,"max_tokens":1,"messages":[{"role":"user","content":"Hi"}]}`},
		{wire.Embeddings, `,"input":"Hi"}`},
		{wire.Rerank, `,"query":"Hi","documents":["Hi"]}`},
	} {
		if lanes[ask.at] == nil {
			continue
		}
		name := string(jsonscan.AppendString(nil, model))
		const before = `{"model":`
		return &lane.Call{
			RequestID: "probe", Endpoint: ask.at, Model: model, Body: []byte(before + name + ask.body), Header: http.Header{},
			ModelFrom: len(before), ModelTo: len(before) + len(name),
		}
	}
	return nil
}

// GoesTo is where a call to a channel of a type goes, method and address, or its base URL if there is none that the relay could make by
// itself.
func GoesTo(c *config.Channel, of *channel.Type) string {
	addresses, lanes, quirks := upstream.AddressesOf(c.BaseURL), of.Lanes(c), of.QuirksAt(c.Official)
	model := cmp.Or(CheckModel(c, &of.Provider), "MODEL")
	call := Probing(lanes, quirks, model)
	if call == nil {
		return c.BaseURL.String()
	}
	target := lane.Destination{Model: model, Official: c.Official, Quirks: quirks}
	if mapped, is := c.ModelMapping[model]; is {
		target.Model = mapped
	}
	request, err := lanes[call.Endpoint].Request(call, target)
	if err != nil {
		return c.BaseURL.String()
	}
	return cmp.Or(request.Method, http.MethodPost) + " " + addresses.Of(request.Path, request.Query).URL().String()
}

// CheckModel is a model that a channel can be asked for a token of; empty: none is named.
func CheckModel(c *config.Channel, of *provider.Provider) string {
	if len(of.WellKnown) > 0 && slices.Equal(c.Models, of.Models) { // of the families that it has, of which nobody has said more
		return of.WellKnown[0]
	}
	for _, model := range c.Models {
		if !strings.ContainsAny(model, "*?") {
			return model
		}
	}
	if mapped := slices.Sorted(maps.Keys(c.ModelMapping)); len(mapped) > 0 {
		return mapped[0]
	}
	if c.Official && len(of.WellKnown) > 0 {
		return of.WellKnown[0]
	}
	return ""
}
