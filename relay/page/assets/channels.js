// All channels, and one of them.
import { html, useState, useMemo, useLive, useAsked, t, count, ms, age, moment, Fact, State, Cells, Problem, Empty, link } from './core.js';
import { Bars, Chart } from './charts.js';
import { Switches, Why } from './switches.js';
import { trouble } from './overview.js';
import { Calls } from './inflight.js';

const most = 200;

export default function Channels({ args: [name] }) {
  return name ? html`<${Channel} name=${name} />` : html`<${All} />`;
}

function All() {
  const { rows } = useLive();
  const [find, setFind] = useState('');
  const [state, setState] = useState('');
  const [model, setModel] = useState('');
  const [all, setAll] = useState(false);
  const wanted = find.trim().toLowerCase();
  const fits = [...rows.values()].filter((r) => (!wanted || r.name.toLowerCase().includes(wanted) || r.type.includes(wanted)) && (!state || r.state === state))
    .sort((a, b) => trouble(b) - trouble(a) || b.in_flight - a.in_flight || a.name.localeCompare(b.name));
  const shown = all ? fits : fits.slice(0, most);
  return html`<h1>${t('Channels')}</h1>
    <form class="row filters" role="search" onSubmit=${(e) => e.preventDefault()}>
      <label>${t('Find')}<input type="search" value=${find} onInput=${(e) => setFind(e.target.value)} /></label>
      <label>${t('State')}<select value=${state} onChange=${(e) => setState(e.target.value)}><option value="">${t('all')}</option>
        ${['healthy', 'degraded', 'cooling', 'disabled'].map((s) => html`<option value=${s}>${t(s === 'cooling' ? 'passed over' : s)}</option>`)}</select></label>
      <span class="soft">${t('{n} of {m}', { n: fits.length, m: rows.size })}</span>
    </form>
    ${fits.length === 0 ? html`<${Empty}>${t('No channel fits.')}</${Empty}>` : html`<${Cells} label=${t('Channels')} rows=${shown} id=${(r) => r.name} columns=${[
      { head: t('Channel'), kind: 'main', cell: (r) => html`<a href=${link('channels', r.name)}>${r.name}</a> <span class="soft">${r.type}</span>` },
      { head: t('State'), cell: (r) => html`<${State} is=${r.state} />` },
      { head: t('In flight'), kind: 'number', cell: (r) => count(r.in_flight) },
      { head: t('Oldest call'), kind: 'number', cell: (r) => (r.in_flight ? age(r.oldest_seconds) : '–') },
      { head: t('Good'), kind: 'number', cell: (r) => count(r.good) },
      { head: t('Failed'), kind: 'number', cell: (r) => count(r.failed) },
      { head: t('Keys'), kind: 'number', cell: (r) => `${r.keys_usable}/${r.keys}` },
      { head: t('Reason'), cell: (r) => (r.reason || r.hanging > 0 || r.left_in_a_row > 0 ? html`<${Why} row=${r} />` : null) },
    ]} />${fits.length > shown.length && html`<button class="quiet" onClick=${() => setAll(true)}>${t('Show all {n}', { n: fits.length })}</button>`}`}
    <section aria-labelledby="routes"><h2 id="routes">${t('Where does a model go?')}</h2>
      <label>${t('Model')} <input type="search" value=${model} placeholder="gpt-4o" onInput=${(e) => setModel(e.target.value.trim())} /></label>
      ${model && html`<${Routes} model=${model} />`}</section>`;
}

function Routes({ model }) {
  const { data, error } = useAsked(`/api/monitor/routes?model=${encodeURIComponent(model)}`, 5);
  if (error) return html`<${Problem} error=${error} />`;
  if (!data) return null;
  if (data.data.length === 0) return html`<${Empty}>${t('No channel has that model: a call for it is answered 404.')}</${Empty}>`;
  return html`<${Cells} label=${t('Where does a model go?')} rows=${data.data} id=${(r) => r.channel} columns=${[
    { head: t('Channel'), kind: 'main', cell: (r) => html`<a href=${link('channels', r.channel)}>${r.channel}</a>` },
    { head: t('Asked for'), cell: (r) => r.upstream_model },
    { head: t('Priority'), kind: 'number', cell: (r) => r.priority },
    { head: t('Weight'), kind: 'number', cell: (r) => r.weight },
    { head: t('Groups'), cell: (r) => (r.groups || []).join(', ') },
    { head: t('Passed over'), cell: (r) => (r.passed_over ? html`<span class="why">${r.passed_over}</span>` : html`<span class="well">${t('no')}</span>`) },
  ]} />`;
}

function Channel({ name }) {
  const { rows } = useLive();
  const of = encodeURIComponent(name);
  const row = rows.get(name);
  const { data, error } = useAsked(`/api/monitor/channels/${of}`, 2);
  const recent = useAsked(`/api/monitor/channels/${of}/recent`, 2).data;
  const goroutines = useAsked('/api/monitor/goroutines', 10).data;
  if (error && !data) return html`<h1>${name}</h1><${Problem} error=${error} />`;
  if (!data) return html`<h1>${name}</h1><p class="soft">${t('One moment …')}</p>`;
  const held = goroutines?.by_channel?.find((c) => c.channel === name)?.goroutines ?? 0;
  const attempts = Object.entries(data.attempts).sort((a, b) => b[1] - a[1]).map(([outcome, n]) => ({ name: outcome, value: n, text: count(n) }));
  return html`<p><a href="#/channels">← ${t('Channels')}</a></p>
    <h1>${data.name} <${State} is=${data.state} /></h1>
    ${row ? html`<${Why} row=${row} />` : data.reason && html`<p class="why">${data.reason}</p>`}
    <${Switches} row=${row || { name: data.name, state: data.state, in_flight: data.in_flight }} tests=${true} />
    <dl class="facts">
      <${Fact} name=${t('In flight')}>${count(data.in_flight)}${data.max_concurrent > 0 && ` / ${data.max_concurrent}`}</${Fact}>
      <${Fact} name=${t('Oldest call')}>${data.in_flight ? age(data.oldest_in_flight_seconds) : '–'}</${Fact}>
      <${Fact} name=${t('Keys')}>${t('{n} usable, {m} cooling, {k} refused', { n: data.keys.usable, m: data.keys.cooling, k: data.keys.refused })}</${Fact}>
      <${Fact} name=${t('Tried again in')}>${data.retry_in_seconds > 0 ? age(data.retry_in_seconds) : '–'}</${Fact}>
      <${Fact} name=${t('Time to first token')}>${ms(recent?.first_token.p50_ms || null)} <span class="soft">95 %: ${ms(recent?.first_token.p95_ms || null)}</span></${Fact}>
      <${Fact} name=${t('Whole call')}>${ms(recent?.took.p50_ms || null)} <span class="soft">95 %: ${ms(recent?.took.p95_ms || null)}</span></${Fact}>
      <${Fact} name=${t('Goroutines')}>${count(held)}</${Fact}>
      <${Fact} name=${t('Connections')}>${count(data.open_connections)}</${Fact}>
      <${Fact} name=${t('Type')}>${data.type} <span class="soft">${t('priority {n}, weight {m}', { n: data.priority, m: data.weight })}</span></${Fact}>
      <${Fact} name=${t('Groups')}>${(data.groups || []).join(', ')}</${Fact}>
    </dl>
    <${Pictures} of=${of} />
    <section aria-labelledby="attempts"><h2 id="attempts">${t('Attempts, by how they ended')}</h2>
      ${attempts.length ? html`<${Bars} rows=${attempts} label=${t('Attempts, by how they ended')} />` : html`<${Empty}>${t('None yet.')}</${Empty}>`}</section>
    <section aria-labelledby="failures"><h2 id="failures">${t('Last failures')}</h2>
      ${recent?.failures.length ? html`<${Cells} label=${t('Last failures')} rows=${recent.failures} id=${(f) => f.at + f.request_id} columns=${[
        { head: t('When'), cell: (f) => moment(f.at) },
        { head: t('Outcome'), kind: 'main', cell: (f) => f.outcome + (f.status ? ` ${f.status}` : '') },
        { head: t('Model'), cell: (f) => f.model },
        { head: t('After'), kind: 'number', cell: (f) => ms(f.ms) },
        { head: t('What was said'), cell: (f) => html`<span class="why">${f.detail}</span>` },
        { head: t('Request'), cell: (f) => html`<code>${f.request_id}</code>` },
      ]} />` : html`<${Empty}>${t('None yet.')}</${Empty}>`}</section>
    <section aria-labelledby="calls"><h2 id="calls">${t('In flight')}</h2><${Calls} channel=${name} /></section>
    <section aria-labelledby="models"><h2 id="models">${t('Models')}</h2><p class="models">${(data.models || []).map((m) => html`<code>${m}</code> `)}</p></section>`;
}

// Pictures is what the attempts at a channel were like in the last hours, every three minutes.
function Pictures({ of }) {
  const { data } = useAsked(`/api/monitor/channels/${of}/history`, 10);
  const pictures = useMemo(() => {
    const all = [...(data?.data || [])];
    while (all.length > 0 && all.length < 20) all.unshift({ t: all[0].t - data.interval_seconds }); // an hour at least, or the scale would be of years
    const column = (...names) => [all.map((s) => s.t), ...names.map((name) => all.map((s) => s[name]))];
    const times = (...names) => [all.map((s) => s.t), ...names.map((name) => all.map((s) => s[name] || null))];
    return { n: all.length, attempts: column('good', 'failed', 'timed_out', 'left', 'ours'), first: times('first_p50_ms', 'first_p95_ms'), took: times('took_p50_ms', 'took_p95_ms') };
  }, [data]);
  const spread = [{ label: '50 %', color: 'blue', points: true }, { label: '95 %', color: 'warn', points: true }];
  return html`<section aria-labelledby="hours"><h2 id="hours">${t('The last hours')}</h2>${pictures.n === 0 ? html`<${Empty}>${t('None yet.')}</${Empty}>` : html`<div class="charts">
    <${Chart} title=${t('Attempts in three minutes, by how they ended')} data=${pictures.attempts} format=${count} series=${[{ label: t('good'), color: 'good', fill: true, points: true }, { label: t('failed'), color: 'bad', points: true },
      { label: t('timed out'), color: 'warn', points: true }, { label: t('left'), color: 'soft', points: true }, { label: t('ended by us'), color: 'violet', points: true }]} />
    <${Chart} title=${t('Time to first token')} data=${pictures.first} format=${ms} series=${spread} />
    <${Chart} title=${t('Whole call')} data=${pictures.took} format=${ms} series=${spread} /></div>`}</section>`;
}
