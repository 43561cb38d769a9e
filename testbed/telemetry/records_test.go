package telemetry

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/telemetry"
	"one-api/telemetry/otlptest"
	"one-api/testbed/harness"
)

func TestEveryWayToEndIsOneRecordOfItsOwn(t *testing.T) {
	harness.Long(t)
	for _, protocol := range harness.Protocols {
		t.Run(protocol, func(t *testing.T) {
			o := endInEveryWay(t, protocol)
			for _, e := range endings {
				t.Run(e.name, func(t *testing.T) { requireRecorded(o, t, e) })
			}
			t.Run("every outcome was there", func(t *testing.T) {
				for as := outcome.Completed; as <= outcome.Shutdown; as++ {
					require.Positive(t, o.Sum(telemetry.RequestDuration, otlptest.Attrs{telemetry.AttrOutcome: as.String()}), as)
				}
			})
			t.Run("turned away", o.RequireTurnedAway)
			t.Run("sums", func(t *testing.T) { requireSums(o, t) })
			t.Run("gauges", func(t *testing.T) { requireGaugesAtRest(o, t) })
		})
	}
}

// requireRecorded asserts everything that is recorded of a call: of the attempt, of the request, of the HTTP request.
func requireRecorded(o *harness.Observed, t *testing.T, e ended) {
	attempt, request := e.attributes()
	at, model := otlptest.Attrs{telemetry.AttrChannel: "at-" + e.name}, otlptest.Attrs{telemetry.AttrModel: e.name}
	o.RequireRecords(t, e.tries(), telemetry.ChannelAttempts, at, attempt)
	o.RequireRecords(t, e.tries(), telemetry.OperationDuration, at, attempt)
	o.RequireOne(t, telemetry.RequestDuration, model, request)
	require.Equal(t, e.tries()-1, o.Sum(telemetry.ChannelRetries, at))

	streamed := 0
	if !e.whole && !e.noFirst {
		streamed = 1
	}
	require.Equal(t, streamed, o.Sum(telemetry.FirstChunk, at), "time to the first chunk")
	require.Equal(t, streamed, o.Sum(telemetry.RequestFirstToken, model), "time to the first token")
	if streamed == 1 {
		first := o.Received.Histogram(telemetry.FirstChunk, at)
		require.Positive(t, first.Sum)
		require.LessOrEqual(t, first.Sum, o.Received.Histogram(telemetry.OperationDuration, at).Sum)
	}
	if e.chunks >= 0 {
		require.Equal(t, max(0, e.chunks-1), o.Sum(telemetry.PerOutputChunk, at), "times between chunks")
	} else {
		require.Positive(t, o.Sum(telemetry.PerOutputChunk, at))
	}
	if e.used {
		for token, used := range map[string]float64{"input": usedInput, "output": usedOutput} {
			of := otlptest.Attrs{telemetry.AttrChannel: "at-" + e.name, telemetry.AttrTokenType: token}
			tokens := o.Received.Histogram(telemetry.TokenUsage, of)
			require.EqualValues(t, 1, tokens.Count, token)
			require.InDelta(t, used, tokens.Sum, 0, token)
		}
		require.Equal(t, usedCached, o.Sum(telemetry.TokensCached, at))
		require.Equal(t, usedReasoning, o.Sum(telemetry.TokensReasoning, at))
	}
}

// requireSums asserts that the levels agree with each other, and with what the relay told its recorders.
func requireSums(o *harness.Observed, t *testing.T) {
	byOutcome, requestsByOutcome, sent := map[string]int{}, map[string]int{}, 0
	for _, a := range o.Recorded() {
		byOutcome[a.Outcome.String()]++
	}
	for _, end := range o.RequestEnds() {
		requestsByOutcome[end.Outcome.String()]++
		sent += end.Asked()
	}
	sum := 0
	for outcome, n := range byOutcome {
		sum += n
		require.Equal(t, n, o.Sum(telemetry.ChannelAttempts, otlptest.Attrs{telemetry.AttrOutcome: outcome}), outcome)
		require.Equal(t, n, o.Sum(telemetry.OperationDuration, otlptest.Attrs{telemetry.AttrOutcome: outcome}), outcome)
	}
	require.Equal(t, sum, o.Sum(telemetry.ChannelAttempts, nil), "attempts = sum of outcomes")
	tries := 0
	for _, e := range endings {
		tries += e.tries()
	}
	require.Equal(t, tries+5, sum, "one more that limits its key, and two each of a call that moved on and of a stream that was resumed")
	require.Equal(t, sum, o.Sum(telemetry.OperationDuration, nil))
	require.Equal(t, sum, sent)
	require.EqualValues(t, sum, o.Received.Histogram(telemetry.RequestAttempts, nil).Sum, "attempts that clients' calls took")
	o.RequireOne(t, telemetry.ChannelResumes, nil, otlptest.Attrs{
		telemetry.AttrChannel: "at-finishing", telemetry.AttrProvider: "openai", telemetry.AttrReason: "upstream_truncated", telemetry.AttrOutcome: "completed",
	})
	sum = 0
	for outcome, n := range requestsByOutcome {
		sum += n
		require.Equal(t, n, o.Sum(telemetry.RequestDuration, otlptest.Attrs{telemetry.AttrOutcome: outcome}), outcome)
		require.Equal(t, n, o.Sum(telemetry.RequestAttempts, otlptest.Attrs{telemetry.AttrOutcome: outcome}), outcome)
	}
	require.Equal(t, sum, o.Sum(telemetry.RequestDuration, nil), "requests = sum of outcomes")
	require.Equal(t, sum, o.Sum(telemetry.RequestOverhead, nil))
	for _, route := range []string{"/api/monitor/requests", "/api/monitor/requests/:id"} {
		sum += o.Sum(telemetry.HTTPDuration, otlptest.Attrs{telemetry.AttrRoute: route}) // the operator's
	}
	require.Equal(t, sum, o.Sum(telemetry.HTTPDuration, nil))
	for _, e := range endings {
		if e.errorType == "" && e.outcome != outcome.Completed {
			of := otlptest.Attrs{telemetry.AttrErrorType: e.outcome.String()}
			require.Equal(t, 1, o.Sum(telemetry.HTTPDuration, of), e.name)
			of[telemetry.AttrStatus] = e.status
			require.Equal(t, 1, o.Sum(telemetry.HTTPDuration, of), "%s with status %s", e.name, e.status)
		}
	}
}

func requireGaugesAtRest(o *harness.Observed, t *testing.T) {
	for _, name := range []string{
		telemetry.ChannelInFlight, telemetry.ChannelOpenBodies, telemetry.ChannelOldest, telemetry.OpenConnections, telemetry.HTTPActive, telemetry.ChannelLeaked,
	} {
		points := o.Received.Points(name, nil)
		require.NotEmpty(t, points, name)
		for _, p := range points {
			require.Zero(t, p.Value, "%s%v", name, p.Attributes)
		}
	}
	state := func(channel, state string) float64 {
		n, _ := o.Received.Gauge(telemetry.ChannelState, otlptest.Attrs{telemetry.AttrChannel: channel, telemetry.AttrChannelState: state})
		return n
	}
	require.Equal(t, 1.0, state("at-good", "healthy"))
	require.Equal(t, 1.0, state("at-upstream_status", "degraded"))
	require.Equal(t, 1.0, state("at-limit", "cooling"))
	require.Equal(t, 1.0, state("at-nowhere", "disabled"))
	for _, e := range endings {
		n, _ := o.Received.Gauge(telemetry.ChannelState, otlptest.Attrs{telemetry.AttrChannel: "at-" + e.name})
		require.Equal(t, 1.0, n, "a channel is in one state")
	}
	cooling, _ := o.Received.Gauge(telemetry.ChannelKeys, otlptest.Attrs{telemetry.AttrChannel: "at-limit", telemetry.AttrState: "cooling"})
	require.Equal(t, 1.0, cooling)
	reloads := func(result string) int {
		return o.Sum(telemetry.ConfigReloads, otlptest.Attrs{telemetry.AttrResult: result})
	}
	require.Equal(t, 1, reloads("success"))
	require.Positive(t, reloads("refused"), "one, and one more where the relay has noticed the bad file itself")
	loaded, _ := o.Received.Gauge(telemetry.ConfigLastSuccess, nil)
	require.InDelta(t, float64(time.Now().Unix()), loaded, 600)
}

// endInMoney is a relay whose client has a budget and a limit, and a conversation of which another provider has signed a part.
func endInMoney(t *testing.T) *harness.Observed {
	received := otlptest.Start(t)
	harness.ExportTo(t, received, "http/protobuf")
	t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), "signature") {
			harness.Answers(400, `{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid `+"`signature` in `thinking`"+` block"}}`)(w, r)
			return
		}
		harness.Answers(200, `{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn","usage":{"input_tokens":1000,"output_tokens":1}}`)(w, r)
	})
	o := harness.StartObserved(t, received, 500, fmt.Sprintf("channels:\n  - {name: a, type: anthropic, base_url: %q, keys: [k], models: [m]}\n"+
		"tokens:\n  - {name: t, key: %s, limits: {rpm: 1}, budget: {usd: 5, per: day}}\nprices: [{model: m, input: 1, output: 1}]\n", u.URL, harness.Key))
	call := `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":"c2ln"},{"type":"text","text":"x"}]},{"role":"user","content":"go on"}]}`
	for _, status := range []int{200, 429} {
		is, answer, _ := o.Ask("/v1/messages", call)
		require.Equal(t, status, is, answer)
	}
	o.Finished()
	return o
}

// TestEveryInstrumentOfTheListIsExportedAsTheListSays walks the list. relay.channel.goroutines is there only once somebody has
// sampled the goroutines, and so may be missing here.
func TestEveryInstrumentOfTheListIsExportedAsTheListSays(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	debug.SetMemoryLimit(64 << 30)
	defer debug.SetMemoryLimit(before)
	o := endInEveryWay(t, "http/protobuf")

	require.Equal(t, 1, o.Sum(telemetry.FormatsDropped, otlptest.Attrs{telemetry.AttrFrom: "messages", telemetry.AttrTo: "chat", telemetry.AttrFeature: "top_k"}))
	declared := map[string]bool{}
	spent := endInMoney(t)
	for _, i := range telemetry.Instruments {
		declared[i.Name] = true
		o := o
		m, ok := o.Received.Metric(i.Name)
		if !ok {
			o = spent
			m, ok = o.Received.Metric(i.Name)
		}
		if i.Name == telemetry.ChannelGoroutines && !ok {
			continue
		}
		if !ok {
			t.Errorf("%s was never exported", i.Name)
			continue
		}
		require.Equal(t, string(i.Kind), m.Kind, i.Name)
		require.Equal(t, i.Unit, m.Unit, i.Name)
		require.NotEmpty(t, m.Description, i.Name)
		points := o.Received.Points(i.Name, nil)
		require.NotEmpty(t, points, i.Name)
		for _, p := range points {
			for key := range p.Attributes {
				require.Contains(t, i.Attributes, key, i.Name)
			}
			if i.Kind == telemetry.Histogram {
				require.Equal(t, i.Bounds, p.Bounds, i.Name)
			}
		}
		if i.Source == telemetry.FromRequest || i.Source == telemetry.FromAttempt {
			require.Positive(t, o.Received.Sum(i.Name, nil), "%s was never recorded", i.Name)
		}
	}
	for _, name := range o.Received.Names() {
		require.True(t, declared[name], "%s is exported and not in the list", name)
	}
}

func TestTheMemoryLimitIsExportedOnlyWhereThereIsOne(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	if before != 1<<63-1 {
		t.Skip("GOMEMLIMIT is set")
	}
	received := otlptest.Start(t)
	harness.ExportTo(t, received, "http/protobuf")
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	harness.StartObserved(t, received, 500, harness.OpenAIChannel("a", u, "")).Finished()
	require.Contains(t, received.Names(), "go.memory.gc.goal")
	require.NotContains(t, received.Names(), "go.memory.limit")
}

// TestTheReferenceExplainsEveryOutcome is here because telemetry knows of no outcomes.
func TestTheReferenceExplainsEveryOutcome(t *testing.T) {
	text, err := os.ReadFile("../../telemetry/METRICS.md")
	require.NoError(t, err)
	for as := outcome.Completed; as <= outcome.Shutdown; as++ {
		require.Contains(t, string(text), "\n| `"+as.String()+"` |")
	}
}
