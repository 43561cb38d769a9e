// Overview: is anything wrong, for whom, and where to look next.

import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { board, each } from './board';
import { anyIsBad, levels, quantiles, series, shares, stat, stateNames, table } from './panels';
import * as q from './queries';

const endings: [string, string][] = [
  ['completed', 'green'], ['client_gone|client_stalled', 'blue'], ['rejected', 'purple'], ['operator_ended|shutdown', 'text'],
];

export function overview(): dashboard.Dashboard {
  return board({
    uid: 'one-api-overview', title: 'One API: overview', from: 'now-1h',
    description: 'Is anything wrong, for whom, and where to look next. Read the top line first; then click a channel in the table.',
    rows: [
      { title: 'Now', height: 4, panels: now() },
      { title: 'What clients experience (one record a request)', height: 8, panels: clients() },
      { title: 'What channels do (one record an attempt)', height: 9, panels: channels() },
      { title: 'The process', height: 8, panels: runtime() },
      { title: 'Whether all this arrives', height: 7, panels: pipeline() },
    ],
  });
}

function now() {
  return each(3,
    stat({
      title: 'Alerts firing', unit: 'short', limits: anyIsBad,
      description: 'Alerts that fire now. What each means and what to do: deploy/RUNBOOK.md, one section an alert. Prometheus lists them at /alerts.',
      expr: q.orZero('count(ALERTS{alertstate="firing"})'),
    }),
    stat({
      title: 'Requests that fail', unit: 'percentunit', decimals: 1, limits: shares, noValue: 'no traffic',
      description: 'Share of the requests that failed for their clients, by outcome and not by status: a stream that breaks behind its 200 has failed. Clients that left or asked wrongly are left out. Red: look below which outcome and model, then at the channels.',
      expr: q.failingRequests(q.relays),
    }),
    stat({
      title: 'First token, p95', unit: 's', limits: [[5, 'yellow'], [10, 'red']], noValue: 'no streams',
      description: 'How long people look at an empty screen, from their request to the first event. High: the table of channels shows who is slow; the overhead says whether it is the relay.',
      expr: q.quantile(0.95, 'gen_ai_server_time_to_first_token_seconds', q.relays),
    }),
    stat({
      title: 'Overhead, p95', unit: 's', limits: [[0.01, 'yellow'], [0.05, 'red']], noValue: 'no traffic',
      description: 'Time that the relay itself takes a request, waiting for upstreams and clients taken out. High: the process is short of CPU, see below.',
      expr: q.quantile(0.95, 'relay_request_overhead_seconds', q.relays),
    }),
    stat({
      title: 'Goroutines', unit: 'short', limits: levels, legend: '{{host_name}} {{instance}}',
      description: 'All goroutines. Green below 2,000, yellow (elevated) from 2,000, orange (high) above 5,000, red (severe) above 10,000. Not green: open Leak watch.',
      expr: `max by (instance, host_name) (go_goroutine_count{${q.relays}})`,
    }),
    stat({
      title: 'Channels not healthy', unit: 'short', limits: [[1, 'yellow']],
      description: 'Channels that are degraded, cooling or disabled on at least one relay. The table below names them.',
      expr: q.orZero(`count(${q.channelState(q.relays)} > 0)`),
    }),
    stat({
      title: 'Leaked answers', unit: 'short', decimals: 0, limits: anyIsBad,
      description: 'Upstream answers that the safety net had to close, in the time shown. Anything but 0 is a bug in the relay: runbook, LeakedBodies.',
      expr: q.orZero(`ceil(${q.gained('relay_channel_leaked_bodies_total', q.relays)})`),
    }),
    stat({
      title: 'Last export', unit: 's', limits: [[90, 'yellow'], [180, 'red']], legend: '{{host_name}} {{instance}}', decimals: 0,
      description: 'Age of the newest figure of each relay. All that stands here is at least as old. Above 3 minutes: runbook, NoData.',
      expr: `time() - max by (instance, host_name) (timestamp(relay_build_info{${q.relays}}))`,
    }),
  );
}

function clients() {
  return [
    ...each(8,
      series({
        title: 'Requests', unit: 'reqps', stacked: true, colours: endings,
        description: 'Requests a second by how they ended for their clients. Green is answered; blue is clients that left or did not read; purple was turned away; all else is a failure.',
        queries: [{ expr: q.rate('gen_ai_server_request_duration_seconds_count', q.relays, ['relay_outcome']), legend: '{{relay_outcome}}' }],
      }),
      series({
        title: 'Errors that clients see', unit: 'reqps', stacked: true,
        description: 'User-level failures a second, by outcome and error type. The left half of the question "who notices": compare with the errors of channels beside it, which failover may have hidden.',
        queries: [{ expr: q.orZero(q.rate('gen_ai_server_request_duration_seconds_count', `${q.relays},${q.failedRequest}`, ['relay_outcome', 'error_type'])), legend: '{{relay_outcome}} {{error_type}}' }],
      }),
      series({
        title: 'Errors of channels', unit: 'ops', stacked: true, toChannel: true,
        description: 'Attempt-level failures a second, by channel and outcome. Those that failover has hidden from clients included. Click one to look into its channel.',
        queries: [{ expr: q.orZero(q.rate('relay_channel_attempts_total', `${q.relays},${q.failedAttempt}`, ['relay_channel_name', 'relay_outcome', 'error_type'])), legend: '{{relay_channel_name}}: {{relay_outcome}} {{error_type}}' }],
      }),
      series({
        title: 'Requests that fail, by model', unit: 'percentunit', max: 1, limits: [[0.05, 'red']],
        description: 'Share of each model\'s requests that failed for their clients. One model only: its channels. All models: the network, the keys, or the relay. The dashed line is where RequestsFailing starts.',
        queries: [{ expr: q.failingRequests(q.relays, ['gen_ai_request_model']), legend: '{{gen_ai_request_model}}' }],
      }),
      series({
        title: 'Status codes', unit: 'reqps', stacked: true,
        description: 'HTTP answers a second by status. Those marked "broke" were sent a 200 and then did not get their whole answer: status codes alone do not show them.',
        queries: [
          { expr: q.rate('http_server_request_duration_seconds_count', `${q.relays},http_route=~"/v1/.*",error_type!~".+"`, ['http_response_status_code']), legend: '{{http_response_status_code}}' },
          { expr: q.rate('http_server_request_duration_seconds_count', `${q.relays},http_route=~"/v1/.*",error_type=~".+"`, ['http_response_status_code', 'error_type']), legend: '{{http_response_status_code}} broke: {{error_type}}' },
        ],
      }),
      series({
        title: 'Turned away', unit: 'reqps', stacked: true,
        description: 'Requests that were refused before anything was attempted, by reason. auth, model, limit, body: the client\'s. no_channel: all channels of a model are out, act on the table below.',
        queries: [{ expr: q.orZero(q.rate('relay_requests_rejected_total', q.relays, ['reason'])), legend: '{{reason}}' }],
      }),
      series({
        title: 'Time to first token', unit: 's', limits: [[10, 'red']],
        description: 'From a client\'s request to the first event of its stream, all attempts included. Rising with the overhead flat: upstreams are slow.',
        queries: quantiles((p) => q.quantile(p, 'gen_ai_server_time_to_first_token_seconds', q.relays)),
      }),
      series({
        title: 'Duration of requests', unit: 's',
        description: 'Whole calls, to the last byte. Long answers are long: look at the first token for slowness.',
        queries: quantiles((p) => q.quantile(p, 'gen_ai_server_request_duration_seconds', q.relays)),
      }),
      series({
        title: 'Overhead of the relay', unit: 's', limits: [[0.05, 'red']],
        description: 'What the relay itself adds to a request, waiting taken out. Usually well below a millisecond. Rising: CPU, garbage collection or schedule latency below.',
        queries: quantiles((p) => q.quantile(p, 'relay_request_overhead_seconds', q.relays)),
      }),
    ),
  ];
}

function channels() {
  const by = ['relay_channel_name'];
  const max = (gauge: string, more = '') => `max by (relay_channel_name) (${gauge}{${q.relays}${more}})`;
  const sum = (gauge: string, more = '') => `sum by (relay_channel_name) (${gauge}{${q.relays}${more}})`;
  return [
    ...each(24, table({
      title: 'Channels', key: { label: 'relay_channel_name', name: 'Channel' }, sortBy: 'Failing', toChannel: true,
      description: 'One line a channel, the worst first. Click its name to look into it. Failing: share of its attempts, those that failover has hidden included. Oldest call: a call that only ages hangs. To take one out: POST /api/channel/NAME/disable, see the runbook.',
      columns: [
        { name: 'State', expr: q.channelState(q.relays), unit: 'short', mappings: stateNames, limits: [[1, 'yellow'], [2, 'orange'], [3, 'red']] },
        { name: 'Attempts/s', expr: q.rate('relay_channel_attempts_total', q.relays, by), unit: 'ops', decimals: 2 },
        { name: 'Failing', expr: q.failingAttempts(q.relays, by), unit: 'percentunit', decimals: 1, limits: [[0.05, 'yellow'], [0.2, 'red']] },
        { name: 'First chunk p95', expr: q.quantile(0.95, q.genAI.firstChunk, q.relays, by), unit: 's', limits: [[5, 'yellow'], [10, 'red']] },
        { name: 'In flight', expr: sum('relay_channel_in_flight'), unit: 'short' },
        { name: 'Oldest call', expr: max('relay_channel_oldest_in_flight_seconds'), unit: 's', limits: [[300, 'yellow'], [900, 'red']] },
        { name: 'Keys usable', expr: `min by (relay_channel_name) (relay_channel_keys{${q.relays},state="usable"})`, unit: 'short' },
        { name: 'Keys cooling', expr: max('relay_channel_keys', ',state="cooling"'), unit: 'short', limits: [[1, 'yellow']] },
        { name: 'Keys refused', expr: max('relay_channel_keys', ',state="refused"'), unit: 'short', limits: anyIsBad },
        { name: 'Open answers', expr: sum('relay_channel_open_bodies'), unit: 'short' },
        { name: 'Leaked', expr: sum('relay_channel_leaked_bodies_total'), unit: 'short', limits: anyIsBad },
      ],
    })),
    ...each(8,
      series({
        title: 'Attempts that fail, by channel', unit: 'percentunit', max: 1, limits: [[0.2, 'red']], toChannel: true,
        description: 'Share of each channel\'s attempts that failed. The dashed line is where ChannelFailing starts. Click one to look into its channel.',
        queries: [{ expr: q.failingAttempts(q.relays, by), legend: '{{relay_channel_name}}' }],
      }),
      series({
        title: 'First chunk by channel, p95', unit: 's', limits: [[10, 'red']], toChannel: true,
        description: 'From the start of an attempt to the first event of its stream. The dashed line is where ChannelSlow starts.',
        queries: [{ expr: q.quantile(0.95, q.genAI.firstChunk, q.relays, by), legend: '{{relay_channel_name}}' }],
      }),
      series({
        title: 'Who carries the load of whom', unit: 'ops', stacked: true, toChannel: true,
        description: 'Retries a second: the channel that took over, and how the attempt before it ended. A channel that takes over a lot must be able to bear it.',
        queries: [{ expr: q.orZero(q.rate('relay_channel_retries_total', q.relays, ['relay_channel_name', 'reason'])), legend: '{{relay_channel_name}} took over after {{reason}}' }],
      }),
    ),
  ];
}

function runtime() {
  return each(8,
    series({
      title: 'Goroutines, expected against actual', unit: 'short', limits: levels,
      description: 'Actual: all there are. Expected: what the open connections and calls account for. Together they rise with load, and fall with it. Actual without expected is a leak: open Leak watch.',
      queries: [
        { expr: `go_goroutine_count{${q.relays}}`, legend: 'actual, {{host_name}} {{instance}}' },
        { expr: `relay_goroutines_expected{${q.relays}}`, legend: 'expected, {{host_name}} {{instance}}' },
        { expr: `relay_goroutines_unexplained{${q.relays}}`, legend: 'unexplained, {{host_name}} {{instance}}' },
      ],
    }),
    series({
      title: 'Memory', unit: 'bytes',
      description: 'Memory that Go uses, by kind, with the limit (GOMEMLIMIT) where one is set. Guide: below 2 GB is usual, above 3 GB look for a leak. Close to the limit the collector runs all the time: see its share of CPU.',
      queries: [
        { expr: `sum by (instance, host_name, go_memory_type) (go_memory_used_bytes{${q.relays}})`, legend: '{{go_memory_type}}, {{host_name}} {{instance}}' },
        { expr: `go_memory_limit_bytes{${q.relays}}`, legend: 'limit, {{host_name}} {{instance}}' },
        { expr: `go_memory_gc_goal_bytes{${q.relays}}`, legend: 'next collection at, {{host_name}} {{instance}}' },
      ],
    }),
    series({
      title: 'Garbage collection: pauses', unit: 's',
      description: 'How long the world stood still. Far below a millisecond is usual; more delays every stream at once.',
      queries: quantiles((p) => q.quantile(p, 'go_memory_gc_pause_duration_seconds', q.relays)),
    }),
    series({
      title: 'Garbage collection: how often', unit: 'ops',
      description: 'Collections a second. Many of them with the memory at its limit: give the process more memory or find what holds it.',
      queries: [{ expr: q.rate('go_memory_gc_cycles_total', q.relays, ['instance', 'host_name']), legend: '{{host_name}} {{instance}}' }],
    }),
    series({
      title: 'CPU', unit: 'short', stacked: true, decimals: 2,
      description: 'Cores in use, as the Go runtime estimates it: work of the program, and garbage collection. A quarter and more for gc: memory is short.',
      queries: [{ expr: q.rate('go_cpu_time_seconds_total', `${q.relays},go_cpu_state!="idle"`, ['go_cpu_state']), legend: '{{go_cpu_state}}' }],
    }),
    series({
      title: 'Waiting for CPU, and files', unit: 's',
      description: 'How long goroutines that were ready had to wait for a processor (p99). Milliseconds: the machine is short of CPU, and the overhead rises. File descriptors, on the right: connections that pile up.',
      queries: [
        { expr: q.quantile(0.99, 'go_schedule_duration_seconds', q.relays, ['instance', 'host_name']), legend: 'wait p99, {{host_name}} {{instance}}' },
        { expr: `${q.genAI.openFiles[0].name}{${q.relays}}`, legend: 'open files, {{host_name}} {{instance}}' },
      ],
    }).overrideByRegexp('open files.*', [{ id: 'unit', value: 'short' }, { id: 'custom.axisPlacement', value: 'right' }]),
  );
}

function pipeline() {
  return each(8,
    series({
      title: 'Queue of the collector', unit: 'bytes',
      description: 'What waits to be delivered. Near 0 but for moments. Growing: Prometheus refuses or is slow, see the collector\'s log; on disk, so nothing is lost while there is room.',
      queries: [{ expr: 'sum by (instance, exporter) (otelcol_exporter_queue_size)', legend: '{{exporter}}, {{instance}}' }],
    }),
    series({
      title: 'Points through the collector', unit: 'short',
      description: 'Points a second that the collector took and passed on. Sent follows accepted; refused or failed is not 0: runbook, CollectorLosingData.',
      queries: [
        { expr: 'sum(rate({__name__=~"otelcol_receiver_accepted_metric_points(_total)?"}[$__rate_interval]))', legend: 'accepted' },
        { expr: 'sum(rate({__name__=~"otelcol_exporter_sent_metric_points(_total)?"}[$__rate_interval]))', legend: 'sent' },
        { expr: q.orZero('sum(rate({__name__=~"otelcol_receiver_refused_metric_points(_total)?"}[$__rate_interval]))'), legend: 'refused' },
        { expr: q.orZero('sum(rate({__name__=~"otelcol_exporter_send_failed_metric_points(_total)?"}[$__rate_interval]))'), legend: 'failed' },
      ],
    }),
    series({
      title: 'Exports that failed, models folded', unit: 'short', decimals: 0,
      description: 'What relays could not deliver. What is passing costs resolution, no counts; permanent and partial are refused for good (runbook, TelemetryRefused). And measurements whose model went into _other because there are more than METRICS_MAX_MODEL_LABELS.',
      queries: [
        { expr: q.orZero(`sum by (instance, host_name, relay_telemetry_failure) (increase(relay_telemetry_export_failures_total{${q.relays}}[$__rate_interval]))`), legend: 'exports failed ({{relay_telemetry_failure}}), {{host_name}} {{instance}}' },
        { expr: q.orZero(`sum by (instance, host_name) (increase(relay_telemetry_folded_total{${q.relays}}[$__rate_interval]))`), legend: 'folded, {{host_name}} {{instance}}' },
      ],
    }),
  );
}
