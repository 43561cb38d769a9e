package faults

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/telemetry"
	"one-api/telemetry/otlptest"
	"one-api/testbed/harness"
)

// F12: a collector that is down, hangs, is slow, fails, resets or rejects.

// failing is what a collector can do wrong.
var failing = []struct {
	manner  otlptest.Manner
	counted bool // as failures
}{
	{otlptest.Refuse, true}, {otlptest.Reset, true}, {otlptest.Hang, true}, {otlptest.Fail, true}, {otlptest.Deny, true}, {otlptest.Reject, true},
	{otlptest.Throttle, true}, {otlptest.Mute, true}, {otlptest.Slow, false},
}

func TestACollectorThatMisbehavesIsNoneOfTheRequestsBusiness(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F12")
	const before, during = 5, 200
	for _, protocol := range harness.Protocols {
		for _, f := range failing {
			t.Run(fmt.Sprint(protocol, " ", f.manner), func(t *testing.T) {
				received := otlptest.Start(t)
				harness.ExportTo(t, received, protocol)
				t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")
				if f.counted { // one try may take so long, and all tries of an export together; one that is only slow has its time
					t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "250")
					t.Setenv("OTEL_METRIC_EXPORT_TIMEOUT", "500")
				}
				u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
				o := harness.StartObserved(t, received, 500, harness.OpenAIChannel("a", u, ""))
				askedAndAnswered(o, t, before)
				require.Eventually(t, func() bool { return o.Sum(telemetry.ChannelAttempts, nil) == before }, harness.Patience, 5*time.Millisecond)

				seen := received.Requests() + received.Connections()
				received.Behave(t, f.manner, 100*time.Millisecond)
				heap := liveHeap()
				askedAndAnswered(o, t, during)
				if f.counted {
					require.Eventually(t, func() bool { return complaints(o) > 0 }, harness.Patience, 5*time.Millisecond, "the log says so")
				}
				if f.manner != otlptest.Refuse {
					tries := int64(1)
					if f.manner == otlptest.Mute { // gRPC waits for 20 seconds for a word on a new connection
						tries = 0
					}
					require.Eventually(t, func() bool { return received.Requests()+received.Connections() > seen+tries }, harness.Patience, 5*time.Millisecond, "it is tried")
				}
				askedAndAnswered(o, t, during)
				require.Less(t, liveHeap(), heap+16<<20)

				received.Behave(t, otlptest.Accept)
				const all = before + 2*during
				require.Eventually(t, func() bool { return o.Sum(telemetry.ChannelAttempts, nil) == all }, harness.Patience, 5*time.Millisecond, "the counts catch up")
				require.Equal(t, all, o.Sum(telemetry.OperationDuration, nil))
				require.Equal(t, all, o.Sum(telemetry.RequestDuration, nil))
				require.EqualValues(t, all, received.Histogram(telemetry.TokenUsage, otlptest.Attrs{telemetry.AttrTokenType: "input"}).Sum)
				require.Empty(t, received.Problems())
				if f.counted {
					require.Positive(t, o.Sum(telemetry.TelemetryFailed, nil))
					require.Empty(t, saidAgain(o), "each thing once a minute:\n%s", o.TelemetryLog)
				} else {
					require.Zero(t, o.Sum(telemetry.TelemetryFailed, nil))
					require.Empty(t, o.TelemetryLog.String())
				}
				o.RequireQuiet(harness.AmongOthers, u) // the exporters' goroutines are there still
			})
		}
	}
}

// TestARequestIsAnsweredWhileAnExportHangs has an export hang, and lets go of it only after the calls have been answered.
func TestARequestIsAnsweredWhileAnExportHangs(t *testing.T) {
	harness.InMatrix(t, "F12")
	for _, protocol := range harness.Protocols {
		t.Run(protocol, func(t *testing.T) {
			received := otlptest.Start(t)
			harness.ExportTo(t, received, protocol)
			t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "10")
			t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "300000")
			t.Setenv("OTEL_METRIC_EXPORT_TIMEOUT", "300000")
			received.Behave(t, otlptest.Hang)
			u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
			o := harness.StartObserved(t, received, 500, harness.OpenAIChannel("a", u, ""))
			require.Eventually(t, func() bool { return received.Requests() == 1 }, harness.Patience, time.Millisecond)
			askedAndAnswered(o, t, 100)
			require.Equal(t, 1, int(received.Requests()), "the same export hangs still")
			received.Behave(t, otlptest.Accept)
			o.RequireQuiet(harness.AmongOthers, u)
			o.Finished()
			require.Equal(t, 100, o.Sum(telemetry.ChannelAttempts, nil))
		})
	}
}

// askedAndAnswered makes calls and asserts that each one is answered as if there were no telemetry.
func askedAndAnswered(o *harness.Observed, t *testing.T, n int) {
	t.Helper()
	for range n {
		status, answer, _ := o.Ask("/v1/chat/completions", harness.Chat)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, harness.WholeAnswer, strings.TrimSpace(answer))
	}
}

// saidAgain is what telemetry has said more than once. On a machine that is too slow for an export's clock, something else may
// have gone wrong beside what was to.
func saidAgain(o *harness.Observed) (again []string) {
	times := map[string]int{}
	for line := range strings.Lines(o.TelemetryLog.String()) {
		_, said, _ := strings.Cut(line, "msg=")
		said, _, _ = strings.Cut(said, " endpoint=")
		if times[said]++; times[said] == 2 {
			again = append(again, said)
		}
	}
	return again
}

// complaints is how many lines telemetry has logged.
func complaints(o *harness.Observed) int { return strings.Count(o.TelemetryLog.String(), "\n") }
