package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"one-api/testbed/internal/check"
	"one-api/testbed/internal/process"
)

// arrivalTimeout is how long the last export may take through the collector to Prometheus: at the longest when the collector
// has to find out that Prometheus is back. What has once not arrived will not, so the wait is short from then on.
const (
	arrivalTimeout = 40 * time.Second
	secondTimeout  = 5 * time.Second
)

// agree asks Prometheus for what each relay reported, and compares it with what was done.
func (c *course) agree(ctx context.Context) error {
	for _, r := range c.stack.relays {
		e := expect(r.instance, c.done, c.upstream)
		if err := c.arrived(ctx, r, e); err != nil {
			return err
		}
		v := &view{course: c, ctx: ctx, job: fmt.Sprintf(`job="one-api",instance=%q`, r.instance), instance: r.instance, relay: r}
		v.attempts(e)
		v.requests(e)
		v.latency(e)
		v.states()
		v.runtime()
		if v.err != nil {
			return v.err
		}
	}
	wrong := 0
	for i := range c.done {
		if !agreesWithClient(&c.done[i], c.upstream.of(c.done[i].id)) {
			wrong++
		}
	}
	c.report.That(wrong == 0, "clients got whole answers exactly where an attempt completed (%d requests, %d otherwise)", len(c.done), wrong)
	again, missing := c.upstream.sentAgain()
	c.report.That(again > 0 && missing == 0, "requests that a used connection lost were sent again on a new one, in the same attempt: %d, and %d were not", again, missing)
	return nil
}

// arrived waits until Prometheus has as many attempts and requests as there were, and no call is in flight any more.
func (c *course) arrived(ctx context.Context, r *relay, e expected) error {
	timeout := arrivalTimeout
	if c.missing {
		timeout = secondTimeout
	}
	deadline := time.Now().Add(timeout)
	instance := fmt.Sprintf("{instance=%q}", r.instance)
	for {
		attempts, err := c.stack.table(ctx, "sum(relay_channel_attempts_total"+instance+")", time.Time{})
		if err != nil {
			return err
		}
		requests, err := c.stack.table(ctx, "sum(gen_ai_server_request_duration_seconds_count"+instance+")", time.Time{})
		if err != nil {
			return err
		}
		flying, err := c.stack.table(ctx, "sum(relay_channel_in_flight"+instance+") + sum(http_server_active_requests"+instance+")", time.Time{})
		if err != nil {
			return err
		}
		if attempts[""] >= e.attempts.Sum() && requests[""] >= e.requests.Sum() && flying.Sum() == 0 {
			return nil
		}
		process.Pause(ctx, exportInterval/2)
		if time.Now().After(deadline) {
			c.missing = true
			c.report.That(false, "%s: everything has arrived: %v of %v attempts, %v of %v requests, %v in flight",
				r.instance, attempts[""], e.attempts.Sum(), requests[""], e.requests.Sum(), flying.Sum())
			return nil
		}
	}
}

// view is what Prometheus has of one relay. The first error of asking stays.
type view struct {
	*course
	ctx      context.Context
	job      string // matchers
	instance string
	relay    *relay
	err      error
}

// ask makes a query in which @ stands for the matchers of the relay.
func (v *view) ask(promql string, labels ...string) check.Table {
	if v.err != nil {
		return check.Table{}
	}
	t, err := v.stack.table(v.ctx, strings.ReplaceAll(v.relay.named(promql), "@", v.job), time.Time{}, labels...)
	v.err = err
	return t
}

func (v *view) equal(what string, want check.Table, promql string, labels ...string) {
	v.report.Equal(v.instance+": "+what, want, v.ask(promql, labels...))
}

func (v *view) that(ok bool, what string, args ...any) {
	v.report.That(ok, v.instance+": "+what, args...)
}

const perAttempt = "relay_channel_name, gen_ai_provider_name, gen_ai_request_model, relay_outcome, error_type"

var attemptLabels = strings.Split(perAttempt, ", ")

func (v *view) attempts(e expected) {
	v.equal("attempts by channel, provider, model, outcome and error type", e.attempts,
		"sum by ("+perAttempt+") (relay_channel_attempts_total{@})", attemptLabels...)
	v.equal("one duration an attempt", e.attempts,
		"sum by ("+perAttempt+") (gen_ai_client_operation_duration_seconds_count{@})", attemptLabels...)
	v.equal("all of them are chats", check.Table{"chat": e.attempts.Sum()}, "sum by (gen_ai_operation_name) (relay_channel_attempts_total{@})", "gen_ai_operation_name")
	v.equal("attempts add up", check.Table{"": e.attempts.Sum()}, "sum(relay_channel_attempts_total{@})")
	v.equal("share of each outcome in a channel's attempts", e.ratios,
		`sum by (relay_channel_name, relay_outcome) (relay_channel_attempts_total{@}) / on (relay_channel_name) group_left () sum by (relay_channel_name) (relay_channel_attempts_total{@})`,
		"relay_channel_name", "relay_outcome")
	v.equal("retries by channel and reason", e.retries, "sum by (relay_channel_name, reason) (relay_channel_retries_total{@})", "relay_channel_name", "reason")
	v.equal("resumed streams by channel, reason and outcome", e.resumes,
		"sum by (relay_channel_name, reason, relay_outcome) (relay_channel_resumes_total{@})", "relay_channel_name", "reason", "relay_outcome")
	v.tokens(e)
	v.equal("cached tokens", e.cached, "sum by (relay_channel_name) (relay_channel_tokens_cached_total{@})", "relay_channel_name")
	v.equal("reasoning tokens", e.reason, "sum by (relay_channel_name) (relay_channel_tokens_reasoning_total{@})", "relay_channel_name")
	v.that(e.third > 0, "calls that two channels failed and a third answered: %d", e.third)
}

// tokens are one histogram with a type in today's GenAI conventions, and counters and histograms of each type in the latest.
func (v *view) tokens(e expected) {
	if !v.relay.latest {
		v.equal("tokens by channel and type", e.tokens,
			"sum by (relay_channel_name, gen_ai_token_type) (gen_ai_client_token_usage_sum{@})", "relay_channel_name", "gen_ai_token_type")
		return
	}
	typed := func(name string) string {
		of := func(kind string) string {
			return fmt.Sprintf(`label_replace(sum by (relay_channel_name) (%s{@}), "gen_ai_token_type", %q, "", "") > 0`, fmt.Sprintf(name, kind), kind)
		}
		return of("input") + " or " + of("output")
	}
	v.equal("tokens by channel and type", e.tokens, typed("gen_ai_client_inference_usage_%s_tokens_total"), "relay_channel_name", "gen_ai_token_type")
	v.equal("tokens by channel and type, of the histograms", e.tokens, typed("gen_ai_client_inference_operation_%s_tokens_sum"), "relay_channel_name", "gen_ai_token_type")
	v.equal("attempts whose input was counted, known or not", check.Table{"": e.attempts.Sum()}, "sum(gen_ai_client_inference_operation_input_tokens_count{@})")
	v.equal("cached tokens by the latest conventions", e.cached, "sum by (relay_channel_name) (gen_ai_client_inference_usage_cache_read_input_tokens_total{@})", "relay_channel_name")
	v.equal("reasoning tokens by the latest conventions", e.reason, "sum by (relay_channel_name) (gen_ai_client_inference_usage_reasoning_output_tokens_total{@})", "relay_channel_name")
}

func (v *view) requests(e expected) {
	v.equal("requests by model, outcome and error type", e.requests,
		"sum by (gen_ai_request_model, relay_outcome, error_type) (gen_ai_server_request_duration_seconds_count{@})",
		"gen_ai_request_model", "relay_outcome", "error_type")
	v.equal("attempts of requests by outcome", e.tries, "sum by (relay_outcome) (relay_request_attempts_sum{@})", "relay_outcome")
	v.equal("HTTP requests by status and error type", e.http,
		`sum by (http_response_status_code, error_type) (http_server_request_duration_seconds_count{@,http_route="/v1/chat/completions",http_request_method="POST"})`,
		"http_response_status_code", "error_type")
	v.equal("rejected requests by reason", e.rejected, "sum by (reason) (relay_requests_rejected_total{@})", "reason")
	v.equal("nothing was folded", check.Table{"": 0}, "sum(relay_telemetry_folded_total{@})")
}

func (v *view) latency(e expected) {
	v.equal("streams with a first event by channel", e.first,
		"sum by (relay_channel_name) (gen_ai_client_operation_time_to_first_chunk_seconds_count{@})", "relay_channel_name")
	v.equal("times between events by channel", e.chunks,
		"sum by (relay_channel_name) (gen_ai_client_operation_time_per_output_chunk_seconds_count{@})", "relay_channel_name")
	p95 := v.ask("histogram_quantile(0.95, sum by (relay_channel_name, le) (gen_ai_client_operation_time_to_first_chunk_seconds_bucket{@}))", "relay_channel_name")
	sums := v.ask("sum by (relay_channel_name) (gen_ai_client_operation_time_to_first_chunk_seconds_sum{@})", "relay_channel_name")
	for _, channel := range e.first.Keys() {
		// No stream can be faster than its upstream was, and none slower than its client found it. A quantile is known to its bucket.
		seen, least := e.firsts[channel], firstEventAfter(channel)
		low, high := bucket(least).low, bucket(quantile(.95, seen)).high
		v.that(p95[channel] >= low && p95[channel] <= high, "p95 of the time to the first event, %s: %.0f ms, within %.0f and %.0f ms",
			channel, 1000*p95[channel], 1000*low, 1000*high)
		var most time.Duration
		for _, d := range seen {
			most += d
		}
		all := least * time.Duration(len(seen))
		v.that(sums[channel] >= all.Seconds() && sums[channel] <= most.Seconds(), "sum of the times to the first event, %s: %.3f s, the upstream was silent for %.3f s and clients waited %.3f s",
			channel, sums[channel], all.Seconds(), most.Seconds())
	}
	v.that(p95["slow"] > p95["prompt"], "p95 tells the slow channel from the prompt one")
}

type span struct{ low, high float64 }

// bucket is the bucket of the GenAI conventions' duration histograms that a duration falls into, seconds.
func bucket(d time.Duration) span {
	s := span{0, .01}
	for s.high < d.Seconds() {
		s = span{s.high, 2 * s.high}
	}
	return s
}

func (v *view) states() {
	zero := func(what, promql string, labels ...string) {
		got := v.ask(promql, labels...)
		v.that(len(got) > 0 && got.Sum() == 0, "%s: 0 (%d series, sum %v)", what, len(got), got.Sum())
	}
	zero("in flight", "relay_channel_in_flight{@}", "relay_channel_name")
	zero("open bodies", "relay_channel_open_bodies{@}", "relay_channel_name")
	zero("age of the oldest call", "relay_channel_oldest_in_flight_seconds{@}", "relay_channel_name")
	zero("active requests", "http_server_active_requests{@}", "http_request_method")
	zero("leaked bodies", "relay_channel_leaked_bodies_total{@}", "relay_channel_name")
	zero("active connections", `http_client_open_connections{@,http_connection_state="active"}`, "relay_channel_name")
	busy := v.ask("max(max_over_time(relay_channel_in_flight{@}[10m]))")
	v.that(busy[""] > 0, "calls were in flight in between: up to %v on a channel", busy[""])
	channels := check.Table{}
	for _, name := range []string{"prompt", "slow", "flaky", "failing", "limited", "broken", "worse", "cut", "rest", "leaving"} {
		channels[name] = 1
	}
	v.equal("each channel is in one state", channels, "sum by (relay_channel_name) (relay_channel_state{@})", "relay_channel_name")
	v.equal("each channel has one key", channels, "sum by (relay_channel_name) (relay_channel_keys{@})", "relay_channel_name")
}

func (v *view) runtime() {
	figure := func(name string) float64 { return v.ask(name + "{@}")[""] }
	expected, stray := figure("relay_goroutines_expected"), v.ask("relay_goroutines_unexplained{@}")
	v.that(expected > 0 && len(stray) == 1, "goroutines: %v, of which %v are expected and %v unexplained", figure("go_goroutine_count"), expected, stray[""])
	v.that(figure("go_memory_limit_bytes") == 1<<30 && figure("go_processor_limit") > 0 && figure("go_config_gogc_percent") >= 100,
		"the runtime's limits are those that were set")
	v.that(figure("go_memory_allocated_bytes_total") > 1<<20 && figure("go_memory_gc_cycles_total") > 0 &&
		figure("go_schedule_duration_seconds_count") > 0 && figure("go_memory_gc_pause_duration_seconds_count") > 0,
		"the runtime's counters count")
	cpu := v.ask("go_cpu_time_seconds_total{@}", "go_cpu_state")
	v.that(slices.Equal(cpu.Keys(), []string{"gc", "idle", "scavenge", "user"}) && cpu["user"] > 0, "CPU time by state: %v", cpu)
	if runtime.GOOS == "linux" { // no other system tells
		v.that(figure("process_unix_file_descriptor_count") > 0, "open file descriptors: %v", figure("process_unix_file_descriptor_count"))
	}
	info := v.ask("target_info{@}", "job", "instance", "service_version")
	v.that(len(info) == 1 && info.Sum() == 1, "target_info: %v", info.Keys())
}
