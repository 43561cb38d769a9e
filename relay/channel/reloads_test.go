package channel

import (
	"fmt"
	"log/slog"
	"net/url"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/config"
	"one-api/relay/provider"
	"one-api/telemetry"
)

// TestTenThousandReloadsLeaveNothingBehind renames every channel with each of them, and gives it other keys, models, groups and
// proxies.
func TestTenThousandReloadsLeaveNothingBehind(t *testing.T) {
	const reloads = 10_000
	p := NewPool(PoolOptions{
		Providers: map[string]Type{"openai": {Lanes: plain{}.lanes, Provider: provider.Provider{Name: "openai"}}},
		Log:       slog.New(slog.DiscardHandler), Metrics: telemetry.New(500),
	})
	t.Cleanup(p.Close)
	live := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	goroutines, after := runtime.NumGoroutine(), int64(0)
	for i := range reloads {
		at, err := url.Parse(fmt.Sprintf("https://host-%d.example/v1", i))
		require.NoError(t, err)
		named := config.Channel{
			Name: fmt.Sprintf("channel-%d", i), Type: "openai", BaseURL: at, Keys: []string{fmt.Sprintf("sk-%d", i)},
			Models: []string{fmt.Sprintf("model-%d", i), "*"}, Groups: []string{fmt.Sprintf("group-%d", i)}, Proxy: at, Weight: 1,
		}
		stays := named
		stays.Name, stays.Timeouts.Connect = "stays", time.Duration(i)*time.Millisecond // connections of their own each time
		p.Apply([]config.Channel{named, stays})
		for range 3 {
			p.Set().routes.of(fmt.Sprintf("asked-%d", i))
		}
		p.Set().Get(named.Name).Metrics.Attempt(&telemetry.Attempt{Operation: "chat", Model: named.Models[0], Outcome: "completed"})
		if i == reloads/10 {
			after = live()
		}
	}
	require.Less(t, live(), after+2<<20, "bytes that are alive")
	require.LessOrEqual(t, runtime.NumGoroutine(), goroutines)
	p.mu.Lock()
	defer p.mu.Unlock()
	for what, n := range map[string]int{
		"states": len(p.states), "keys": len(p.keys), "transports": len(p.transports), "connections": len(*p.connections.Load()),
		"routes": len(p.current.Load().routes.named.byModel) + len(p.current.Load().routes.remembered.byModel),
	} {
		require.LessOrEqual(t, n, 4, what)
	}
}
