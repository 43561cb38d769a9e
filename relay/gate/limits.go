package gate

import (
	"net/http"
	"strconv"
	"time"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/jsonscan"
	"one-api/relay/lane"
	"one-api/relay/limit"
	"one-api/relay/outcome"
	"one-api/relay/price"
	"one-api/relay/wire"
	"one-api/telemetry"
)

// limits holds clients to what they may ask for and spend. What a call may take is reserved here and settled when it has ended.
type limits struct{ metrics *telemetry.Metrics }

// Enter refuses what is over a limit, and models without a price to who may not use them.
func (l *limits) Enter(a *Admission) *outcome.Refusal {
	if !a.End.Endpoint.Costs() {
		return nil
	}
	bounds := a.Directory.Limits.Of(a.Key.Name)
	unpriced := a.Key.Of.Unpriced
	if bounds == nil && unpriced != config.UnpricedRefuse {
		return nil // as nearly always
	}
	ask := a.ask(&a.Asked)
	if unpriced == config.UnpricedRefuse || unpriced == config.UnpricedUnsaid && bounds.Money {
		if rule, known := a.price(&a.Select, &a.Asked); !known {
			l.metrics.LimitRefused(limit.Unpriced)
			return outcome.RefuseUnpriced(a.Asked.Model)
		} else if bounds != nil && bounds.Money {
			ask.Price = rule
		}
	} else if bounds != nil && bounds.Money {
		ask.Price, _ = a.price(&a.Select, &a.Asked)
	}
	if bounds == nil {
		return nil
	}
	call, over := bounds.Enter(&ask)
	if over == nil {
		a.Reserved = call
		return nil
	}
	l.metrics.LimitRefused(over.Limit)
	return refuseOver(a.End.Endpoint.Format(), bounds, over)
}

// Exit settles what has not been settled.
func (*limits) Exit(a *Admission) { a.Settle() }

// Settle counts what a call that has ended has taken: what the provider counted, or what was guessed of it, at every channel that was
// asked. It comes before the ledger is told of the end, so that a budget that is read from the ledger has none of it twice.
func (a *Admission) Settle() {
	if a.Reserved == nil {
		return
	}
	var tokens, output, charge int64
	for i := range a.End.Attempts {
		of := &a.End.Attempts[i]
		tokens += of.Usage.Tokens()
		output = max(output, of.Usage.Output())
		charge += of.Cost.Charge
	}
	reserved := a.Reserved
	a.Reserved = nil
	reserved.Leave(tokens, output, charge)
}

// Admits reports whether the budgets allow the call to be made of another model, and if so reserves what that may take.
func (a *Admission) Admits(call *lane.Call, model string, want *channel.SelectRequest) bool {
	if a.Reserved == nil {
		return true
	}
	other := *call
	other.Model = model
	ask := a.ask(&other)
	ask.Price, _ = a.price(want, &other)
	return a.Reserved.Grow(&ask)
}

// ask is what a call may take.
func (a *Admission) ask(call *lane.Call) limit.Ask {
	ask := limit.Ask{
		ID: a.End.RequestID, Model: call.Model, Input: int64(call.Input), MaxOutput: int64(call.MaxOutput),
		Choices: int64(min(call.Choices, mostChoices)),
	}
	if ask.MaxOutput == 0 && call.Endpoint.Format() == wire.Gemini {
		if most, ok := jsonscan.Int(jsonscan.MemberOf(jsonscan.MemberOf(call.Body, "generationConfig"), "maxOutputTokens")); ok && most > 0 {
			ask.MaxOutput = most
		}
	}
	return ask
}

// mostChoices is how many answers a call is taken to ask for at the most.
const mostChoices = 128

// price is what a model costs at the dearest of the channels that may be asked. It reports false if no price is known at any of them.
func (a *Admission) price(of *channel.SelectRequest, call *lane.Call) (at func(input, output int64) int64, known bool) {
	now, groups := time.Now(), a.Key.Of.Groups
	a.Directory.Channels.Each(of, func(c *channel.Channel) {
		rule, ok := a.Directory.Prices.Find(&c.Channel, price.Models{Asked: c.UpstreamModel(call.Model), Alias: call.Model}, now)
		if !ok {
			return
		}
		before := at
		at, known = func(input, output int64) int64 {
			usage := wire.Usage{Uncached: input, Text: output, Images: pictures(call), Characters: 4 * spoken(call)}
			charge := a.Directory.Prices.Cost(&rule, &c.Channel, groups, &usage).Charge
			if before != nil {
				charge = max(charge, before(input, output))
			}
			return charge
		}, true
	})
	return at, known
}

// pictures is how many a call asks for.
func pictures(call *lane.Call) int64 {
	switch call.Endpoint {
	case wire.ImagesGenerate, wire.ImagesEdit, wire.ImagesVary:
		return max(1, int64(min(call.Choices, mostChoices)))
	default:
		return 0
	}
}

// spoken is what of a call is to be spoken, as far as that is guessed: in tokens of four characters.
func spoken(call *lane.Call) int64 {
	if call.Endpoint == wire.AudioSpeech {
		return int64(call.Input)
	}
	return 0
}

// refuseOver is what a client is told if its call would pass a limit.
func refuseOver(format wire.Format, bounds *limit.Bounds, over *limit.Over) *outcome.Refusal {
	if over.Limit == limit.Budget {
		return outcome.RefuseBudget(format, whose(over), over.Used < over.Most, over.Opens, over.Wait)
	}
	refusal := outcome.RefuseRate(whose(over), over.Limit, over.Used, over.Most, over.Wait)
	refusal.Err.Header = http.Header{}
	requests, tokens, reset, tokenReset := bounds.Left(over.Scope, over.Name)
	sayLeft(refusal.Err.Header, format, "requests", int64(over.Limits.RPM), requests, reset)
	sayLeft(refusal.Err.Header, format, "tokens", int64(over.Limits.TPM), tokens, tokenReset)
	return refusal
}

// whose says in words whose limit it is.
func whose(over *limit.Over) string {
	switch over.Scope {
	case limit.OfToken:
		return "this key"
	case limit.OfOwner:
		return "this key's owner"
	case limit.OfGroup:
		return "the group " + over.Name
	default:
		return "this relay"
	}
}

// sayLeft says in a header what remains of a limit a minute, in the names of who sets the format (OpenAI's for all but Anthropic's).
func sayLeft(header http.Header, format wire.Format, of string, most, left int64, reset time.Duration) {
	if left < 0 {
		return
	}
	if format == wire.Anthropic {
		prefix := "Anthropic-Ratelimit-" + http.CanonicalHeaderKey(of) + "-"
		header[prefix+"Limit"] = []string{strconv.FormatInt(most, 10)}
		header[prefix+"Remaining"] = []string{strconv.FormatInt(left, 10)}
		header[prefix+"Reset"] = []string{time.Now().Add(reset).UTC().Truncate(time.Second).Format(time.RFC3339)}
		return
	}
	of = http.CanonicalHeaderKey(of)
	header["X-Ratelimit-Limit-"+of] = []string{strconv.FormatInt(most, 10)}
	header["X-Ratelimit-Remaining-"+of] = []string{strconv.FormatInt(left, 10)}
	header["X-Ratelimit-Reset-"+of] = []string{reset.Round(time.Millisecond).String()}
}
