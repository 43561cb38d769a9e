package exchange

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/provider"
	"one-api/relay/record"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// TestAForgottenExchangeIsClosedByTheSafetyNetAndCounted forgets what the only caller of Begin ends in a deferred call. The
// upstream would hold on for ever.
func TestAForgottenExchangeIsClosedByTheSafetyNetAndCounted(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		name := "HTTP 1.1"
		if http2 {
			name = "HTTP 2"
		}
		t.Run(name, func(t *testing.T) {
			released := make(chan struct{})
			upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = io.WriteString(w, "data: {}\n\n")
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
				close(released)
			}))
			upstream.EnableHTTP2 = http2
			upstream.StartTLS()
			defer upstream.Close()
			defer upstream.CloseClientConnections()
			at, err := url.Parse(upstream.URL + "/v1")
			require.NoError(t, err)
			log := &lines{}
			p := channel.NewPool(channel.PoolOptions{
				Providers: map[string]channel.Type{"plain": {Lanes: untouched{}.lanes, Provider: provider.Provider{Name: "plain"}}},
				Log:       slog.New(slog.NewTextHandler(log, nil)),
				TLS:       upstream.Client().Transport.(*http.Transport).TLSClientConfig,
			})
			defer p.Close()
			p.Apply([]config.Channel{channelAt("leaky", at)})
			c := p.Set().Get("leaky")

			forget(t, NewDoor(DoorOptions{Log: slog.New(slog.NewTextHandler(log, nil))}), p)
			require.Equal(t, int64(1), p.InFlight())
			require.Equal(t, int64(1), p.OpenBodies())

			require.Eventually(t, func() bool {
				runtime.GC()
				return c.Snapshot(time.Now()).LeakedBodies == 1
			}, 20*time.Second, time.Millisecond)
			<-released
			require.Eventually(t, func() bool { return strings.Contains(log.String(), "safety net") }, 20*time.Second, time.Millisecond)
			require.Contains(t, log.String(), "channel=leaky")
			require.Zero(t, p.InFlight())
			require.Zero(t, p.OpenBodies())
			s := c.Snapshot(time.Now())
			require.Zero(t, s.InFlight)
			require.Zero(t, s.OpenBodies)
			require.Zero(t, s.OldestInFlight)
			require.Equal(t, int64(1), s.LeakedBodies)
		})
	}
}

// TestAnExchangeThatWasEndedIsNotCountedAsForgotten collects the same garbage in good order.
func TestAnExchangeThatWasEndedIsNotCountedAsForgotten(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "data: {}\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer upstream.Close()
	at, err := url.Parse(upstream.URL + "/v1")
	require.NoError(t, err)
	p := channel.NewPool(channel.PoolOptions{
		Providers: map[string]channel.Type{"plain": {Lanes: untouched{}.lanes, Provider: provider.Provider{Name: "plain"}}}, Log: slog.New(slog.DiscardHandler),
	})
	defer p.Close()
	p.Apply([]config.Channel{channelAt("tidy", at)})
	collected := make(chan struct{})
	func() {
		x := begun(t, NewDoor(DoorOptions{Log: slog.New(slog.DiscardHandler)}), p)
		runtime.AddCleanup(x, func(c chan struct{}) { close(c) }, collected)
		var end record.End
		x.End(&end, outcome.Gone(), nil)
		x.End(&end, outcome.Gone(), nil) // again does nothing
	}()
	require.Eventually(t, func() bool {
		runtime.GC()
		select {
		case <-collected:
			return true
		default:
			return false
		}
	}, 20*time.Second, time.Millisecond)
	require.Zero(t, p.Set().Get("tidy").Snapshot(time.Now()).LeakedBodies)
	require.Zero(t, p.InFlight())
}

// forget opens an exchange and drops it.
//
//go:noinline
func forget(t *testing.T, d *Door, p *channel.Pool) { begun(t, d, p) }

// begun is an exchange whose answer's header has come.
func begun(t *testing.T, d *Door, p *channel.Pool) *Exchange {
	t.Helper()
	slot, refusal := p.Set().Begin(&channel.SelectRequest{Caller: channel.Caller{AllGroups: true}, Endpoint: wire.ChatCompletions, Model: "m"})
	require.Nil(t, refusal)
	x := d.New(context.Background(), slot)
	require.Nil(t, x.Send(&lane.Call{Endpoint: wire.ChatCompletions, Model: "m", Stream: true, Body: []byte(`{"model":"m"}`)}))
	return x
}

// channelAt is a channel whose upstream a test plays.
func channelAt(name string, at *url.URL) config.Channel {
	return config.Channel{
		Name: name, Type: "plain", BaseURL: at, Keys: []string{"key-of-" + name}, Models: []string{"m"}, Groups: []string{"default"}, Weight: 1,
		Timeouts: config.Timeouts{Connect: time.Second},
	}
}

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

func (untouched) Answer(*lane.Call, *lane.Converted) lane.Translator { return untouchedAnswer{} }

type untouchedAnswer struct{}

func (untouchedAnswer) Whole(body []byte) ([]byte, error) { return body, nil }

func (untouchedAnswer) Event(e sse.Event) (lane.Chunk, error) {
	return lane.Chunk{Out: e.Raw, Content: true, Done: string(e.Data) == "[DONE]"}, nil
}

func (untouchedAnswer) End() (lane.Chunk, error) {
	return lane.Chunk{}, outcome.Truncated("no terminator")
}

func (untouchedAnswer) Usage() wire.Usage { return wire.Usage{} }

func (untouchedAnswer) Complete() bool { return false }

func (untouchedAnswer) UnknownEnd() string { return "" }

// lines is a log that may be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
