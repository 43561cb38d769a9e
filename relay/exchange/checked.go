package exchange

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
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
	Models            int    // on its list; -1: it was not asked for one
	Model             string // that it was asked for a token of; empty: none
	Took              time.Duration
	Detail            string // what is wrong, or was not asked; plain words, free of secrets

	did      bool // what it was asked for, or it has nothing against the key if that was a list
	gaveNone bool // it was asked for a token and gave none, which is not only for the time being, or for what was asked
}

// Fails reports whether something is wrong: nobody is there, the key is refused, or a call fails.
func (p *Checked) Fails() bool {
	return p.Asked && (!p.Reachable || p.Certain && !p.Accepted || p.gaveNone)
}

// Works reports whether it was asked and has nothing against the key. What neither works nor fails is not known.
func (p *Checked) Works() bool {
	return p.Asked && p.did && !p.Fails()
}

// CheckList asks a channel's upstream for the list of its models.
func (d *Door) CheckList(ctx context.Context, c *channel.Channel, k *breaker.Key) (p Checked) {
	p.Models = -1
	if c.Asks == nil {
		p.Detail = "it has no list of models: --probe=call asks for one token"
		return p
	}
	began := time.Now()
	p.judgeList(d.probe(ctx, c, k), began)
	p.did = p.Accepted
	return p
}

func (p *Checked) judgeList(asked Probed, began time.Time) {
	if asked.Failure == nil {
		p.Models = len(asked.Models)
	}
	p.judge(asked.Failure, asked.Began, began)
}

// CheckCall asks a channel's upstream for one token of a model. wanted is one that the operator names; one of the channel's own is asked
// for if it is empty, or not the channel's. If the channel names none, it is one of the upstream's list.
func (d *Door) CheckCall(ctx context.Context, c *channel.Channel, k *breaker.Key, wanted string) (p Checked) {
	p.Models = -1
	began := time.Now()
	models := []string{wanted}
	if wanted == "" || !covers(&c.Channel, wanted) {
		models = []string{CheckModel(&c.Channel, c.Of)}
	}
	if models[0] == "" && c.Asks != nil && !c.Of.ListsMore {
		asked := d.probe(ctx, c, k)
		if p.judgeList(asked, began); asked.Failure != nil {
			p.Detail = "it names no model, and was asked for its list: " + p.Detail
			return p
		}
		models = worthAsking(c, asked.Models)
	}
	p.Detail = "no model of it is named that could be asked for a token: list one in models, or name it with --probe=call:MODEL"
	for _, model := range models {
		call := Probing(c.Lanes, c.Of.QuirksAt(c.Official), model)
		if call == nil {
			continue
		}
		p.Model = model
		failure, came := d.token(ctx, c, k, call)
		p.judge(failure, came, began)
		p.did = failure == nil
		p.gaveNone = failure != nil && !p.Accepted && !ofTheMoment(failure)
		if failure == nil {
			p.Detail = "a token of " + p.Model
		}
		if failure == nil || failure.Class != outcome.ClassElsewhere && failure.Class != outcome.ClassRequest {
			return p
		}
	}
	return p
}

// ofTheMoment reports whether a failure says that a model is asked for too often, and nothing of the channel.
func ofTheMoment(f *outcome.Failure) bool {
	return f.Class == outcome.ClassModelLimited && (f.Outcome == outcome.UpstreamStatus || f.Outcome == outcome.UpstreamErrorEvent)
}

// token makes a call; came: the header of a good answer did.
func (d *Door) token(ctx context.Context, c *channel.Channel, k *breaker.Key, call *lane.Call) (failure *outcome.Failure, came bool) {
	x, end := d.question(ctx, c, k, time.Now())
	defer end()
	if failure = x.Send(call); failure != nil { //nolint:contextcheck // no client, so no trace to continue
		return failure, false
	}
	return x.Relay(nobody{}), true //nolint:contextcheck // as above; a web page has a good status too
}

// nobody is the client of an answer that is only read.
type nobody struct{}

func (nobody) Whole([]byte) error { return nil }

func (nobody) Hold([]byte) (committed bool, err error) { return false, nil }

func (nobody) Write([]byte) error { return nil }

func (nobody) Flush() error { return nil }

// judge says what a failure says of reach and key. came: a good answer had begun.
func (p *Checked) judge(f *outcome.Failure, came bool, began time.Time) {
	p.Asked, p.Took = true, time.Since(began)
	p.Reachable, p.Accepted, p.Certain = true, f == nil, f == nil
	if f == nil {
		return
	}
	p.Detail = cmp.Or(f.Detail, f.Outcome.String())
	switch f.Outcome {
	case outcome.UpstreamStatus, outcome.UpstreamErrorEvent, outcome.UpstreamMalformed, outcome.Rejected:
		p.Reachable = f.Class != outcome.ClassMisplaced && !f.IsPage() && (came || f.Outcome != outcome.UpstreamMalformed)
		p.Certain = f.IsOfTheKey()
		p.Accepted = f.Class == outcome.ClassRequest || f.Class == outcome.ClassKeyLimited
		if p.Certain || f.Outcome == outcome.UpstreamStatus {
			p.Detail = fmt.Sprintf("%s %s", f.ErrorType(), f.Detail)
		}
		return
	case outcome.ClientGone:
		p.Detail = "stopped before it had answered"
	case outcome.HeaderTimeout:
		if p.Took < questionTimeout { // the channel's own clock, which it names
			break
		}
		p.Detail = fmt.Sprintf("no whole answer within %s, which is what is waited for one here", questionTimeout)
	default:
	}
	if p.Reachable = came; came {
		p.Detail = "a good answer began and did not come to its end: " + p.Detail
	}
}

// What a name says of what a model is for. The first two are asked for a vector and for an order; nothing that is a token is to be had of
// the last.
var (
	embeds    = regexp.MustCompile(`(?i)embed|(?:^|/)(?:bge|gte|e5)-`)
	reranks   = regexp.MustCompile(`(?i)rerank`)
	tokenless = regexp.MustCompile(`(?i)whisper|\btts\b|speech|audio|transcri|dall-e|image|flux|diffusion|\bveo\b|\bsora\b|video|moderation|realtime|guard|` +
		`\blive\b|\baqa\b|\bocr\b|cogview|davinci|babbage|instruct$`)
)

// mostAsked is how many models of an upstream's list are asked for a token before it is said that none gives one.
const mostAsked = 3

// worthAsking are those models of an upstream's list that a channel has and that most likely give a token: the well known ones first.
func worthAsking(c *channel.Channel, listed []string) (models []string) {
	for _, of := range [][]string{c.Of.WellKnown, listed} {
		for _, name := range of {
			if len(models) < mostAsked && givesText(name) && covers(&c.Channel, name) && slices.Contains(listed, name) &&
				!slices.Contains(models, name) {
				models = append(models, name)
			}
		}
	}
	for _, name := range listed { // of whoever has nothing else
		if len(models) == 0 && givesToken(name) && covers(&c.Channel, name) {
			models = append(models, name)
		}
	}
	return models
}

func givesToken(model string) bool { return !tokenless.MatchString(model) }

func givesText(model string) bool {
	return givesToken(model) && !embeds.MatchString(model) && !reranks.MatchString(model)
}

// covers reports whether a channel has a model.
func covers(c *config.Channel, model string) bool {
	_, mapped := c.ModelMapping[model]
	return mapped || slices.ContainsFunc(c.Models, func(pattern string) bool { return config.Match(pattern, model) })
}

// endpointOf is where a model is asked for a token, as far as its name says it.
func endpointOf(model string) wire.Endpoint {
	switch {
	case reranks.MatchString(model):
		return wire.Rerank
	case embeds.MatchString(model):
		return wire.Embeddings
	}
	return wire.ChatCompletions
}

// Probing is a call for one token, at the endpoint that the model's name speaks of or the first one that a channel has a lane to; nil: it
// has none, or no model.
func Probing(lanes lane.Lanes, quirks *provider.Quirks, model string) *lane.Call {
	if model == "" || !givesToken(model) {
		return nil
	}
	limit := "max_tokens"
	if quirks.MaxCompletionTokens {
		limit = "max_completion_tokens"
	}
	first := endpointOf(model)
	asks := []struct {
		at   wire.Endpoint
		body string
	}{
		{wire.ChatCompletions, `,"` + limit + `":1,"messages":[{"role":"user","content":"Hi"}]}`},
		{wire.Messages, `,"max_tokens":1,"messages":[{"role":"user","content":"Hi"}]}`},
		{wire.Embeddings, `,"input":"Hi"}`},
		{wire.Rerank, `,"query":"Hi","documents":["Hi"]}`},
	}
	for i, ask := range asks {
		if ask.at == first {
			asks[0], asks[i] = ask, asks[0]
		}
	}
	for _, ask := range asks {
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
// itself. model is what is asked; empty: one that stands for all.
func GoesTo(c *config.Channel, of *channel.Type, model string) string {
	addresses, lanes, quirks := upstream.AddressesOf(c.BaseURL), of.Lanes(c), of.QuirksAt(c.Official)
	model = cmp.Or(model, CheckModel(c, &of.Provider), "MODEL")
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
	named := slices.DeleteFunc(slices.Clone(c.Models), func(model string) bool { return strings.ContainsAny(model, "*?") })
	named = append(named, slices.Sorted(maps.Keys(c.ModelMapping))...)
	if c.Official {
		named = append(named, slices.DeleteFunc(slices.Clone(of.WellKnown), func(model string) bool { return !covers(c, model) })...)
	}
	for _, fits := range []func(string) bool{givesText, givesToken} {
		if i := slices.IndexFunc(named, fits); i >= 0 {
			return named[i]
		}
	}
	return ""
}
