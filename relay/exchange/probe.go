package exchange

import (
	"context"
	"time"

	"one-api/relay/breaker"
	"one-api/relay/channel"
	"one-api/relay/outcome"
)

// Probed is what a channel's upstream answered to a question that an operator has asked.
type Probed struct {
	// Asked is false if the provider has no list of models, so that there is nothing to ask for without a call.
	Asked   bool
	Began   bool // a good answer did
	Models  []string
	Failure *outcome.Failure // nil: it answered as it should
	Took    time.Duration
}

// Probe asks a channel's upstream for its list of models, with any of its keys, and waits for the answer: ten seconds at most. It counts
// for nothing: not for the channel's state, and not for the keys'.
func (d *Door) Probe(ctx context.Context, c *channel.Channel) (p Probed) {
	return d.probe(ctx, c, c.AnyKey())
}

func (d *Door) probe(ctx context.Context, c *channel.Channel, k *breaker.Key) (p Probed) {
	if c.Asks == nil {
		return p
	}
	began := time.Now()
	p.Asked = true
	p.Failure = d.list(ctx, c, k, func(x *Exchange) (f *outcome.Failure) {
		p.Began = true
		p.Models, f = x.readListing()
		return f
	})
	p.Took = time.Since(began)
	return p
}
