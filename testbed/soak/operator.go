package main

import (
	"context"
	"encoding/json"
	"fmt"
	"syscall"
)

// operator does to the relay what operators do, only more often: it reloads, and forgets what is
// held against the channels. Without the last, a channel that fails by design would soon be passed over, and the faults with it.
type operator struct {
	relay    *subject
	channels []string
	turns    int
}

// reloadEvery is how many turns pass between two reloads.
const reloadEvery = 40

func newOperator(ctx context.Context, relay *subject) (*operator, error) {
	o := &operator{relay: relay}
	snapshots, err := o.snapshots(ctx)
	for _, s := range snapshots {
		o.channels = append(o.channels, s.Name)
	}
	return o, err
}

// turn is one round.
func (o *operator) turn(ctx context.Context) {
	o.turns++
	if o.turns%reloadEvery == 0 {
		o.relay.process.Signal(syscall.SIGHUP)
	}
	for _, name := range o.channels {
		_ = o.relay.post(ctx, "/api/channel/"+name+"/enable") // a relay that no longer answers is found out by the sampler
	}
}

// snapshot is what the soak wants of a channel's.
type snapshot struct {
	Name         string  `json:"name"`
	LeakedBodies float64 `json:"leaked_bodies"`
}

func (o *operator) snapshots(ctx context.Context) (all []snapshot, err error) {
	text, err := o.relay.get(ctx, "/api/monitor/channels")
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("the relay has no channels")
	}
	return all, err
}
