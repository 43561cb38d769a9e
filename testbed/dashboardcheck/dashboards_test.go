package dashboardcheck

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/otlptranslator"
	"github.com/stretchr/testify/require"

	"one-api/telemetry"
)

const (
	boards = "../../deploy/grafana/dashboards"
	rules  = "../../deploy/prometheus/rules"
)

func dashboards(t *testing.T) []Dashboard {
	t.Helper()
	all, err := Load(boards)
	require.NoError(t, err)
	require.Len(t, all, 4)
	return all
}

func TestTheDashboardsAreThoseOfTheirSources(t *testing.T) {
	sums, err := os.ReadFile(filepath.Join(boards, "SHA256SUMS"))
	require.NoError(t, err)
	named := map[string]bool{}
	for line := range strings.Lines(string(sums)) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		require.True(t, ok, line)
		text, err := os.ReadFile(filepath.Join(boards, name))
		require.NoError(t, err)
		require.Equal(t, sum, fmt.Sprintf("%x", sha256.Sum256(text)), "%s has changed since the dashboards were written: scripts/dashboard-check --write", name)
		named[name] = true
	}
	for _, pattern := range []string{"*.json", "../src/*.ts"} {
		files, err := filepath.Glob(filepath.Join(boards, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			name, err := filepath.Rel(boards, file)
			require.NoError(t, err)
			require.True(t, named[filepath.ToSlash(name)], "%s is not among the files that were written: scripts/dashboard-check --write", name)
		}
	}
}

func TestEveryPanelSaysWhatItShowsAndWhatToDo(t *testing.T) {
	for _, d := range dashboards(t) {
		require.NotEmpty(t, d.Description, d.Title)
		ids, taken := map[int]string{}, map[[2]int]string{}
		for _, p := range d.Panels {
			where := d.Title + " / " + p.Title
			require.Greater(t, len(p.Description), 40, where)
			require.NotEmpty(t, p.Unit, where)
			require.NotEmpty(t, p.Queries, where)
			require.Empty(t, ids[p.ID], "%s has the id of %s", where, ids[p.ID])
			ids[p.ID] = p.Title
			for _, q := range p.Queries {
				require.True(t, q.Table || q.Legend != "", "%s: what are the series called?", where)
			}
			require.LessOrEqual(t, p.Place.X+p.Place.W, 24, where)
			for x := p.Place.X; x < p.Place.X+p.Place.W; x++ {
				for y := p.Place.Y; y < p.Place.Y+p.Place.H; y++ {
					require.Empty(t, taken[[2]int{x, y}], "%s lies over %s", where, taken[[2]int{x, y}])
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}

func TestEveryQueryIsLimitedToTheRelaysThatWereChosen(t *testing.T) {
	for _, d := range dashboards(t) {
		for _, p := range d.Panels {
			for _, q := range p.Queries {
				if strings.Contains(q.Expr, "ALERTS") || strings.Contains(q.Expr, "otelcol_") {
					continue // not a relay's
				}
				require.Equal(t, strings.Count(q.Expr, "{"), strings.Count(q.Expr, `{instance=~"$instance"`), "%s / %s: %s", d.Title, p.Title, q.Expr)
			}
		}
	}
}

// exported is every name that Prometheus makes of what the relay declares, with its source; histograms under all their three.
func exported(t *testing.T) map[string]telemetry.Source {
	t.Helper()
	kinds := map[telemetry.Kind]otlptranslator.MetricType{
		telemetry.Counter: otlptranslator.MetricTypeMonotonicCounter, telemetry.Histogram: otlptranslator.MetricTypeHistogram,
		telemetry.Gauge: otlptranslator.MetricTypeGauge, telemetry.UpDownCounter: otlptranslator.MetricTypeNonMonotonicCounter,
	}
	namer := otlptranslator.NewMetricNamer("", otlptranslator.UnderscoreEscapingWithSuffixes)
	names := map[string]telemetry.Source{}
	for _, i := range append(telemetry.InstrumentsOf(telemetry.GenAILatest), telemetry.Instruments...) {
		name, err := namer.Build(otlptranslator.Metric{Name: i.Name, Unit: i.Unit, Type: kinds[i.Kind]})
		require.NoError(t, err)
		if i.Kind != telemetry.Histogram {
			names[name] = i.Source
			continue
		}
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			names[name+suffix] = i.Source
		}
	}
	return names
}

var (
	matchers   = regexp.MustCompile(`\{[^}]*\}`)
	groupings  = regexp.MustCompile(`\b(by|on|without|ignoring|group_left|group_right) *\([^)]*\)`)
	metricName = regexp.MustCompile(`\b(relay|gen_ai|go|http|process)_[a-z0-9_]+`)
)

// metrics is the names of the relay's metrics that a query asks for.
func metrics(expr string) []string {
	return metricName.FindAllString(groupings.ReplaceAllString(matchers.ReplaceAllString(expr, ""), ""), -1)
}

func TestQueriesAskForWhatTheRelayExports(t *testing.T) {
	known := exported(t)
	asked := 0
	check := func(where, expr string) {
		for _, name := range metrics(expr) {
			require.Contains(t, known, name, where)
			asked++
		}
	}
	for _, d := range dashboards(t) {
		for _, p := range d.Panels {
			for _, q := range p.Queries {
				check(d.Title+" / "+p.Title, q.Expr)
			}
		}
	}
	for _, r := range allRules(t) {
		check(r.Alert+r.Record, recordedName.ReplaceAllString(r.Expr, ""))
	}
	require.Greater(t, asked, 150)
}

// TestWhatAsksForANameOfTheGenAIConventionsAsksForBoth: relays follow the version that their environment names.
func TestWhatAsksForANameOfTheGenAIConventionsAsksForBoth(t *testing.T) {
	current, latest := regexp.MustCompile(`\bgen_ai_client_(operation|token)_`), regexp.MustCompile(`\bgen_ai_client_inference_`)
	asked := 0
	check := func(where, expr string) {
		require.Len(t, latest.FindAllString(expr, -1), len(current.FindAllString(expr, -1)), "%s: %s", where, expr)
		asked += len(latest.FindAllString(expr, -1))
	}
	for _, d := range dashboards(t) {
		for _, p := range d.Panels {
			for _, q := range p.Queries {
				check(d.Title+" / "+p.Title, q.Expr)
			}
		}
	}
	for _, r := range allRules(t) {
		check(r.Alert+r.Record, r.Expr)
	}
	require.Greater(t, asked, 15)
}

func TestTheChannelDashboardLeadsFromASlowCallToItsTrace(t *testing.T) {
	found := 0
	for _, d := range dashboards(t) {
		if d.UID == "one-api-channel" {
			found = strings.Count(d.Text, `"exemplar": true`)
		}
	}
	require.Equal(t, 3, found, "duration, first chunk, and between chunks")
	source, err := os.ReadFile("../../deploy/grafana/provisioning/datasources/prometheus.yml")
	require.NoError(t, err)
	require.Contains(t, string(source), "exemplarTraceIdDestinations")
	bundle, err := os.ReadFile("../../deploy/docker-compose.yml")
	require.NoError(t, err)
	require.Contains(t, string(bundle), "--enable-feature=exemplar-storage")
	require.Contains(t, string(bundle), "ONE_API_TRACE_URL")
}

func TestWhatClientsExperienceAndWhatChannelsDoAreNeverMixed(t *testing.T) {
	known := exported(t)
	check := func(where, expr string) {
		levels := map[telemetry.Source]bool{}
		for _, name := range metrics(expr) {
			levels[known[name]] = true
		}
		require.False(t, levels[telemetry.FromRequest] && levels[telemetry.FromAttempt], "%s: %s", where, expr)
		require.False(t, strings.Contains(expr, "channel:relay_") && strings.Contains(expr, "model:relay_"), "%s: %s", where, expr)
	}
	for _, d := range dashboards(t) {
		for _, p := range d.Panels {
			for _, q := range p.Queries {
				check(d.Title+" / "+p.Title, q.Expr)
			}
		}
	}
	for _, r := range allRules(t) {
		check(r.Alert+r.Record, r.Expr)
	}
}

func TestLinksBetweenDashboardsLeadSomewhere(t *testing.T) {
	uids := map[string]bool{}
	for _, d := range dashboards(t) {
		uids[d.UID] = true
	}
	links := regexp.MustCompile(`/d/([a-z-]+)`)
	text := ""
	for _, d := range dashboards(t) {
		text += d.Text
	}
	for _, r := range allRules(t) {
		text += r.Annotations["dashboard"]
	}
	found := links.FindAllStringSubmatch(text, -1)
	require.Greater(t, len(found), 20)
	for _, link := range found {
		require.True(t, uids[link[1]], link[0])
	}
}

func TestAVariableThatNobodyKnowsIsAnError(t *testing.T) {
	q := Query{Expr: `rate(x{instance=~"$instance",channel="$channel"}[$__rate_interval])`}
	values := map[string]string{"instance": "a|b", "channel": "c", "__rate_interval": "1m"}
	expr, err := q.Expand(values)
	require.NoError(t, err)
	require.Equal(t, `rate(x{instance=~"a|b",channel="c"}[1m])`, expr)
	delete(values, "channel")
	_, err = q.Expand(values)
	require.ErrorContains(t, err, "$channel")
}
