package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"one-api/telemetry"
	"one-api/testbed/internal/process"
)

const (
	loopback = "127.0.0.1"
	// exportInterval is how often the relays export.
	exportInterval = time.Second
	clientKey      = "sk-check-0123456789abcdef"
)

// stack is everything that runs: Prometheus, the collector, and the relays.
type stack struct {
	settings
	upstream string
	ports    struct{ prometheus, grpc, http, health, metrics string }

	prometheusProcess, collectorProcess *program
	relays                              []*relay
}

// relay is one under test. They differ in the protocol that they export with.
type relay struct {
	instance, protocol, port string
	latest                   bool // it follows the latest GenAI conventions
	process                  *program
}

// named is a query with the names that the relay has for what it asks.
func (r *relay) named(promql string) string {
	if !r.latest {
		return promql
	}
	inPrometheus := strings.NewReplacer(".", "_")
	for current, latest := range telemetry.Renamed {
		promql = strings.ReplaceAll(promql, inPrometheus.Replace(current), inPrometheus.Replace(latest))
	}
	return promql
}

func (r *relay) url(path string) string { return "http://" + loopback + ":" + r.port + path }

func newStack(s settings, upstream string) (*stack, error) {
	ports, err := process.FreePorts(7)
	if err != nil {
		return nil, err
	}
	k := &stack{settings: s, upstream: upstream}
	k.ports.prometheus, k.ports.grpc, k.ports.http, k.ports.health, k.ports.metrics = ports[0], ports[1], ports[2], ports[3], ports[4]
	k.relays = []*relay{
		{instance: "relay-grpc", protocol: "grpc", port: ports[5]},
		{instance: "relay-http", protocol: "http/protobuf", port: ports[6], latest: true},
	}
	config := prometheusConfig
	if s.dashboards != "" {
		if config, err = k.productionConfig(); err != nil {
			return nil, err
		}
	}
	for name, text := range map[string]string{
		"prometheus.yml": config, "ports.yaml": k.portsConfig(), "channels.yaml": fmt.Sprintf(relayConfig, upstream, clientKey),
	} {
		if err := os.WriteFile(k.file(name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func (k *stack) file(name string) string { return filepath.Join(k.work, name) }

// prometheusConfig scrapes nothing: everything comes over OTLP. The window is what Prometheus' guide to OTLP asks for: a
// collector that restarts sends again what it was just sending, behind what is newer.
const prometheusConfig = `storage:
  tsdb:
    out_of_order_time_window: 30m
`

// portsConfig is merged over the pipeline: the production ports may be taken here.
func (k *stack) portsConfig() string {
	return fmt.Sprintf(`receivers:
  otlp:
    protocols:
      grpc: {endpoint: "%[1]s:%[2]s"}
      http: {endpoint: "%[1]s:%[3]s"}
extensions:
  health_check: {endpoint: "%[1]s:%[4]s"}
service:
  telemetry:
    metrics:
      readers: [{pull: {exporter: {prometheus: {host: %[1]s, port: %[5]s}}}}]
`, loopback, k.ports.grpc, k.ports.http, k.ports.health, k.ports.metrics)
}

// relayConfig has a channel for each way of behaving that has to be told apart. Which one a request meets, it says itself
// (see lanes.go), but it goes through selection as any other does.
const relayConfig = `channels:
  - {name: prompt, type: openai, base_url: "%[1]s/prompt", models: [check-prompt, check-failover, check-limited, check-third]}
  - {name: slow, type: xai, base_url: "%[1]s/slow", keys: [none], models: [check-slow]}
  - {name: flaky, type: openai, base_url: "%[1]s/flaky", models: [check-flaky], timeouts: {first_token: 1s, header: 5s}}
  - {name: failing, type: openai, base_url: "%[1]s/failing", models: [check-failover], priority: 10}
  - {name: limited, type: openai, base_url: "%[1]s/limited", models: [check-limited], priority: 10}
  - {name: broken, type: openai, base_url: "%[1]s/broken", models: [check-third], priority: 20}
  - {name: worse, type: openai, base_url: "%[1]s/worse", models: [check-third], priority: 10}
  - {name: cut, type: openai, base_url: "%[1]s/cut", models: [check-cut], priority: 10, resume: true}
  - {name: rest, type: openai, base_url: "%[1]s/rest", models: [check-cut]}
  - {name: leaving, type: openai, base_url: "%[1]s/leaving", models: [check-leaving]}
tokens:
  - {name: check, key: %[2]s}
`

func (k *stack) start(ctx context.Context) error {
	if err := k.startPrometheus(ctx); err != nil {
		return err
	}
	if err := k.startCollector(ctx); err != nil {
		return err
	}
	for _, r := range k.relays {
		if err := k.startRelay(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (k *stack) startPrometheus(ctx context.Context) (err error) {
	k.prometheusProcess, err = startProgram(k.work, "prometheus", k.prometheus, nil,
		"--config.file="+k.file("prometheus.yml"), "--storage.tsdb.path="+k.file("prometheus"),
		"--web.listen-address="+loopback+":"+k.ports.prometheus, "--web.enable-otlp-receiver", "--enable-feature=exemplar-storage")
	if err != nil {
		return err
	}
	return k.prometheusProcess.ready(ctx, k.prometheusURL()+"/-/ready")
}

func (k *stack) prometheusURL() string { return "http://" + loopback + ":" + k.ports.prometheus }

func (k *stack) startCollector(ctx context.Context) (err error) {
	k.collectorProcess, err = startProgram(k.work, "collector", k.collector, []string{
		"OTELCOL_BIND=" + loopback, "OTLP_BACKEND_ENDPOINT=" + k.prometheusURL() + "/api/v1/otlp", "OTELCOL_STORAGE_DIR=" + k.file("queue"),
	}, "--config="+k.pipeline, "--config="+k.file("ports.yaml"))
	if err != nil {
		return err
	}
	return k.collectorProcess.ready(ctx, "http://"+loopback+":"+k.ports.health+"/")
}

func (k *stack) startRelay(ctx context.Context, r *relay) (err error) {
	port := k.ports.grpc
	if r.protocol != "grpc" {
		port = k.ports.http
	}
	optIn := ""
	if r.latest {
		optIn = "gen_ai_latest_experimental"
	}
	r.process, err = startProgram(k.work, r.instance, k.relay, []string{
		"OTEL_SEMCONV_STABILITY_OPT_IN=" + optIn,
		"PORT=" + r.port, "CONFIG_FILE=" + k.file("channels.yaml"), "GOMEMLIMIT=1GiB",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + loopback + ":" + port, "OTEL_EXPORTER_OTLP_PROTOCOL=" + r.protocol,
		fmt.Sprintf("OTEL_METRIC_EXPORT_INTERVAL=%d", exportInterval.Milliseconds()),
		"OTEL_TRACES_SAMPLER=always_on",
		"OTEL_RESOURCE_ATTRIBUTES=service.instance.id=" + r.instance,
	})
	if err != nil {
		return err
	}
	return r.process.ready(ctx, r.url("/api/status"))
}

// stop ends all that runs, the relays first: they still have something to send. After it the list of ids is of no use.
func (k *stack) stop() {
	for _, r := range k.relays {
		if r.process != nil {
			r.process.stop(10 * time.Second)
		}
	}
	for _, p := range []*program{k.collectorProcess, k.prometheusProcess} {
		if p != nil {
			p.stop(10 * time.Second)
		}
	}
	_ = os.Remove(k.file(pidFile))
}
