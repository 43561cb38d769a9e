package inflight

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/exchange"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/provider"
	"one-api/relay/record"
	"one-api/relay/wire"
)

// untouched is a lane on which everything stays as it is.
type untouched struct{}

func (u untouched) lanes(*config.Channel) (all lane.Lanes) {
	for endpoint := range all {
		all[endpoint] = u
	}
	return all
}

func (untouched) Converts() bool { return false }

func (untouched) Request(call *lane.Call, _ lane.Destination) (lane.Outgoing, error) {
	return lane.Outgoing{Path: call.Endpoint.Path(), Header: http.Header{}, Body: call.Body}, nil
}

func (untouched) Answer(*lane.Call, *lane.Converted) lane.Translator { return nil }

func TestAnAttemptIsToldOfItsClientsLeavingWhetherItHasBegunByThenOrNot(t *testing.T) {
	asked := make(chan struct{}, 1)
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer upstream.Close()
	at, err := url.Parse(upstream.URL + "/v1")
	require.NoError(t, err)
	p := channel.NewPool(channel.PoolOptions{
		Providers: map[string]channel.Type{"plain": {Lanes: untouched{}.lanes, Provider: provider.Provider{Name: "plain"}}}, Log: slog.New(slog.DiscardHandler),
	})
	defer p.Close()
	p.Apply([]config.Channel{{
		Name: "silent", Type: "plain", BaseURL: at, Keys: []string{"key"}, Models: []string{"m"}, Groups: []string{"default"}, Weight: 1,
		Timeouts: config.Timeouts{Connect: time.Minute},
	}})
	door := exchange.NewDoor(exchange.DoorOptions{Log: slog.New(slog.DiscardHandler)})
	for name, tell := range map[string]func(e *Entry, x *exchange.Exchange){
		"it has begun":   func(e *Entry, x *exchange.Exchange) { e.Begin(x); e.ClientLeaves() },
		"it begins then": func(e *Entry, x *exchange.Exchange) { e.ClientLeaves(); e.Begin(x) },
	} {
		t.Run(name, func(t *testing.T) {
			slot, refusal := p.Set().Begin(&channel.SelectRequest{Caller: channel.Caller{AllGroups: true}, Endpoint: wire.ChatCompletions, Model: "m"})
			require.Nil(t, refusal)
			ctx, leave := context.WithCancel(t.Context())
			x := door.NewUnwatched(ctx, slot)
			var e Entry
			e.Watch()
			tell(&e, x)
			go func() {
				<-asked
				leave() // net/http ends the context once the connection has told of it
			}()
			failure := x.Send(&lane.Call{Endpoint: wire.ChatCompletions, Model: "m", Body: []byte(`{"model":"m"}`)})
			require.NotNil(t, failure)
			require.Equal(t, outcome.ClientGone, failure.Outcome)
			e.Done()
			var end record.End
			x.End(&end, failure, nil)
			require.Zero(t, p.InFlight())
		})
	}
}
