package exchange

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/provider"
	"one-api/relay/record"
	"one-api/relay/wire"
)

// silent is a pool with one channel, whose upstream says nothing until it is hung up on. It tells of both.
func silent(t *testing.T) (p *channel.Pool, asked, hungUp <-chan struct{}) {
	came, left := make(chan struct{}, 9), make(chan struct{}, 9)
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		came <- struct{}{}
		<-r.Context().Done()
		left <- struct{}{}
	}))
	t.Cleanup(upstream.Close)
	at, err := url.Parse(upstream.URL + "/v1")
	require.NoError(t, err)
	p = channel.NewPool(channel.PoolOptions{
		Providers: map[string]channel.Type{"plain": {Lanes: untouched{}.lanes, Provider: provider.Provider{Name: "plain"}}}, Log: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(p.Close)
	p.Apply([]config.Channel{channelAt("silent", at)})
	return p, came, left
}

func TestAnExchangeThatIsToldOfItsClientsLeavingHangsUpAsOneThatSeesIt(t *testing.T) {
	for name, tells := range map[string]func(x *Exchange, leave context.CancelCauseFunc){
		"it sees it":                     func(_ *Exchange, leave context.CancelCauseFunc) { leave(context.Canceled) },
		"it is told":                     func(x *Exchange, leave context.CancelCauseFunc) { leave(context.Canceled); x.ClientLeaves() },
		"it is told before it is so":     func(x *Exchange, leave context.CancelCauseFunc) { x.ClientLeaves(); leave(context.Canceled) },
		"it is told more than once":      func(x *Exchange, leave context.CancelCauseFunc) { x.ClientLeaves(); x.ClientLeaves(); leave(nil) },
		"it is told that the relay ends": func(x *Exchange, leave context.CancelCauseFunc) { leave(outcome.ErrShutdown); x.ClientLeaves() },
	} {
		t.Run(name, func(t *testing.T) {
			p, asked, hungUp := silent(t)
			slot, refusal := p.Set().Begin(&channel.SelectRequest{Caller: channel.Caller{AllGroups: true}, Endpoint: wire.ChatCompletions, Model: "m"})
			require.Nil(t, refusal)
			ctx, leave := context.WithCancelCause(t.Context())
			d := NewDoor(DoorOptions{Log: slog.New(slog.DiscardHandler)})
			begin := d.NewUnwatched
			if name == "it sees it" {
				begin = d.New
			}
			x := begin(ctx, slot)
			go func() {
				<-asked
				tells(x, leave)
			}()
			failure := x.Send(&lane.Call{Endpoint: wire.ChatCompletions, Model: "m", Stream: true, Body: []byte(`{"model":"m"}`)})
			require.NotNil(t, failure)
			want := outcome.ClientGone
			if name == "it is told that the relay ends" {
				want = outcome.Shutdown
			}
			require.Equal(t, want, failure.Outcome)
			<-hungUp
			var end record.End
			x.End(&end, failure, nil)
			require.Zero(t, p.InFlight())
		})
	}
}
