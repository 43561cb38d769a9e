package suite

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/telemetry"
	"one-api/telemetry/otlptest"
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
	long(t)
	inMatrix(t, "F12")
	const before, during = 5, 200
	for _, protocol := range protocols {
		for _, f := range failing {
			t.Run(fmt.Sprint(protocol, " ", f.manner), func(t *testing.T) {
				received := otlptest.Start(t)
				exportTo(t, received, protocol)
				t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")
				if f.counted { // one try may take so long, and all tries of an export together; one that is only slow has its time
					t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "250")
					t.Setenv("OTEL_METRIC_EXPORT_TIMEOUT", "500")
				}
				u := newUpstream(t, false, answers(200, wholeAnswer))
				o := startObserved(t, received, 500, openAIChannel("a", u, ""))
				o.askedAndAnswered(t, before)
				require.Eventually(t, func() bool { return o.sum(telemetry.ChannelAttempts, nil) == before }, patience, 5*time.Millisecond)

				seen := received.Requests() + received.Connections()
				received.Behave(t, f.manner, 100*time.Millisecond)
				heap := liveHeap()
				o.askedAndAnswered(t, during)
				if f.counted {
					require.Eventually(t, func() bool { return o.complaints() > 0 }, patience, 5*time.Millisecond, "the log says so")
				}
				if f.manner != otlptest.Refuse {
					tries := int64(1)
					if f.manner == otlptest.Mute { // gRPC waits for 20 seconds for a word on a new connection
						tries = 0
					}
					require.Eventually(t, func() bool { return received.Requests()+received.Connections() > seen+tries }, patience, 5*time.Millisecond, "it is tried")
				}
				o.askedAndAnswered(t, during)
				require.Less(t, liveHeap(), heap+16<<20)

				received.Behave(t, otlptest.Accept)
				const all = before + 2*during
				require.Eventually(t, func() bool { return o.sum(telemetry.ChannelAttempts, nil) == all }, patience, 5*time.Millisecond, "the counts catch up")
				require.Equal(t, all, o.sum(telemetry.OperationDuration, nil))
				require.Equal(t, all, o.sum(telemetry.RequestDuration, nil))
				require.EqualValues(t, all, received.Histogram(telemetry.TokenUsage, otlptest.Attrs{telemetry.AttrTokenType: "input"}).Sum)
				require.Empty(t, received.Problems())
				if f.counted {
					require.Positive(t, o.sum(telemetry.TelemetryFailed, nil))
					require.Empty(t, o.saidAgain(), "each thing once a minute:\n%s", o.telemetryLog)
				} else {
					require.Zero(t, o.sum(telemetry.TelemetryFailed, nil))
					require.Empty(t, o.telemetryLog.String())
				}
				o.requireQuiet(amongOthers, u) // the exporters' goroutines are there still
			})
		}
	}
}

// TestARequestIsAnsweredWhileAnExportHangs has an export hang, and lets go of it only after the calls have been answered.
func TestARequestIsAnsweredWhileAnExportHangs(t *testing.T) {
	inMatrix(t, "F12")
	for _, protocol := range protocols {
		t.Run(protocol, func(t *testing.T) {
			received := otlptest.Start(t)
			exportTo(t, received, protocol)
			t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "10")
			t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "300000")
			t.Setenv("OTEL_METRIC_EXPORT_TIMEOUT", "300000")
			received.Behave(t, otlptest.Hang)
			u := newUpstream(t, false, answers(200, wholeAnswer))
			o := startObserved(t, received, 500, openAIChannel("a", u, ""))
			require.Eventually(t, func() bool { return received.Requests() == 1 }, patience, time.Millisecond)
			o.askedAndAnswered(t, 100)
			require.Equal(t, 1, int(received.Requests()), "the same export hangs still")
			received.Behave(t, otlptest.Accept)
			o.requireQuiet(amongOthers, u)
			o.finished()
			require.Equal(t, 100, o.sum(telemetry.ChannelAttempts, nil))
		})
	}
}

// askedAndAnswered makes calls and asserts that each one is answered as if there were no telemetry.
func (o *observed) askedAndAnswered(t *testing.T, n int) {
	t.Helper()
	for range n {
		status, answer, _ := o.ask("/v1/chat/completions", chat)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, wholeAnswer, strings.TrimSpace(answer))
	}
}

// saidAgain is what telemetry has said more than once. On a machine that is too slow for an export's clock, something else may
// have gone wrong beside what was to.
func (o *observed) saidAgain() (again []string) {
	times := map[string]int{}
	for line := range strings.Lines(o.telemetryLog.String()) {
		_, said, _ := strings.Cut(line, "msg=")
		said, _, _ = strings.Cut(said, " endpoint=")
		if times[said]++; times[said] == 2 {
			again = append(again, said)
		}
	}
	return again
}

// complaints is how many lines telemetry has logged.
func (o *observed) complaints() int { return strings.Count(o.telemetryLog.String(), "\n") }
