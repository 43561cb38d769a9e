// The pieces of PromQL that panels are made of. Two levels are never mixed in one figure: what clients experience (one record a
// request: gen_ai_server_*, http_server_*, relay_request*) and what channels do (one record an attempt: gen_ai_client_*,
// relay_channel_*). See telemetry/METRICS.md.

import { names } from './names';

/** The selector of the relays that the dashboard is set to. */
export const relays = 'instance=~"$instance"';
/** The same, and the one channel of the drill-down. */
export const oneChannel = `${relays},relay_channel_name="$channel"`;

// What only the client, or whoever stops the relay, answers for. The alert rules leave out the same (deploy/prometheus/rules/recording.yml).
const nobodysAttempt = 'client_gone|client_stalled|operator_ended|shutdown|panic';
const nobodysRequest = 'client_gone|client_stalled|operator_ended|shutdown|rejected';
const clientsFault = 'error_type!~"400|413|422|451"';

const attempts = 'relay_channel_attempts_total';
const requests = 'gen_ai_server_request_duration_seconds_count';

/** A figure's name. The names of the GenAI conventions change (names.ts, made by "go generate ./telemetry"): all that a relay may use. */
export interface Named {
  name: string;
  /** What its series have to match beside what is asked for. */
  selector?: string;
}
export type Figure = string | Named[];
export const genAI: Record<keyof typeof names, Named[]> = names;

/** A function over time of the series that have any of a figure's names. */
function over(fn: string, figure: Figure, selector: string, time: string): string {
  const all = typeof figure === 'string' ? [{ name: figure }] : figure;
  return all.map((f: Named) => `${fn}(${f.name}{${[selector, ...(f.selector ? [f.selector] : [])].join(',')}}[${time}])`).join(' or ');
}

/** Sums a counter's rate: per second, by labels. */
export function rate(counter: Figure, selector: string, by: string[] = []): string {
  return `sum${grouping(by)} (${over('rate', counter, selector, '$__rate_interval')})`;
}

/** What a counter gained in the time that the dashboard shows. */
export function gained(counter: Figure, selector: string, by: string[] = []): string {
  return `sum${grouping(by)} (${over('increase', counter, selector, '$__range')})`;
}

/** The buckets of a histogram. */
export function buckets(histogram: Figure): Figure {
  return typeof histogram === 'string' ? `${histogram}_bucket` : histogram.map((f) => ({ ...f, name: `${f.name}_bucket` }));
}

/** A quantile of a histogram. */
export function quantile(q: number, histogram: Figure, selector: string, by: string[] = []): string {
  return `histogram_quantile(${q}, ${rate(buckets(histogram), selector, [...by, 'le'])})`;
}

/** The share of attempts that failed, of those that could succeed; 0 where there were attempts and none failed. */
export function failingAttempts(selector: string, by: string[] = []): string {
  const judged = rate(attempts, `${selector},relay_outcome!~"${nobodysAttempt}",${clientsFault}`, by);
  const failed = rate(attempts, `${selector},relay_outcome!~"completed|${nobodysAttempt}",${clientsFault}`, by);
  return share(failed, judged);
}

/** The share of requests that failed for their clients; 0 where there were requests and none failed. */
export function failingRequests(selector: string, by: string[] = []): string {
  const judged = rate(requests, `${selector},relay_outcome!~"${nobodysRequest}",${clientsFault}`, by);
  const failed = rate(requests, `${selector},relay_outcome!~"completed|${nobodysRequest}",${clientsFault}`, by);
  return share(failed, judged);
}

function share(failed: string, judged: string): string {
  return `(${failed} or 0 * ${judged}) / (${judged} > 0)`;
}

/** The matchers of attempts, and of requests, that failed by somebody's doing. */
export const failedAttempt = `relay_outcome!~"completed|${nobodysAttempt}"`;
export const failedRequest = `relay_outcome!~"completed|${nobodysRequest}"`;

/** What nobody has counted yet is 0, where nothing is good news. on() keeps a 0 from standing beside what was counted. */
export function orZero(query: string): string {
  return `${query} or on () vector(0)`;
}

/** A channel's state as a number that can be coloured: 0 healthy, 1 degraded, 2 cooling, 3 disabled. */
export function channelState(selector: string): string {
  const state = (name: string, code: number) => `${code} * (relay_channel_state{${selector},relay_channel_state="${name}"} == 1)`;
  return `max by (relay_channel_name) (${state('healthy', 0)} or ${state('degraded', 1)} or ${state('cooling', 2)} or ${state('disabled', 3)})`;
}

function grouping(by: string[]): string {
  return by.length > 0 ? ` by (${by.join(', ')})` : '';
}
