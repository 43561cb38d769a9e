// Spend: what calls cost and at which channel, who is refused for it, and whether it is all written down.

import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { board, each } from './board';
import { anyIsBad, series, stat, table } from './panels';
import * as q from './queries';

const cost = 'relay_cost_total';
const tokens = 'relay_tokens_total';
const unpriced = 'relay_requests_unpriced_total';
const refused = 'relay_limits_refused_total';
const channel = ['relay_channel_name'];
const model = ['gen_ai_request_model'];
// Reasoning is a part of output: what is billed is these.
const disjoint = 'gen_ai_token_type!="reasoning"';

export function spend(): dashboard.Dashboard {
  return board({
    uid: 'one-api-spend', title: 'One API: spend', from: 'now-24h',
    description: 'What calls cost and at which channel, who is refused for it, and whether all of it is written down. By client token the ledger has it: the page of the relay, Spend, or GET /api/usage?by=token.',
    rows: [
      { title: 'Now', height: 4, panels: now() },
      { title: 'Money', height: 9, panels: money() },
      { title: 'Tokens', height: 8, panels: used() },
      { title: 'Limits and prices', height: 8, panels: limits() },
      { title: 'The ledger', height: 8, panels: ledger() },
    ],
  });
}

function now() {
  return each(3,
    stat({
      title: 'Spend in this time', unit: 'currencyUSD', decimals: 2, noValue: 'nothing',
      description: 'What upstreams take for the attempts in the time that is shown, failed and cut ones included. Too high: the tables below say which channel and model, the page of the relay (Spend) which token.',
      expr: q.gained(cost, q.relays),
    }),
    stat({
      title: 'Spend an hour, now', unit: 'currencyUSD', decimals: 2, noValue: 'nothing',
      description: 'At the rate of the last minutes. A jump: look at the channels and the classes of tokens below, then at what is in flight on the page of the relay.',
      expr: `3600 * ${q.rate(cost, q.relays)}`,
    }),
    stat({
      title: 'Without a price', unit: 'short', decimals: 0, limits: anyIsBad,
      description: 'Attempts in the time that is shown that cost something nobody knows. Give their models a price (prices: in channels.yaml); which they are is below. Runbook: ModelUnpriced.',
      expr: q.orZero(q.gained(unpriced, q.relays)),
    }),
    stat({
      title: 'Refused by limits', unit: 'short', decimals: 0,
      description: 'Calls in the time that is shown that were over a limit or a budget. Who they are: the page of the relay, Requests, outcome rejected.',
      expr: q.orZero(q.gained(refused, q.relays)),
    }),
    stat({
      title: 'Rows that wait', unit: 'short', limits: [[1000, 'yellow'], [10000, 'red']], noValue: 'no ledger',
      description: 'Rows of the ledger that its database has not taken yet. Near 0 but for moments. Growing: the database is slow or away, see the age beside it.',
      expr: `sum (relay_ledger_queue{${q.relays}})`,
    }),
    stat({
      title: 'Oldest of them', unit: 's', limits: [[10, 'yellow'], [60, 'red']], noValue: 'no ledger',
      description: 'For how long the database has taken nothing, if that is more than moments. Calls go on all the same, and nothing is lost while there is room on disk: the log of the relay says why. Runbook: LedgerSpilling.',
      expr: `max (relay_ledger_age_seconds{${q.relays}})`,
    }),
    stat({
      title: 'Rows lost', unit: 'short', decimals: 0, limits: anyIsBad,
      description: 'Rows that neither database nor disk nor memory took in the time that is shown: more was spent than the ledger says. Make room for LEDGER_SPILL_DIR. Runbook: LedgerLosing.',
      expr: q.orZero(q.gained('relay_ledger_lost_total', q.relays)),
    }),
    stat({
      title: 'Books differ by', unit: 'short', limits: anyIsBad, noValue: 'no ledger',
      description: 'Rows against daily sums, and daily sums against what tokens have spent, in nano-dollars. Anything but 0 is a bug: keep the database as it is and report it. Runbook: LedgerUnbalanced.',
      expr: `max (abs(relay_ledger_balance{${q.relays}}))`,
    }),
  );
}

function money() {
  return [
    ...each(14, series({
      title: 'Spend an hour, by channel', unit: 'currencyUSD', stacked: true, toChannel: true, noValue: 'nothing',
      description: 'US dollars an hour that each channel takes, discounts included. Click one to look into it. Unlike yesterday: compare with the tokens below, for prices change as well.',
      queries: [{ expr: `3600 * ${q.rate(cost, q.relays, channel)}`, legend: '{{relay_channel_name}}' }],
    })),
    ...each(10, table({
      title: 'Spend in this time, by channel', key: { label: 'relay_channel_name', name: 'Channel' }, sortBy: 'Spend', toChannel: true,
      description: 'What each channel took in the time that is shown, the dearest first, and what it did for that. A million tokens: all classes together, so a cheap one may only be answering from caches.',
      columns: [
        { name: 'Spend', expr: q.gained(cost, q.relays, channel), unit: 'currencyUSD', decimals: 2 },
        { name: 'Tokens', expr: q.gained(tokens, `${q.relays},${disjoint}`, channel), unit: 'short', decimals: 1 },
        { name: 'USD a million', expr: `1e6 * ${q.gained(cost, q.relays, channel)} / (${q.gained(tokens, `${q.relays},${disjoint}`, channel)} > 0)`, unit: 'currencyUSD', decimals: 2 },
        { name: 'Without a price', expr: q.gained(unpriced, q.relays, channel), unit: 'short', decimals: 0, limits: anyIsBad },
      ],
    })),
    ...each(14, series({
      title: 'Spend an hour, by model', unit: 'currencyUSD', stacked: true, noValue: 'nothing',
      description: 'US dollars an hour by the model that was asked for, over all channels. Models that no configuration names, beyond the first 500, are _other. Which token asks for a dear one: the page of the relay, Spend, by token and model.',
      queries: [{ expr: `3600 * ${q.rate(cost, q.relays, model)}`, legend: '{{gen_ai_request_model}}' }],
    })),
    ...each(10, table({
      title: 'Spend in this time, by model', key: { label: 'gen_ai_request_model', name: 'Model' }, sortBy: 'Spend',
      description: 'What each model took in the time that is shown, the dearest first, and how many of its attempts cost something of which nobody knows how much: those are not in its spend. Prices: in channels.yaml gives it one.',
      columns: [
        { name: 'Spend', expr: q.gained(cost, q.relays, model), unit: 'currencyUSD', decimals: 2 },
        { name: 'Without a price', expr: q.gained(unpriced, q.relays, model), unit: 'short', decimals: 0, limits: anyIsBad },
      ],
    })),
  ];
}

function used() {
  return each(8,
    series({
      title: 'Tokens by class', unit: 'short', stacked: true, noValue: 'none',
      description: 'Tokens a second by class; they do not overlap. input: read anew. cache_read: from a prompt cache, mostly a tenth of the price. cache_write: mostly dearer than input. Few cache reads where conversations are long: a proxy or a client changes the beginning of its prompts.',
      queries: [{ expr: q.rate(tokens, `${q.relays},${disjoint}`, ['gen_ai_token_type']), legend: '{{gen_ai_token_type}}' }],
    }),
    series({
      title: 'Tokens by who counted them', unit: 'short', stacked: true, noValue: 'none',
      description: 'provider: as the upstream said. estimated: guessed by the relay from what was sent and received, since the stream was cut or the upstream says nothing. Much of it is estimated: look which channel, and at its stream_usage.',
      queries: [{ expr: q.rate(tokens, `${q.relays},${disjoint}`, ['source']), legend: '{{source}}' }],
    }),
    series({
      title: 'Tokens by model', unit: 'short', stacked: true, noValue: 'none',
      description: 'Tokens a second, in and out, by the model that was asked for. What they cost is above.',
      queries: [
        { expr: q.rate(q.genAI.tokensIn, q.relays, ['gen_ai_request_model']), legend: '{{gen_ai_request_model}}, in' },
        { expr: q.rate(q.genAI.tokensOut, q.relays, ['gen_ai_request_model']), legend: '{{gen_ai_request_model}}, out' },
      ],
    }),
  );
}

function limits() {
  return each(8,
    series({
      title: 'Budgets: how much is spent', unit: 'percentunit', limits: [[0.8, 'yellow'], [1, 'red']], noValue: 'no budgets',
      description: 'The share of each budget that is spent in its period: of tokens, groups, and all together. The lines are where BudgetNearlySpent and BudgetSpent start. A token at 1 is refused until its period ends or its budget grows (PATCH /api/token/NAME).',
      queries: [{ expr: `max by (relay_budget_scope, relay_budget_name) (relay_budget_used_ratio{${q.relays}})`, legend: '{{relay_budget_scope}} {{relay_budget_name}}' }],
    }),
    series({
      title: 'Refused, by limit', unit: 'reqps', stacked: true,
      description: 'Calls a second that were refused before an upstream was asked, by the limit that they would have passed: rpm, tpm, concurrent, budget, unpriced. Much of one: a client does not slow down, or its limit is too small. GET /api/token has them.',
      queries: [{ expr: q.orZero(q.rate(refused, q.relays, ['limit'])), legend: '{{limit}}' }],
    }),
    series({
      title: 'Without a price, by model', unit: 'short', decimals: 0, stacked: true,
      description: 'Attempts that cost something of which nobody knows how much, by model and channel. GET /api/prices?model=NAME says what is known; prices: in channels.yaml gives one.',
      queries: [{ expr: q.orZero(`sum by (gen_ai_request_model, relay_channel_name) (increase(${unpriced}{${q.relays}}[$__rate_interval]))`), legend: '{{gen_ai_request_model}} {{relay_channel_name}}' }],
    }),
  );
}

function ledger() {
  const by = 'by (instance, host_name)';
  const gains = (counter: string) => q.orZero(`sum ${by} (increase(${counter}{${q.relays}}[$__rate_interval]))`);
  return each(6,
    series({
      title: 'Rows that wait', unit: 'short', limits: [[10000, 'red']], noValue: 'no ledger',
      description: 'Rows that the database has not taken yet, in memory and in the file beside it. It follows the load, and comes back to 0. Growing: the database is slow or away.',
      queries: [{ expr: `relay_ledger_queue{${q.relays}}`, legend: '{{host_name}} {{instance}}' }],
    }),
    series({
      title: 'Age of the oldest', unit: 's', limits: [[60, 'red']], noValue: 'no ledger',
      description: 'How long the oldest of them has waited. A straight line upwards: the database takes nothing since it left 0, and the log of the relay says why.',
      queries: [{ expr: `relay_ledger_age_seconds{${q.relays}}`, legend: '{{host_name}} {{instance}}' }],
    }),
    series({
      title: 'Spilled, replayed, lost', unit: 'short', decimals: 0,
      description: 'Rows that were put into the file, taken from it again, and lost. What was spilled is replayed when the database is back: if not, look at its log. Lost is never good.',
      queries: [
        { expr: gains('relay_ledger_spilled_total'), legend: 'spilled, {{host_name}} {{instance}}' },
        { expr: gains('relay_ledger_replayed_total'), legend: 'replayed, {{host_name}} {{instance}}' },
        { expr: gains('relay_ledger_lost_total'), legend: 'lost, {{host_name}} {{instance}}' },
      ],
      colours: [['lost.*', 'red']],
    }),
    series({
      title: 'By how much the books differ', unit: 'short', min: null, noValue: 'no ledger',
      description: 'rows: the rows against the daily sums. spent: the daily sums against what tokens have spent. Both are 0, or there is a bug: keep the database as it is and report it.',
      queries: [{ expr: `relay_ledger_balance{${q.relays}}`, legend: '{{balance}}, {{host_name}} {{instance}}' }],
    }),
  );
}
