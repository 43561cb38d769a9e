package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"one-api/testbed/dashboardcheck"
	"one-api/testbed/internal/check"
)

// promql is something that answers PromQL at an address.
type promql struct {
	*bench
	port  string
	stack *stack // its questions
}

func (b *bench) promqlAt(port string) *promql {
	k := &stack{settings: b.settings}
	k.ports.prometheus = port
	return &promql{bench: b, port: port, stack: k}
}

// startPrometheus starts one with what deploy/BACKENDS.md says that one of your own needs: two sections of the bundle's configuration.
func (b *bench) startPrometheus(ctx context.Context) (*promql, error) {
	text, err := os.ReadFile(b.prometheusDirectory + "/prometheus.yml")
	if err != nil {
		return nil, err
	}
	var all map[string]any
	if err := yaml.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	needed, err := yaml.Marshal(map[string]any{"otlp": all["otlp"], "storage": all["storage"]})
	if err != nil {
		return nil, err
	}
	config, err := b.write("prometheus.yml", string(needed))
	if err != nil {
		return nil, err
	}
	port := b.port()
	_, err = b.start(ctx, "prometheus", b.prometheus, "http://"+loopback+":"+port+"/-/ready", nil, "--config.file="+config,
		"--storage.tsdb.path="+b.file(b.name+"-prometheus"), "--web.listen-address="+loopback+":"+port, "--web.enable-otlp-receiver",
		"--web.enable-remote-write-receiver", "--enable-feature=exemplar-storage")
	return b.promqlAt(port), err
}

// toPrometheus is a relay's environment for Prometheus alone.
func (p *promql) toPrometheus() []string {
	return []string{
		"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://" + loopback + ":" + p.port + "/api/v1/otlp/v1/metrics",
		"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=http/protobuf",
	}
}

func (b *bench) prometheusDirect(ctx context.Context) error {
	p, err := b.startPrometheus(ctx)
	if err != nil {
		return err
	}
	return b.agreesWith(ctx, p, p.toPrometheus()...)
}

func (b *bench) prometheusThroughCollector(ctx context.Context) error {
	p, err := b.startPrometheus(ctx)
	if err != nil {
		return err
	}
	pipe, err := b.startCollector(ctx, b.collector, []string{"OTLP_BACKEND_ENDPOINT=http://" + loopback + ":" + p.port + "/api/v1/otlp"})
	if err != nil {
		return err
	}
	return b.agreesWith(ctx, p, pipe.toCollector()...)
}

// prometheusTwoRelays starts two as they come: neither says what it is called, and they are on one host.
func (b *bench) prometheusTwoRelays(ctx context.Context) error {
	p, err := b.startPrometheus(ctx)
	if err != nil {
		return err
	}
	one, err := b.startRelay(ctx, "one", p.toPrometheus()...)
	if err != nil {
		return err
	}
	two, err := b.startRelay(ctx, "two", p.toPrometheus()...)
	if err != nil {
		return err
	}
	if err := p.agrees(ctx, b.use(ctx, one, two), one, two); err != nil {
		return err
	}
	resets, err := p.stack.table(ctx, "sum(resets(relay_channel_attempts_total[10m]))", time.Time{})
	if err != nil {
		return err
	}
	b.report.That(len(resets) == 1 && resets.Sum() == 0, "neither writes over the other's series: %v resets", resets.Sum())
	return nil
}

// agreesWith starts a relay that sends where its environment says, uses it, and asks the backend.
func (b *bench) agreesWith(ctx context.Context, p *promql, environment ...string) error {
	r, err := b.startRelay(ctx, "relay", environment...)
	if err != nil {
		return err
	}
	return p.agrees(ctx, b.use(ctx, r), r)
}

// agrees checks that what the backend adds up is what was done, under the names and labels that the dashboards ask for, and that
// the dashboards have something to show.
func (p *promql) agrees(ctx context.Context, e expected, relays ...*relay) error {
	const job = `{job="one-api",instance!=""}`
	for _, q := range []struct {
		what, expr string
		want       check.Table
		labels     []string
	}{
		{"attempts by channel and outcome", "sum by (relay_channel_name, relay_outcome) (relay_channel_attempts_total" + job + ")", e.ends(), []string{"relay_channel_name", "relay_outcome"}},
		{"durations of attempts by provider, model, error type too", "sum by (" + perAttempt + ") (gen_ai_client_operation_duration_seconds_count" + job + ")", e.attempts, attemptLabels},
		{"requests by model, outcome and error type", "sum by (gen_ai_request_model, relay_outcome, error_type) (gen_ai_server_request_duration_seconds_count" + job + ")", e.requests, []string{"gen_ai_request_model", "relay_outcome", "error_type"}},
		{"tokens by channel and type", "sum by (relay_channel_name, gen_ai_token_type) (gen_ai_client_token_usage_sum" + job + ")", e.tokens, []string{"relay_channel_name", "gen_ai_token_type"}},
	} {
		got, err := wait(ctx, q.want, func() (check.Table, error) { return p.stack.table(ctx, q.expr, time.Time{}, q.labels...) })
		if err != nil {
			return err
		}
		p.report.Equal(q.what, q.want, got)
	}
	instances, err := p.values(ctx, "instance")
	if err != nil {
		return err
	}
	hosts, err := p.values(ctx, "host_name")
	if err != nil {
		return err
	}
	own, err := os.Hostname()
	if err != nil {
		return err
	}
	p.report.That(len(instances) == len(relays), "each relay is an instance of its own: %v", instances)
	p.report.That(slices.Equal(hosts, []string{own}), "host_name says where: %v", hosts)
	return p.dashboardsShow(ctx, instances, hosts)
}

func (p *promql) values(ctx context.Context, label string) ([]string, error) {
	var answer struct{ Data []string }
	err := p.stack.ask(ctx, "/api/v1/label/"+label+"/values?"+url.Values{"match[]": {"relay_build_info"}}.Encode(), &answer)
	return answer.Data, err
}

// dashboardsShow asks every query of every dashboard. None may be refused; what a backend has nothing to show for is listed, for
// somebody to say why: most of it did not happen in so short a load, or is the collector's about itself.
func (p *promql) dashboardsShow(ctx context.Context, instances, hosts []string) error {
	all, err := dashboardcheck.Load(p.dashboards)
	if err != nil {
		return err
	}
	values := map[string]string{
		"__rate_interval": boardsWindow, "__range": "30s", "channel": boardsChannel, "instance": strings.Join(instances, "|"), "host": strings.Join(hosts, "|"),
	}
	c := &course{stack: p.stack, report: p.report, out: p.out}
	for _, d := range all {
		for _, v := range d.Variables {
			if err := c.variable(ctx, d, v, values); err != nil {
				return err
			}
		}
		asked, shown := 0, 0
		var empty, wrong []string
		for _, panel := range d.Panels {
			for _, q := range panel.Queries {
				expr, err := q.Expand(maps.Clone(values))
				if err != nil {
					return err
				}
				asked++
				shows, err := c.shows(ctx, expr, q.Instant)
				switch {
				case shows:
					shown++
				case err != nil:
					wrong = append(wrong, fmt.Sprintf("%s: %v", panel.Title, err))
				case !slices.Contains(empty, panel.Title):
					empty = append(empty, panel.Title)
				}
			}
		}
		p.report.That(len(wrong) == 0 && shown > 0, "dashboard %s: %d of %d queries have something to show %s", d.File, shown, asked, strings.Join(wrong, "; "))
		if len(empty) > 0 {
			fmt.Fprintf(p.out, "        nothing: %s\n", strings.Join(empty, ", "))
		}
	}
	if ctx.Err() != nil {
		return errors.New("the time was up among the dashboards")
	}
	return nil
}
