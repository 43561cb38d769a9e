package main

import (
	"context"
	"fmt"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/otlptranslator"

	"one-api/telemetry"
	"one-api/testbed/internal/check"
)

// unseen are declared instruments that this run cannot show, and why.
func unseen() map[string]string {
	reasons := map[string]string{
		telemetry.ChannelGoroutines:  "sampled only while there are thousands of goroutines, or on demand",
		telemetry.FormatsDropped:     "counted only if a conversion has to leave out something that costs money or changes the answer",
		telemetry.StateDropped:       "counted only if an upstream refuses what another provider has signed",
		telemetry.ChannelUnknownEnds: "counted only if a provider ends an answer with a word that nobody knows",
		telemetry.UsageCacheWrite:    "the upstream here writes nothing to a cache",
	}
	if runtime.GOOS != "linux" {
		reasons[telemetry.FileDescriptors] = "only Linux tells"
	}
	return reasons
}

// declared checks that every instrument of the list has arrived under the name that Prometheus makes of it, with the attributes
// that the list gives it and no others.
func (c *course) declared(ctx context.Context) error {
	namer := otlptranslator.NewMetricNamer("", otlptranslator.UnderscoreEscapingWithSuffixes)
	found, unseen := 0, unseen()
	// One relay follows the latest GenAI conventions.
	all := slices.Clone(telemetry.Instruments)
	for _, i := range telemetry.InstrumentsOf(telemetry.GenAILatest) {
		if !slices.ContainsFunc(all, func(known telemetry.Instrument) bool { return known.Name == i.Name }) {
			all = append(all, i)
		}
	}
	for _, i := range all {
		name, err := namer.Build(otlptranslator.Metric{Name: i.Name, Unit: i.Unit, Type: prometheusType[i.Kind]})
		if err != nil {
			return err
		}
		if i.Kind == telemetry.Histogram {
			name += "_count"
		}
		labels, series, err := c.labels(ctx, name)
		if err != nil {
			return err
		}
		switch reason, known := unseen[i.Name]; {
		case series == 0 && known:
			fmt.Fprintf(c.out, "        %s was not to be seen: %s\n", i.Name, reason)
			continue
		case series == 0:
			c.report.That(false, "%s has arrived as %s", i.Name, name)
			continue
		}
		found++
		if i.Kind == telemetry.Histogram {
			if err := c.bounds(ctx, i, strings.TrimSuffix(name, "_count")+"_bucket"); err != nil {
				return err
			}
		}
		want := []string{"__name__", "instance", "job"}
		for _, a := range i.Attributes {
			want = append(want, strings.ReplaceAll(a, ".", "_"))
		}
		slices.Sort(want)
		if !slices.Equal(want, labels) {
			c.report.That(false, "%s has the declared attributes: want %v, got %v", name, want, labels)
		}
	}
	c.report.That(found+len(unseen) >= len(all), "%d of %d declared instruments have arrived, under the names that Prometheus makes of theirs", found, len(all))
	return c.exemplars(ctx)
}

// exemplars checks that slow calls lead to their traces, by either name of their duration.
func (c *course) exemplars(ctx context.Context) error {
	for _, r := range c.stack.relays {
		var answer struct {
			Data []struct {
				Exemplars []struct{ Labels map[string]string }
			}
		}
		query := url.Values{
			"query": {r.named(fmt.Sprintf("gen_ai_client_operation_duration_seconds_bucket{instance=%q}", r.instance))},
			"start": {fmt.Sprint(time.Now().Add(-time.Hour).Unix())}, "end": {fmt.Sprint(time.Now().Unix() + 1)},
		}
		if err := c.stack.ask(ctx, "/api/v1/query_exemplars?"+query.Encode(), &answer); err != nil {
			return err
		}
		all, traced := 0, 0
		for _, series := range answer.Data {
			for _, e := range series.Exemplars {
				if all++; len(e.Labels["trace_id"]) == 32 && len(e.Labels["span_id"]) == 16 {
					traced++
				}
			}
		}
		c.report.That(all > 0 && traced == all, "%s: %d durations of attempts lead to their traces, of %d exemplars", r.instance, traced, all)
	}
	return nil
}

var prometheusType = map[telemetry.Kind]otlptranslator.MetricType{
	telemetry.Counter: otlptranslator.MetricTypeMonotonicCounter, telemetry.Histogram: otlptranslator.MetricTypeHistogram,
	telemetry.Gauge: otlptranslator.MetricTypeGauge, telemetry.UpDownCounter: otlptranslator.MetricTypeNonMonotonicCounter,
}

// bounds checks that a histogram has the list's buckets and no others.
func (c *course) bounds(ctx context.Context, i telemetry.Instrument, name string) error {
	got, err := c.stack.table(ctx, "group by (le) ("+name+")", time.Time{}, "le")
	if err != nil {
		return err
	}
	want := check.Table{"+Inf": 1}
	for _, b := range i.Bounds {
		want[strconv.FormatFloat(b, 'g', -1, 64)] = 1
	}
	seen := check.Table{}
	for le := range got {
		if bound, err := strconv.ParseFloat(le, 64); err == nil && le != "+Inf" {
			le = strconv.FormatFloat(bound, 'g', -1, 64) // 1.0 is 1
		}
		seen[le] = 1
	}
	c.report.Equal("buckets of "+name, want, seen)
	return nil
}

// labels is the names of the labels that any series of a metric has, and how many series there are.
func (c *course) labels(ctx context.Context, name string) (labels []string, series int, err error) {
	var answer struct{ Data []map[string]string }
	if err := c.stack.ask(ctx, "/api/v1/series?"+url.Values{"match[]": {name}}.Encode(), &answer); err != nil {
		return nil, 0, err
	}
	for _, s := range answer.Data {
		for label := range s {
			labels = append(labels, label)
		}
	}
	slices.Sort(labels)
	return slices.Compact(labels), len(answer.Data), nil
}
