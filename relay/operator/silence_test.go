package operator

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/lane"
	"one-api/relay/provider"
)

func TestTheLogIsToldOfSilentChannelsWithoutBeingFloodedByThem(t *testing.T) {
	log := &bytes.Buffer{}
	to := slog.New(slog.NewTextHandler(log, nil))
	pool := channel.NewPool(channel.PoolOptions{Log: to, Providers: map[string]channel.Type{"plain": {
		Lanes: func(*config.Channel) (none lane.Lanes) { return none }, Provider: provider.Provider{Name: "plain"},
	}}})
	defer pool.Close()
	at, err := url.Parse("http://127.0.0.1:1/v1")
	require.NoError(t, err)
	of := make([]config.Channel, 8)
	for i := range of {
		of[i] = config.Channel{Name: fmt.Sprint("c", i), Type: "plain", BaseURL: at, Keys: []string{"key"}, Models: []string{"m"}, Groups: []string{"default"}}
	}
	pool.Apply(of)
	o := &Operator{Pool: pool, Log: to}
	now := time.Now()
	tells := func(after time.Duration) string {
		now = now.Add(after)
		log.Reset()
		o.silences.tell(o, now)
		return log.String()
	}
	hangs := func(name string, silent time.Duration) {
		pool.Set().Get(name).SetSilence(&channel.Silence{Hanging: 1, Silent: silent, Since: now.Add(-silent)})
	}
	require.Empty(t, tells(0))
	hangs("c3", 20*time.Second)
	said := tells(time.Second)
	require.Contains(t, said, `level=WARN msg="calls hang at a channel: their clients wait, or leave without an answer" channel=c3 why="a call hangs: nothing has come for 20s`)
	require.Empty(t, tells(time.Second), "once")
	require.Empty(t, tells(8*time.Minute))
	require.Contains(t, tells(2*time.Minute), "channel=c3", "and again, as long as it lasts")

	for i := range of {
		hangs(of[i].Name, time.Duration(i+1)*time.Minute)
	}
	said = tells(10 * time.Second)
	require.Equal(t, 4, strings.Count(said, "calls hang at a channel"), "five a minute")
	require.Less(t, strings.Index(said, "channel=c7"), strings.Index(said, "channel=c4"), "the worst first")
	require.Contains(t, said, "more_channels=3")
	require.Empty(t, tells(10*time.Second))
	said = tells(time.Minute)
	require.Equal(t, 3, strings.Count(said, "calls hang at a channel"), "the others have their turn")
	require.Contains(t, said, "channel=c0")

	worst := o.silent()
	require.Equal(t, "c7", worst.Channel)
	require.Equal(t, 8, worst.Channels)
	require.EqualValues(t, 480, worst.Seconds)

	disabled := pool.Set().Get("c7")
	disabled.SetDisabled(true)
	for i := range of[:7] {
		pool.Set().Get(of[i].Name).SetSilence(nil)
	}
	pool.Apply(of[:7])
	said = tells(10 * time.Minute)
	require.Equal(t, 7, strings.Count(said, `level=INFO msg="no call hangs at a channel any more"`))
	require.Empty(t, tells(10*time.Minute))
	require.Nil(t, o.silent())
}
