// Channel drill-down: all that is known of one channel.

import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { board, each } from './board';
import { anyIsBad, quantiles, series, stat, stateNames, table } from './panels';
import * as q from './queries';

const c = q.oneChannel;
const endings: [string, string][] = [['completed.*', 'green'], ['client_gone.*|client_stalled.*', 'blue'], ['operator_ended.*|shutdown.*', 'text']];

export function channel(): dashboard.Dashboard {
  return board({
    uid: 'one-api-channel', title: 'One API: channel', from: 'now-1h', channel: true,
    description: 'One channel: how its attempts end, how long they take, what it holds. Attempt-level figures throughout: failover may have hidden from clients what is seen here.',
    rows: [
      { title: '$channel now', height: 4, panels: now() },
      { title: 'How its attempts end', height: 8, panels: outcomes() },
      { title: 'How long they take', height: 8, panels: latency() },
      { title: 'What it holds', height: 8, panels: holds() },
      { title: 'Retries and tokens', height: 8, panels: usage() },
    ],
  });
}

function now() {
  const key = (state: string) => `relay_channel_keys{${c},state="${state}"}`;
  return each(3,
    stat({
      title: 'State', unit: 'short', mappings: stateNames, limits: [[1, 'yellow'], [2, 'orange'], [3, 'red']],
      description: 'The worst of all relays. Degraded: failures in a row. Cooling: passed over for a while, tried with single calls. Disabled: by the operator or the configuration. To switch it: POST /api/channel/NAME/disable or /enable.',
      expr: q.channelState(c),
    }),
    stat({
      title: 'Failing', unit: 'percentunit', decimals: 1, limits: [[0.05, 'yellow'], [0.2, 'red']], noValue: 'no attempts',
      description: 'Share of its attempts that failed by its doing. Red is where ChannelFailing starts. How they fail is below.',
      expr: q.failingAttempts(c),
    }),
    stat({
      title: 'First chunk, p95', unit: 's', limits: [[5, 'yellow'], [10, 'red']], noValue: 'no streams',
      description: 'From the start of an attempt to the first event of its stream. Red is where ChannelSlow starts.',
      expr: q.quantile(0.95, q.genAI.firstChunk, c),
    }),
    stat({
      title: 'In flight', unit: 'short',
      description: 'Attempts that are open now, on all relays.',
      expr: `sum(relay_channel_in_flight{${c}})`,
    }),
    stat({
      title: 'Oldest call', unit: 's', limits: [[300, 'yellow'], [900, 'red']],
      description: 'Age of its oldest open call. Ageing by a second a second: that call hangs, or streams for very long. Red is where ChannelHanging starts.',
      expr: `max(relay_channel_oldest_in_flight_seconds{${c}})`,
    }),
    stat({
      title: 'Keys usable', unit: 'short', limits: [[1, 'green']], base: 'red',
      description: 'Keys that can be used now, on the relay that has the fewest. 0: the channel is passed over until one has rested.',
      expr: `min(${key('usable')})`,
    }),
    stat({
      title: 'Keys refused', unit: 'short', limits: anyIsBad,
      description: 'Keys that the provider answered 401, 402 or 403 to: wrong, revoked or out of credit. Does not heal by itself.',
      expr: `max(${key('refused')})`,
    }),
    stat({
      title: 'Leaked answers', unit: 'short', decimals: 0, limits: anyIsBad,
      description: 'Answers that the safety net closed in the time shown. Anything but 0 is a bug in the relay: runbook, LeakedBodies.',
      expr: q.orZero(`ceil(${q.gained('relay_channel_leaked_bodies_total', c)})`),
    }),
  );
}

function outcomes() {
  return [
    ...each(8,
      series({
        title: 'Attempts by outcome', unit: 'ops', stacked: true, colours: endings,
        description: 'Attempts a second by how they ended. Timeouts name the clock that ran out: header (no answer), first_token (a stream without a word), idle (silence in its middle).',
        queries: [{ expr: q.rate('relay_channel_attempts_total', c, ['relay_outcome']), legend: '{{relay_outcome}}' }],
      }),
      series({
        title: 'Failures by error type', unit: 'ops', stacked: true,
        description: 'The same without what was answered and what clients did; upstream_status by its code. 401, 403: keys. 429: limits. 5xx: the provider. 404: a model that it does not have.',
        queries: [{ expr: q.orZero(q.rate('relay_channel_attempts_total', `${c},${q.failedAttempt}`, ['relay_outcome', 'error_type'])), legend: '{{relay_outcome}} {{error_type}}' }],
      }),
      series({
        title: 'Share that fails, by model', unit: 'percentunit', max: 1, limits: [[0.2, 'red']],
        description: 'One model only: take it out of the channel\'s models. All: the channel, its keys or its network.',
        queries: [{ expr: q.failingAttempts(c, ['gen_ai_request_model']), legend: '{{gen_ai_request_model}}' }],
      }),
    ),
    ...each(24, table({
      title: 'Models', key: { label: 'gen_ai_request_model', name: 'Model' }, sortBy: 'Failed',
      description: 'What this channel did for each model in the time shown. Tokens as the provider counts them.',
      columns: [
        { name: 'Attempts', expr: q.gained('relay_channel_attempts_total', c, ['gen_ai_request_model']), unit: 'short', decimals: 0 },
        { name: 'Failed', expr: q.gained('relay_channel_attempts_total', `${c},${q.failedAttempt}`, ['gen_ai_request_model']), unit: 'short', decimals: 0 },
        { name: 'First chunk p95', expr: `histogram_quantile(0.95, ${q.gained(q.buckets(q.genAI.firstChunk), c, ['gen_ai_request_model', 'le'])})`, unit: 's', limits: [[5, 'yellow'], [10, 'red']] },
        { name: 'Duration p95', expr: `histogram_quantile(0.95, ${q.gained(q.buckets(q.genAI.duration), c, ['gen_ai_request_model', 'le'])})`, unit: 's' },
        { name: 'Tokens in', expr: q.gained(q.genAI.tokensIn, c, ['gen_ai_request_model']), unit: 'short', decimals: 0 },
        { name: 'Tokens out', expr: q.gained(q.genAI.tokensOut, c, ['gen_ai_request_model']), unit: 'short', decimals: 0 },
      ],
    })),
  ];
}

function latency() {
  return each(8,
    series({
      title: 'Duration of attempts', unit: 's', exemplars: true,
      description: 'Attempts to their end, however they ended. A p99 at a round figure is a clock that runs out. The points are single calls that were traced: each leads to its trace.',
      queries: quantiles((p) => q.quantile(p, q.genAI.duration, c)),
    }),
    series({
      title: 'Time to first chunk', unit: 's', limits: [[10, 'red']], noValue: 'no streams', exemplars: true,
      description: 'How long a stream is silent before its first event. The dashed line is where ChannelSlow starts. The points lead to traces.',
      queries: quantiles((p) => q.quantile(p, q.genAI.firstChunk, c)),
    }),
    series({
      title: 'Time between chunks', unit: 's', noValue: 'no streams', exemplars: true,
      description: 'How smoothly it speaks. A p99 of seconds: it stutters, or sends few large pieces. The points are the longest silences of streams that were traced, and lead to their traces.',
      queries: quantiles((p) => q.quantile(p, q.genAI.perChunk, c)),
    }),
  );
}

function holds() {
  return each(8,
    series({
      title: 'In flight, and open answers', unit: 'short',
      description: 'Open attempts, and upstream answers that are open. Answers never outlast their attempts: open answers above in flight, or both growing under steady load, is a leak.',
      queries: [
        { expr: `sum by (instance, host_name) (relay_channel_in_flight{${c}})`, legend: 'in flight, {{host_name}} {{instance}}' },
        { expr: `sum by (instance, host_name) (relay_channel_open_bodies{${c}})`, legend: 'open answers, {{host_name}} {{instance}}' },
      ],
    }),
    series({
      title: 'Oldest call', unit: 's', limits: [[900, 'red']],
      description: 'A sawtooth is traffic. A straight line upwards is a call that hangs: a stuck upstream, until a clock ends it. Nothing ends it: disable the channel, and lower its timeouts.',
      queries: [{ expr: `max by (instance, host_name) (relay_channel_oldest_in_flight_seconds{${c}})`, legend: '{{host_name}} {{instance}}' }],
    }),
    series({
      title: 'Connections', unit: 'short', stacked: true,
      description: 'Connections to its upstream. Active ones follow the calls; idle ones are kept for the next. Growing without calls: connections are not used again.',
      queries: [{ expr: `sum by (http_connection_state) (http_client_open_connections{${c}})`, legend: '{{http_connection_state}}' }],
    }),
    series({
      title: 'Keys', unit: 'short', stacked: true, colours: [['usable.*', 'green'], ['cooling.*', 'yellow'], ['refused.*', 'red']],
      description: 'Cooling: limited (429), back by itself. Refused: 401, 402, 403, needs somebody. Many cooling: more keys, or a max_concurrent for the channel.',
      queries: [{ expr: `sum by (state, instance, host_name) (relay_channel_keys{${c}})`, legend: '{{state}}, {{host_name}} {{instance}}' }],
    }),
    series({
      title: 'Goroutines', unit: 'short', noValue: 'not sampled: fewer than 2,000 goroutines, and nobody has asked /api/monitor/goroutines',
      description: 'Goroutines that work for this channel. Sampled only while there are 2,000 or more, or for half a minute after somebody asked GET /api/monitor/goroutines.',
      queries: [{ expr: `sum by (instance, host_name) (relay_channel_goroutines{${c}})`, legend: '{{host_name}} {{instance}}' }],
    }),
    series({
      title: 'Leaked answers', unit: 'short', decimals: 0, limits: anyIsBad,
      description: 'Answers that the safety net closed, since each relay started. A step is a bug in the relay: take the leak report.',
      queries: [{ expr: `sum by (instance, host_name) (relay_channel_leaked_bodies_total{${c}})`, legend: '{{host_name}} {{instance}}' }],
    }),
  );
}

function usage() {
  return each(6,
    series({
      title: 'Failed here: retries away, at most', unit: 'ops', stacked: true,
      description: 'Failures that a client can have been spared by another channel or key, by outcome. It is an upper bound of the retries away from here: what had already begun to stream, or had nowhere left to go, ended as a failure. Beside it: who took over.',
      queries: [{ expr: q.orZero(q.rate('relay_channel_attempts_total', `${c},${q.failedAttempt},error_type!~"400|413|422|451"`, ['relay_outcome'])), legend: 'after {{relay_outcome}}' }],
    }),
    series({
      title: 'Who took over, from anybody', unit: 'ops', stacked: true, toChannel: true,
      description: 'Retries at other channels, by how the attempt before ended. The relay counts a retry where it arrives and not where it comes from: with several failing channels this shows the load of all of them.',
      queries: [{ expr: q.orZero(q.rate('relay_channel_retries_total', `${q.relays},relay_channel_name!="$channel"`, ['relay_channel_name', 'reason'])), legend: '{{relay_channel_name}} after {{reason}}' }],
    }),
    series({
      title: 'Taken over by this one', unit: 'ops', stacked: true,
      description: 'Retries that arrived here because another attempt had failed, by how that one ended. They are part of its attempts above.',
      queries: [{ expr: q.orZero(q.rate('relay_channel_retries_total', c, ['reason'])), legend: 'after {{reason}}' }],
    }),
    series({
      title: 'Tokens', unit: 'short', noValue: 'none were reported',
      description: 'Tokens a second, as the provider counts them. Cached ones are part of the input, reasoning ones of the output. A channel without tokens answers nothing, or does not report usage.',
      queries: [
        { expr: q.rate(q.genAI.tokensIn, c), legend: 'input' },
        { expr: q.rate(q.genAI.tokensOut, c), legend: 'output' },
        { expr: q.orZero(q.rate('relay_channel_tokens_cached_total', c)), legend: 'of the input: cached' },
        { expr: q.orZero(q.rate('relay_channel_tokens_reasoning_total', c)), legend: 'of the output: reasoning' },
      ],
    }),
  );
}
