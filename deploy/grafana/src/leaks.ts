// Leak watch: does anything grow that should not, and whose is it.

import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { board, each } from './board';
import { anyIsBad, levels, series, stat } from './panels';
import * as q from './queries';

const all = `go_goroutine_count{${q.relays}}`;
const unexplained = `relay_goroutines_unexplained{${q.relays}}`;
const perHour = (gauge: string, window: string) => `3600 * deriv(${gauge}[${window}])`;

export function leaks(): dashboard.Dashboard {
  return board({
    uid: 'one-api-leaks', title: 'One API: leak watch', from: 'now-6h',
    description: 'Does anything grow that should not, and whose is it. Levels: elevated from 2,000 goroutines, high above 5,000, severe above 10,000. The old relay crashed at 169,000.',
    rows: [
      { title: 'Now', height: 4, panels: now() },
      { title: 'Goroutines and their levels', height: 10, panels: goroutines() },
      { title: 'Slopes: flat is sound', height: 8, panels: slopes() },
      { title: 'Whose are they', height: 8, panels: holders() },
    ],
  });
}

function now() {
  return each(4,
    stat({
      title: 'Goroutines', unit: 'short', limits: levels, legend: '{{host_name}} {{instance}}',
      description: 'Green below 2,000; yellow elevated; orange high, above 5,000; red severe, above 10,000. Runbook: GoroutinesElevated, GoroutinesHigh, GoroutinesSevere.',
      expr: `max by (instance, host_name) (${all})`,
    }),
    stat({
      title: 'Unexplained', unit: 'short', limits: [[100, 'yellow'], [501, 'red']], legend: '{{host_name}} {{instance}}',
      description: 'Goroutines that no connection and no call accounts for. Near 0 whatever the load. Red is where GoroutinesUnexplained starts: GET /api/monitor/leaks says which can never wake.',
      expr: `max by (instance, host_name) (${unexplained})`,
    }),
    stat({
      title: 'Growth an hour', unit: 'short', decimals: 0, limits: [[100, 'yellow'], [300, 'red']], legend: '{{host_name}} {{instance}}',
      description: 'Slope of the goroutines over the last hour. Red is where GoroutinesGrowing starts, unless requests became more frequent as well.',
      expr: `max by (instance, host_name) (${perHour(all, '1h')})`,
    }),
    stat({
      title: 'Hours until high', unit: 'h', decimals: 1, limits: [[6, 'yellow'], [24, 'green']], base: 'red', legend: '{{host_name}} {{instance}}',
      description: 'When 5,000 goroutines are reached if the last hour goes on like this: how much time there is. 999 is "not in sight".',
      expr: `max by (instance, host_name) (clamp((5000 - ${all}) / clamp_min(${perHour(all, '1h')}, 0.01), 0, 999))`,
      mappings: [{ type: dashboard.MappingType.RangeToText, options: { from: 999, to: null, result: { text: 'not in sight', color: 'green' } } }],
    }),
    stat({
      title: 'Oldest call', unit: 's', limits: [[300, 'yellow'], [900, 'red']],
      description: 'The oldest open call on any channel; whose it is stands below. Red is where ChannelHanging starts.',
      expr: `max(relay_channel_oldest_in_flight_seconds{${q.relays}})`,
    }),
    stat({
      title: 'Leaked answers', unit: 'short', decimals: 0, limits: anyIsBad,
      description: 'Answers that the safety net closed in the time shown. Anything but 0 is a bug in the relay: runbook, LeakedBodies.',
      expr: q.orZero(`ceil(${q.gained('relay_channel_leaked_bodies_total', q.relays)})`),
    }),
  );
}

function goroutines() {
  return each(12,
    series({
      title: 'Goroutines, with the levels as bands', unit: 'short', limits: levels, bands: true,
      description: 'Green band: normal. Yellow: elevated (2,000 to 5,000), watch. Orange: high, act. Red: severe (above 10,000), keep the evidence and act now. A healthy line breathes with the load; a leak is a staircase.',
      queries: [{ expr: all, legend: '{{host_name}} {{instance}}' }],
    }),
    series({
      title: 'Expected against actual', unit: 'short',
      description: 'Expected is what open connections and calls account for. Both rise: load, calls that do not end (see the oldest call), or idle clients, which are no trouble and alert nobody. Only actual rises: goroutines leak (unexplained).',
      queries: [
        { expr: all, legend: 'actual, {{host_name}} {{instance}}' },
        { expr: `relay_goroutines_expected{${q.relays}}`, legend: 'expected, {{host_name}} {{instance}}' },
        { expr: unexplained, legend: 'unexplained, {{host_name}} {{instance}}' },
        { expr: `relay_client_connections{${q.relays},http_connection_state="idle"}`, legend: 'idle clients, {{host_name}} {{instance}}' },
      ],
    }),
  );
}

function slopes() {
  return each(6,
    series({
      title: 'Goroutines an hour', unit: 'short', min: null, decimals: 0, limits: [[300, 'red']],
      description: 'Slopes over a quarter of an hour (nervous) and over an hour. Around 0 on the average of a day. The dashed line is where GoroutinesGrowing starts, which takes the floor of ten minutes: peaks do not count there.',
      queries: [
        { expr: perHour(all, '15m'), legend: '15 minutes, {{host_name}} {{instance}}' },
        { expr: perHour(all, '1h'), legend: '1 hour, {{host_name}} {{instance}}' },
      ],
    }),
    series({
      title: 'Unexplained goroutines an hour', unit: 'short', min: null, decimals: 0, limits: [[30, 'red']],
      description: 'The slow leak, whatever the load. The dashed line is where UnexplainedGoroutinesGrowing starts, which takes the floor of ten minutes: peaks do not count there.',
      queries: [
        { expr: perHour(unexplained, '15m'), legend: '15 minutes, {{host_name}} {{instance}}' },
        { expr: perHour(unexplained, '1h'), legend: '1 hour, {{host_name}} {{instance}}' },
      ],
    }),
    series({
      title: 'The quietest moment of each half hour', unit: 'short',
      description: 'Lowest number of goroutines and of bytes in the half hour before. Load makes peaks; only what is never given back lifts the floor.',
      queries: [
        { expr: `min_over_time(${all}[30m])`, legend: 'goroutines, {{host_name}} {{instance}}' },
        { expr: `sum by (instance, host_name) (min_over_time(go_memory_used_bytes{${q.relays}}[30m]))`, legend: 'memory, {{host_name}} {{instance}}' },
      ],
    }).overrideByRegexp('memory.*', [{ id: 'unit', value: 'bytes' }, { id: 'custom.axisPlacement', value: 'right' }]),
    series({
      title: 'Memory and files an hour', unit: 'bytes', min: null,
      description: 'Slope of the memory over an hour, and of open files (right). Memory that grows with goroutines: what they hold. Without: caches, or a heap that has not been collected yet.',
      queries: [
        { expr: `sum by (instance, host_name) (${perHour(`go_memory_used_bytes{${q.relays}}`, '1h')})`, legend: 'memory, {{host_name}} {{instance}}' },
        { expr: perHour(`${q.genAI.openFiles[0].name}{${q.relays}}`, '1h'), legend: 'open files, {{host_name}} {{instance}}' },
      ],
    }).overrideByRegexp('open files.*', [{ id: 'unit', value: 'short' }, { id: 'custom.axisPlacement', value: 'right' }]),
  );
}

function holders() {
  const by = (gauge: string, how = 'sum') => `${how} by (relay_channel_name) (${gauge}{${q.relays}})`;
  const each1 = { toChannel: true, unit: 'short' };
  return each(6,
    series({
      ...each1, title: 'Calls in flight, by channel',
      description: 'The channel that holds the calls holds the goroutines. Click it.',
      queries: [{ expr: by('relay_channel_in_flight'), legend: '{{relay_channel_name}}' }],
    }),
    series({
      ...each1, title: 'Oldest call, by channel', unit: 's', limits: [[900, 'red']],
      description: 'A straight line upwards is a call that hangs. Disable that channel (runbook, ChannelHanging).',
      queries: [{ expr: by('relay_channel_oldest_in_flight_seconds', 'max'), legend: '{{relay_channel_name}}' }],
    }),
    series({
      ...each1, title: 'Goroutines, by channel', noValue: 'not sampled: fewer than 2,000 goroutines, and nobody has asked /api/monitor/goroutines',
      description: 'From the goroutine profile: sampled only while there are 2,000 or more, or for half a minute after somebody asked GET /api/monitor/goroutines.',
      queries: [{ expr: by('relay_channel_goroutines'), legend: '{{relay_channel_name}}' }],
    }),
    series({
      ...each1, title: 'Open answers and connections, by channel',
      description: 'Upstream answers that are open, and connections. Open answers never outlast the calls: more of them than calls in flight is a leak.',
      queries: [
        { expr: by('relay_channel_open_bodies'), legend: 'open answers, {{relay_channel_name}}' },
        { expr: by('http_client_open_connections'), legend: 'connections, {{relay_channel_name}}' },
      ],
    }),
  );
}
