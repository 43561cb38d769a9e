package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/otlptranslator"

	"one-api/telemetry"
)

// before and after are the parts of the document that no list has: how to read the figures, and how to ask for them.
var (
	//go:embed before.md
	before string
	//go:embed after.md
	after string
)

// section is a level of observation. Figures of different levels are never to be mixed.
type section struct {
	title, introduction string
	has                 func(telemetry.Instrument) bool
}

var sections = []section{
	{"What clients experience", "One record a client's request, by route and requested model; never by channel.", isClients},
	{"What each channel does", "One record an attempt: failed, cancelled and truncated ones too. Gauges are read when metrics are " +
		"collected.", isChannels},
	{"The relay about itself", "", func(i telemetry.Instrument) bool { return !isClients(i) && !isChannels(i) && !isRuntimes(i) }},
	{"The process and the Go runtime", "Read when metrics are collected.", isRuntimes},
}

func isClients(i telemetry.Instrument) bool {
	return i.Source == telemetry.FromRequest || slices.Contains(i.Attributes, telemetry.AttrMethod)
}

func isChannels(i telemetry.Instrument) bool {
	return slices.Contains(i.Attributes, telemetry.AttrChannel)
}

func isRuntimes(i telemetry.Instrument) bool { return i.Source == telemetry.FromRuntime }

// render makes the document.
func render() (string, error) {
	var b strings.Builder
	b.WriteString(before)
	for _, s := range sections {
		fmt.Fprintf(&b, "\n## %s\n\n", s.title)
		if s.introduction != "" {
			fmt.Fprintf(&b, "%s\n\n", s.introduction)
		}
		if err := table(&b, slices.DeleteFunc(slices.Clone(telemetry.Instruments),
			func(i telemetry.Instrument) bool { return !s.has(i) })); err != nil {
			return "", err
		}
	}
	if err := latest(&b); err != nil {
		return "", err
	}
	b.WriteString("\n## Bounds of the histograms\n\n")
	b.WriteString("A value that equals a bound is in the bucket below it. In Prometheus one series of a histogram is as many time series " +
		"as the last\ncolumn says: a `_bucket` for each bound and `+Inf`, `_sum` and `_count`.\n\n")
	b.WriteString("| name | unit | bounds | time series |\n|---|---|---|---|\n")
	for _, i := range append(slices.Clone(telemetry.Instruments), onlyIn(telemetry.GenAILatest, telemetry.GenAICurrent)...) {
		if i.Kind == telemetry.Histogram {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %d |\n", i.Name, unit(i.Unit), bounds(i.Bounds), len(i.Bounds)+3)
		}
	}
	b.WriteString(after)
	return b.String(), nil
}

func table(b *strings.Builder, of []telemetry.Instrument) error {
	b.WriteString("| name | in Prometheus | kind | unit | attributes | the question it answers | series at most " +
		"|\n|---|---|---|---|---|---|---|\n")
	for _, i := range of {
		name, err := prometheusName(i)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "| `%s` | `%s` | %s | %s | %s | %s %s | %s |\n",
			i.Name, name, i.Kind, unit(i.Unit), attributes(i.Attributes), i.Description, "*"+i.Question+"*", i.Cardinality)
	}
	return nil
}

// onlyIn is what one version of the conventions has, and another has not.
func onlyIn(one, other telemetry.GenAI) []telemetry.Instrument {
	return slices.DeleteFunc(telemetry.InstrumentsOf(one), func(i telemetry.Instrument) bool {
		return slices.ContainsFunc(telemetry.InstrumentsOf(other), func(o telemetry.Instrument) bool { return o.Name == i.Name })
	})
}

// latest is what the newer GenAI conventions change.
func latest(b *strings.Builder) error {
	b.WriteString("\n## With the latest GenAI conventions\n\n")
	b.WriteString("`OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental` gives the metrics of calls to providers the names that\n" +
		"open-telemetry/semantic-conventions-genai has for them now, instead of these:")
	for i, old := range onlyIn(telemetry.GenAICurrent, telemetry.GenAILatest) {
		fmt.Fprintf(b, "%s\n`%s`", map[bool]string{true: "", false: ","}[i == 0], old.Name)
	}
	b.WriteString(".\n`gen_ai.client.operation.duration` stays for what is no inference: embeddings. Spans say " +
		"`gen_ai.usage.cache_write.input_tokens` instead of\n" +
		"`gen_ai.usage.cache_creation.input_tokens`, and what was audio or image. Everything else is the same. Dashboards and rules ask for " +
		"both.\n\n")
	return table(b, onlyIn(telemetry.GenAILatest, telemetry.GenAICurrent))
}

// prometheusName is what both Prometheus' OTLP endpoint and the Collector's Prometheus exporter call a metric by default.
func prometheusName(i telemetry.Instrument) (string, error) {
	kinds := map[telemetry.Kind]otlptranslator.MetricType{
		telemetry.Counter: otlptranslator.MetricTypeMonotonicCounter, telemetry.UpDownCounter: otlptranslator.MetricTypeNonMonotonicCounter,
		telemetry.Gauge: otlptranslator.MetricTypeGauge, telemetry.Histogram: otlptranslator.MetricTypeHistogram,
	}
	namer := otlptranslator.NewMetricNamer("", otlptranslator.UnderscoreEscapingWithSuffixes)
	return namer.Build(otlptranslator.Metric{Name: i.Name, Unit: i.Unit, Type: kinds[i.Kind]})
}

func unit(u string) string {
	if u == "" {
		return ""
	}
	return "`" + u + "`"
}

func attributes(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return "`" + strings.Join(all, "`, `") + "`"
}

func bounds(all []float64) string {
	text := make([]string, len(all))
	for i, bound := range all {
		text[i] = strconv.FormatFloat(bound, 'f', -1, 64)
	}
	return strings.Join(text, ", ")
}
