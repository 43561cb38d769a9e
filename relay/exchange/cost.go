package exchange

import (
	"bytes"
	"math"
	"net/http"
	"sync"
	"time"

	"one-api/relay/format"
	"one-api/relay/outcome"
	"one-api/relay/price"
	"one-api/relay/record"
	"one-api/relay/wire"
)

// What an attempt costs is worked out when it has ended, however it did, and before anybody is told: from what the provider counted or,
// if it has not come to that, from what was sent and what was received.

// counted is what an answer says of itself beside its usage, and how much of it has come.
type counted struct {
	text  uint32 // bytes of what was said; for speech, how many characters are to be spoken
	model uint16 // that answers, as a number of Door.names; 0 if it is the one that was asked for, or not known
	looks uint8  // events in which it was looked for, or found
	says  how
}

// how is in what way an answer was made, as far as that changes the price: bits of a service tier, and others.
type how uint8

const (
	inTier how = 3      // the bits of a wire.Tier
	inFast how = 1 << 2 // Anthropic's fast mode
	inUS   how = 1 << 3 // and its inference in one place
)

// hear counts bytes of what was said.
func (c *counted) hear(n int) { c.text = uint32(min(uint64(c.text)+uint64(max(0, n)), math.MaxUint32)) }

// mostLooks is in how many events of a stream the name of the model is looked for, and found stands for one that was.
const mostLooks, found = 16, 255

// noteSent notes how much a call wants to be spoken: its body is gone when that is known to have been done.
func (x *Exchange) noteSent() {
	if x.call.Endpoint == wire.AudioSpeech {
		x.counted.hear(format.CharactersOf(x.call.Body, "input"))
	}
}

// hears notes what an event says. content: it carries a part of the answer; said: so many bytes of it, 0 if nobody has counted them.
func (x *Exchange) hears(data []byte, content bool, said int) {
	c := &x.counted
	switch {
	case !content:
		x.looks(data)
	case x.call.Endpoint.Media():
	case said > 0:
		c.hear(said)
	default:
		c.hear(format.Spoken(data))
	}
	if content && c.looks < mostLooks {
		x.looks(data)
	}
}

// The members that are looked for, and the byte of each by which it is. Inside a string their quotes would be escaped.
var (
	modelKey   = keyed{`"model"`, 1}
	versionKey = keyed{`"modelVersion"`, len(`"model`)}
	tierKey    = keyed{`"service_tier"`, len(`"service`)}
	speedKey   = keyed{`"speed"`, 0}
	geoOf      = keyed{`"inference_geo"`, len(`"inference`)}
)

// keyed is a key with its quotes, and the place of a byte that it has once and texts have little of, or of its first.
type keyed struct {
	text string
	rare int
}

// looks finds out which model answers, and in what way that changes the price.
func (x *Exchange) looks(data []byte) {
	c := &x.counted
	if c.looks < mostLooks {
		c.looks++
		model := stringBehind(data, modelKey)
		if model == nil {
			model = stringBehind(data, versionKey)
		}
		if len(model) > 0 && len(model) <= longestModel {
			c.looks = found
			if string(model) != x.Channel.UpstreamModel(x.call.Model) {
				c.model = x.door.names.of(model, x.Channel.Redact.Text)
			}
		}
	}
	if tier := stringBehind(data, tierKey); tier != nil {
		c.says = c.says&^inTier | how(wire.TierOf(tier)) // the last one counts: what was asked for is repeated before it is known what there was
	}
	if x.Channel.Of.Type != "openai" {
		if string(stringBehind(data, speedKey)) == "fast" {
			c.says |= inFast
		}
		if string(stringBehind(data, geoOf)) == "us" {
			c.says |= inUS
		}
	}
}

// longestModel is how long the name of a model may be.
const longestModel = 200

// stringBehind is the string that stands behind a key in JSON, without its quotes; nil: there is none, or it has escapes. bytes.Index
// compares byte for byte if it is not lucky, and took twice as long.
func stringBehind(data []byte, key keyed) []byte {
	for {
		at := bytes.IndexByte(data, key.text[key.rare])
		if at < 0 {
			return nil
		}
		begin, end := at-key.rare, at-key.rare+len(key.text)
		if begin < 0 || end > len(data) || string(data[begin:end]) != key.text {
			data = data[at+1:]
			continue
		}
		data = data[end:]
		rest := behindSpace(data)
		if len(rest) == 0 || rest[0] != ':' {
			continue
		}
		if rest = behindSpace(rest[1:]); len(rest) == 0 || rest[0] != '"' {
			continue
		}
		rest = rest[1:]
		for i, c := range rest[:min(len(rest), longestModel+1)] {
			switch c {
			case '"':
				return rest[:i]
			case '\\':
				return nil
			}
		}
		return nil
	}
}

// behindSpace is what follows the white space that a text begins with.
func behindSpace(text []byte) []byte {
	for len(text) > 0 && (text[0] == ' ' || text[0] == '\t' || text[0] == '\r' || text[0] == '\n') {
		text = text[1:]
	}
	return text
}

// counts says what an attempt cost, and where the figures are from.
func (x *Exchange) counts(a *record.Attempt) {
	a.Cost.Priced = true // of nothing
	if x.call == nil || !a.Sent || !a.Endpoint.Costs() {
		a.Usage = wire.Usage{}
		return
	}
	a.Answered = x.door.names.name(x.counted.model)
	x.estimates(a)
	if a.Cost.Counted == record.CountedByNobody && !x.mayHaveCost(a) {
		return
	}
	u := &a.Usage
	says := x.counted.says
	u.Tier, u.Fast, u.InUS = wire.Tier(says&inTier), says&inFast != 0, says&inUS != 0
	a.Tier = u.Tier.String()
	a.Cost.Said, a.Cost.IsSaid = u.Said, u.SaysCost
	x.prices(a)
}

// mayHaveCost reports whether a call may have cost something although nothing has been counted: it was answered.
func (x *Exchange) mayHaveCost(a *record.Attempt) bool {
	return a.Failure == nil && a.Endpoint != wire.Moderate && !a.Endpoint.Tunnels()
}

// estimates fills in what the provider has not counted.
func (x *Exchange) estimates(a *record.Attempt) {
	u, c, cost := &a.Usage, &x.counted, &a.Cost
	complete := a.Failure == nil || x.translator != nil && a.Outcome != outcome.Panic && x.complete()
	switch {
	case u.Counts() && (complete || a.Endpoint.Tunnels()):
		cost.Counted = record.CountedByProvider
	case a.Status < http.StatusOK || a.Status >= http.StatusMultipleChoices || a.Endpoint.Tunnels():
		return // nothing was answered
	case !complete && x.events == 0 && c.text == 0 && !u.Counts() && !x.gaveUp(a) && !x.cutOff(a):
		return // an error in the place of an answer
	case a.Endpoint.Media():
		if u.Counts() {
			cost.Counted = record.CountedByEstimate
		}
	default:
		x.estimateText(a)
	}
	if complete {
		x.countsPieces(a)
	}
}

// countsPieces counts what is not paid for by the token: pictures and what is spoken, as they were asked for.
func (x *Exchange) countsPieces(a *record.Attempt) {
	u, cost := &a.Usage, &a.Cost
	switch a.Endpoint {
	case wire.AudioSpeech:
		u.Characters = int64(x.counted.text)
	case wire.ImagesGenerate, wire.ImagesEdit, wire.ImagesVary:
		u.Images = max(1, int64(x.call.Choices))
	default:
		return
	}
	if cost.Counted == record.CountedByNobody {
		cost.Counted = record.CountedByEstimate
	}
}

// gaveUp reports whether it was not the upstream's fault that no more came of an answer.
func (x *Exchange) gaveUp(a *record.Attempt) bool {
	switch a.Outcome {
	case outcome.ClientGone, outcome.ClientStalled, outcome.OperatorEnded, outcome.Shutdown, outcome.FirstTokenTimeout, outcome.IdleTimeout:
		return true
	default:
		return false
	}
}

// cutOff reports whether the upstream was sending a whole answer when it broke: its provider has made that, and does not know that it did
// not come.
func (x *Exchange) cutOff(a *record.Attempt) bool {
	return !x.call.Stream && x.body.read > 0 && (a.Outcome == outcome.UpstreamReset || a.Outcome == outcome.UpstreamTruncated)
}

// estimateText guesses tokens of text: those that were sent, unless the provider has said, and those that have come, unless it has said
// more. Most upstreams send a token at a time.
func (x *Exchange) estimateText(a *record.Attempt) {
	u, cost := &a.Usage, &a.Cost
	cost.Counted = record.CountedByEstimate
	if u.Input() == 0 {
		u.Uncached = int64(x.call.Input)
		cost.EstimatedInput = u.Uncached
	}
	text := int(x.counted.text)
	if !x.call.Stream && text == 0 {
		text = int(min(x.body.read, mostOfAnAnswer)) // an answer that did not come to its end was not read
	}
	if a.Endpoint.Embeds() {
		return
	}
	guess := max(format.TokensOf(text), int64(x.events))
	if output := u.Output(); guess > output {
		u.Text += guess - output
		cost.EstimatedOutput = guess - output
	}
}

// mostOfAnAnswer is how many bytes of an answer that is not a stream are taken for text.
const mostOfAnAnswer = 1 << 20

// prices looks up what that costs.
func (x *Exchange) prices(a *record.Attempt) {
	cost := &a.Cost
	cost.Priced = false
	if x.door.options.Prices == nil {
		return
	}
	book := x.door.options.Prices()
	of, groups := &x.Channel.Channel, x.groups()
	rule, known := book.Find(of, price.Models{Answered: a.Answered, Asked: a.Asked, Alias: a.Model}, a.Began.Add(a.Duration))
	if known {
		amounts := book.Cost(&rule, of, groups, &a.Usage)
		cost.Rule, cost.Date = rule.Name, rule.Date
		cost.Cost, cost.Charge, cost.Priced = min(amounts.Cost, wire.MostCost), min(amounts.Charge, wire.MostCost), amounts.Known
		cost.Listed, cost.IsListed = cost.Cost, amounts.Known
	}
	if cost.IsSaid && x.Channel.Of.SaysCost && (!known || !rule.Own()) {
		cost.Cost, cost.Charge, cost.Priced = cost.Said, min(book.Marked(cost.Said, of, groups), wire.MostCost), true
		cost.Counted = record.CountedByProviderCost
	}
}

// groups are those of the client's token; nil: all.
func (x *Exchange) groups() []string {
	if x.call.Token == nil {
		return nil
	}
	return x.call.Token.Groups
}

// showCost has a whole answer say what it is charged, to a token that wants to be told and if a price is known.
func (x *Exchange) showCost(client any) {
	if x.call.Token == nil || !x.call.Token.ShowCost {
		return
	}
	shows, ok := client.(interface{ SayCost(nano int64) })
	if !ok {
		return
	}
	a := record.Attempt{Began: x.Began, Duration: time.Since(x.Began)}
	if x.attempt(&a, nil); a.Cost.Priced {
		shows.SayCost(a.Cost.Charge)
	}
}

// names keeps the names of models that answers have, so that each is made once, and gives them numbers from 1 on.
type names struct {
	mu    sync.RWMutex
	known map[string]uint16
	all   []string
}

// mostNames is how many are kept: they come from upstreams. One that comes when there are so many counts as not known.
const mostNames = 4096

// of is the number of a name, which is kept as it may be shown.
func (n *names) of(model []byte, redacted func(string) string) uint16 {
	n.mu.RLock()
	number, ok := n.known[string(model)]
	full := len(n.all) >= mostNames
	n.mu.RUnlock()
	if ok || full {
		return number
	}
	shown := redacted(string(model))
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil {
		n.known = map[string]uint16{}
	}
	if number = n.known[string(model)]; number == 0 && len(n.all) < mostNames {
		n.all = append(n.all, shown)
		number = uint16(len(n.all)) //nolint:gosec // mostNames at the most
		n.known[string(model)] = number
	}
	return number
}

// name is the one of a number.
func (n *names) name(number uint16) string {
	if number == 0 {
		return ""
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.all[number-1]
}
