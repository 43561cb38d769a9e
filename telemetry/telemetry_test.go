package telemetry

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(unhurried{m}) }

// unhurried gives the connections of the last tests time to close: on a busy machine gRPC takes longer for that than goleak waits.
type unhurried struct{ *testing.M }

func (m unhurried) Run() int {
	code := m.M.Run()
	for until := time.Now().Add(30 * time.Second); goleak.Find() != nil && time.Now().Before(until); {
	}
	return code
}

func TestTheLevelsBeginWhereTheContractSaysTheyDo(t *testing.T) {
	for n, want := range map[int]Level{
		0: Normal, 1999: Normal, 2000: Elevated, 5000: Elevated, 5001: High, 10000: High, 10001: Severe,
	} {
		require.Equal(t, want, LevelOf(n), n)
	}
}

func TestTheWatchdogLogsTheContractsLineForEachLevel(t *testing.T) {
	holders := []Holder{
		{"slow", 1800, 900, 3 * time.Minute}, {"slower", 160, 80, 90 * time.Second}, {"quick", 4, 2, time.Second},
	}
	for _, c := range []struct {
		name    string
		n       int
		debug   bool
		holders []Holder
		want    string
	}{
		{"normal is silent", 1999, false, nil, ""},
		{"normal speaks up with DEBUG", 856, true, nil, "level=DEBUG msg=\"Goroutine count: 856\"\n"},
		{"elevated warns", 2156, false, holders, "level=WARN msg=\"⚠️ Goroutine count elevated: 2156\" channel=slow goroutines=1800 in_flight=900 oldest=3m0s then=slower:160:80:1m30s,quick:4:2:1s\n"},
		{"5000 is still elevated", 5000, false, holders[:1], "level=WARN msg=\"⚠️ Goroutine count elevated: 5000\" channel=slow goroutines=1800 in_flight=900 oldest=3m0s\n"},
		{"high is an error", 5234, false, holders[:1], "level=ERROR msg=\"⚠️ High goroutine count detected: 5234\" channel=slow goroutines=1800 in_flight=900 oldest=3m0s\n"},
		{"severe says the same", 169000, false, nil, "level=ERROR msg=\"⚠️ High goroutine count detected: 169000\" holders=\"none: no channel has an open call or a goroutine\"\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			level := slog.LevelInfo
			if c.debug {
				level = slog.LevelDebug
			}
			w := &Watchdog{
				Goroutines: func() int { return c.n }, Holders: func() []Holder { return c.holders },
				Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level, ReplaceAttr: withoutTime})),
			}
			w.look(context.Background())
			require.Equal(t, c.want, log.String())
		})
	}
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

func TestTheWatchdogLooksAtEveryTickAndStopsWithItsContext(t *testing.T) {
	tick, looked := make(chan time.Time), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	w := &Watchdog{
		Goroutines: func() int { looked <- struct{}{}; return 1 },
		Log:        slog.New(slog.DiscardHandler), Tick: tick,
	}
	done := make(chan struct{})
	go func() { w.Run(ctx); close(done) }()
	for range 3 {
		tick <- time.Now()
		<-looked
	}
	cancel()
	<-done
}

func TestMemoryIsReadInMiBAndGrowsWithWhatIsAllocated(t *testing.T) {
	before := ReadMemory()
	held := make([]byte, 64<<20)
	after := ReadMemory()
	require.GreaterOrEqual(t, after.TotalAllocMB, before.TotalAllocMB+64)
	require.GreaterOrEqual(t, after.AllocMB, uint64(64))
	require.GreaterOrEqual(t, after.SysMB, after.AllocMB)
	require.Len(t, held, 64<<20)
}
