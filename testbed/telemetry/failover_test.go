package telemetry

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/telemetry"
	"one-api/telemetry/otlptest"
	"one-api/testbed/harness"
)

func TestARequestThatFailsOnTwoChannelsAndSucceedsOnTheThirdIsOneRequestAndThreeAttempts(t *testing.T) {
	for _, stream := range []bool{false, true} {
		t.Run(fmt.Sprintf("stream %t", stream), func(t *testing.T) {
			received := otlptest.Start(t)
			harness.ExportTo(t, received, "grpc")
			v := harness.Variant{Stream: stream}
			failing := harness.NewUpstream(t, false, harness.Answers(500, `{"error":{"message":"broken"}}`))
			good := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) { v.Answer(w, r, harness.FromHealthy) })
			o := harness.StartObserved(t, received, 500, fmt.Sprintf(`channels:
  - {name: first, type: openai, base_url: %q, keys: [sk-up-a], models: [m], priority: 30}
  - {name: second, type: openai, base_url: %q, keys: [sk-up-b], models: [m], priority: 20}
  - {name: third, type: xai, base_url: %q, keys: [sk-up-c], models: [m], priority: 10}
`, failing.URL, harness.RefusingAddress(t), good.URL), harness.WithEnv("RETRY_TIMES", "3"))
			status, answer, _ := o.Ask("/v1/chat/completions", fmt.Sprintf(`{"model":"m","stream":%t,"messages":[{"role":"user","content":"hi"}]}`, stream))
			require.Equal(t, 200, status)
			require.Contains(t, answer, harness.FromHealthy)
			o.Outcomes(3)
			o.Finished()
			require.Empty(t, received.Problems())

			// The request: one, and it knows of no channel.
			request := otlptest.Attrs{telemetry.AttrOperation: "chat", telemetry.AttrModel: "m", telemetry.AttrOutcome: "completed"}
			o.RequireOne(t, telemetry.RequestDuration, nil, request)
			o.RequireOne(t, telemetry.RequestAttempts, nil, otlptest.Attrs{telemetry.AttrRoute: "/v1/chat/completions", telemetry.AttrOutcome: "completed"})
			attempts := received.Histogram(telemetry.RequestAttempts, nil)
			require.InDelta(t, 3, attempts.Sum, 0)
			require.Equal(t, []uint64{0, 0, 1, 0, 0, 0, 0}, attempts.Buckets)
			o.RequireOne(t, telemetry.HTTPDuration, nil, otlptest.Attrs{
				telemetry.AttrMethod: "POST", telemetry.AttrScheme: "http", telemetry.AttrRoute: "/v1/chat/completions", telemetry.AttrStatus: "200",
			})

			// The attempts: three, each at its channel.
			require.Equal(t, 3, o.Sum(telemetry.ChannelAttempts, nil))
			for channel, want := range map[string]otlptest.Attrs{
				"first":  {telemetry.AttrProvider: "openai", telemetry.AttrOutcome: "upstream_status", telemetry.AttrErrorType: "500"},
				"second": {telemetry.AttrProvider: "openai", telemetry.AttrOutcome: "connect_failed", telemetry.AttrErrorType: "connect_failed"},
				"third":  {telemetry.AttrProvider: "x_ai", telemetry.AttrOutcome: "completed"},
			} {
				want[telemetry.AttrChannel], want[telemetry.AttrOperation], want[telemetry.AttrModel] = channel, "chat", "m"
				at := otlptest.Attrs{telemetry.AttrChannel: channel}
				o.RequireOne(t, telemetry.ChannelAttempts, at, want)
				o.RequireOne(t, telemetry.OperationDuration, at, want)
			}

			// The retries: two, each at the channel that took over, with what had gone wrong before.
			require.Equal(t, 2, o.Sum(telemetry.ChannelRetries, nil))
			o.RequireOne(t, telemetry.ChannelRetries, otlptest.Attrs{telemetry.AttrChannel: "second"},
				otlptest.Attrs{telemetry.AttrChannel: "second", telemetry.AttrProvider: "openai", telemetry.AttrReason: "upstream_status"})
			o.RequireOne(t, telemetry.ChannelRetries, otlptest.Attrs{telemetry.AttrChannel: "third"},
				otlptest.Attrs{telemetry.AttrChannel: "third", telemetry.AttrProvider: "x_ai", telemetry.AttrReason: "connect_failed"})
		})
	}
}
