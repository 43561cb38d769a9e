package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/telemetry"
)

func TestTheReferenceIsCurrent(t *testing.T) {
	want, err := render()
	require.NoError(t, err)
	got, err := os.ReadFile("../../METRICS.md")
	require.NoError(t, err)
	require.Equal(t, want, string(got), "run: go generate ./telemetry")

	want, err = names()
	require.NoError(t, err)
	got, err = os.ReadFile("../../" + namesFile)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "run: go generate ./telemetry, and scripts/dashboard-check --write")
}

func TestTheRulesAskForTheNamesOfBothGenAIVersionsThatTheListHas(t *testing.T) {
	files, err := ruleFiles("../../..")
	require.NoError(t, err)
	made, tested := 0, 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		want, err := rulesOf(file)
		require.NoError(t, err)
		require.Equal(t, want, string(text), "%s: go generate ./telemetry, and go -C testbed test ./dashboardcheck -write", file)
		made += len(ruleLine.FindAllString(want, -1))
		tested += len(ruleTest.FindAllString(want, -1))
		byHand := ruleTest.ReplaceAllString(ruleLine.ReplaceAllString(want, ""), "\n")
		require.NotRegexp(t, `gen_ai_client_`, byHand, "%s: a name that the next version changes is in no line that is made", file)
	}
	require.GreaterOrEqual(t, made, 2)
	require.GreaterOrEqual(t, tested, 1)
}

func TestARuleIsMadeOfTheTemplateBeforeIt(t *testing.T) {
	made, err := withBoth("expr: |\n  # GenAI duration: rate(@_sum[5m])\n  anything\n  > 1\n")
	require.NoError(t, err)
	require.Equal(t, "expr: |\n  # GenAI duration: rate(@_sum[5m])\n"+
		"  rate(gen_ai_client_operation_duration_seconds_sum[5m]) or rate(gen_ai_client_inference_duration_seconds_sum[5m])\n  > 1\n", made)
	_, err = withBoth("# GenAI nothing: @\n\n")
	require.ErrorContains(t, err, `"nothing" is no figure`)
	_, err = withBoth("# GenAI tokensIn: @\n\n")
	require.ErrorContains(t, err, "is told apart by")
}

func TestTheReferenceHasEveryInstrumentOnce(t *testing.T) {
	text, err := render()
	require.NoError(t, err)
	tables, bounds, found := strings.Cut(text, "## Bounds of the histograms")
	require.True(t, found)
	for _, i := range append(slices.Clone(telemetry.Instruments), onlyIn(telemetry.GenAILatest, telemetry.GenAICurrent)...) {
		row := "\n| `" + i.Name + "` |"
		require.Equal(t, 1, strings.Count(tables, row), i.Name)
		require.Equal(t, i.Kind == telemetry.Histogram, strings.Contains(bounds, row), i.Name)
		require.NotEmpty(t, i.Question, i.Name)
		require.NotEmpty(t, i.Cardinality, i.Name)
	}
}

// TestPrometheusNamesAreThoseThatAlertsUse has names that were seen in a Prometheus and in a Collector.
func TestPrometheusNamesAreThoseThatAlertsUse(t *testing.T) {
	names := map[string]string{}
	for _, i := range telemetry.Instruments {
		name, err := prometheusName(i)
		require.NoError(t, err)
		names[i.Name] = name
	}
	for name, want := range map[string]string{
		"go.goroutine.count":                          "go_goroutine_count",
		"go.memory.used":                              "go_memory_used_bytes",
		"go.memory.allocated":                         "go_memory_allocated_bytes_total",
		"go.config.gogc":                              "go_config_gogc_percent",
		"go.cpu.time":                                 "go_cpu_time_seconds_total",
		"gen_ai.client.token.usage":                   "gen_ai_client_token_usage",
		"gen_ai.client.operation.duration":            "gen_ai_client_operation_duration_seconds",
		"gen_ai.server.time_to_first_token":           "gen_ai_server_time_to_first_token_seconds",
		"http.server.active_requests":                 "http_server_active_requests",
		"http.client.open_connections":                "http_client_open_connections",
		"relay.channel.attempts":                      "relay_channel_attempts_total",
		"relay.channel.state":                         "relay_channel_state",
		"relay.build_info":                            "relay_build_info",
		"relay.channel.oldest_in_flight":              "relay_channel_oldest_in_flight_seconds",
		"gen_ai.client.operation.time_to_first_chunk": "gen_ai_client_operation_time_to_first_chunk_seconds",
	} {
		require.Equal(t, want, names[name])
	}
}

// TestTheQueriesAskForWhatIsExported takes the names out of the queries.
func TestTheQueriesAskForWhatIsExported(t *testing.T) {
	known := map[string]bool{}
	for _, i := range telemetry.Instruments {
		name, err := prometheusName(i)
		require.NoError(t, err)
		known[name] = true
		if i.Kind == telemetry.Histogram {
			known[name+"_bucket"], known[name+"_sum"], known[name+"_count"] = true, true, true
		}
	}
	labels := map[string]bool{}
	for _, i := range telemetry.Instruments {
		for _, a := range i.Attributes {
			labels[strings.ReplaceAll(a, ".", "_")] = true
		}
	}
	asked := 0
	notName := func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }
	for _, word := range strings.FieldsFunc(after, notName) {
		for _, prefix := range []string{"gen_ai_", "relay_", "http_", "go_"} {
			if strings.HasPrefix(word, prefix) {
				asked++
				require.True(t, known[word] || labels[word], word)
			}
		}
	}
	require.Greater(t, asked, 15)
}
