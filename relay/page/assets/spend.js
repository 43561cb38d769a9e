// What was spent: by day, token, model and channel, as pictures and a table.
import { html, useState, useAsked, t, count, usd, Cells, Problem, Empty } from './core.js';
import { Bars } from './charts.js';

const ways = { day: 'By day', token: 'By token', model: 'By model', channel: 'By channel' };
// day is a date as the relay takes it, so many days before today.
const day = (before) => { const d = new Date(); d.setDate(d.getDate() - before); return `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, '0')}-${String(d.getDate()).padStart(2, '0')}`; };

export default function Spend() {
  const [by, setBy] = useState('day');
  const [from, setFrom] = useState(day(29));
  const [to, setTo] = useState(day(0));
  const query = `/api/usage?by=${by}&from=${from}&to=${to}`;
  const { data, error } = useAsked(from && to ? query : null, 5);
  const rows = data?.data || [];
  const sum = (name) => rows.reduce((all, row) => all + Number(row[name] || 0), 0);
  const sorted = by === 'day' ? [...rows].sort((a, b) => b.day.localeCompare(a.day)) : [...rows].sort((a, b) => b.cost_usd - a.cost_usd);
  return html`<h1>${t('Spend')}</h1>
    <form class="row filters" onSubmit=${(e) => e.preventDefault()}>
      <div class="choice" role="group" aria-label=${t('Grouped')}>${Object.entries(ways).map(([way, name]) => html`<button type="button" class="quiet" aria-pressed=${by === way} onClick=${() => setBy(way)}>${t(name)}</button>`)}</div>
      <label>${t('From')}<input type="date" value=${from} max=${to} onInput=${(e) => setFrom(e.target.value)} /></label>
      <label>${t('To')}<input type="date" value=${to} min=${from} onInput=${(e) => setTo(e.target.value)} /></label>
      <a href=${query + '&format=csv'} download=${`usage-${by}-${from}-${to}.csv`}>CSV</a> <a href=${query} download=${`usage-${by}-${from}-${to}.json`}>JSON</a>
    </form>
    <${Problem} error=${error} />
    ${rows.length === 0 ? !error && html`<${Empty}>${data ? t('Nothing was spent in these days.') : t('One moment …')}</${Empty}>` : html`
    <section class="tiles" aria-label=${t('All together')}>
      <div class="tile"><span class="name">${t('Cost')}</span><span class="value">${usd(sum('cost_usd'))}</span><span class="note">${t('{n} requests', { n: count(sum('requests')) })}</span></div>
      <div class="tile"><span class="name">${t('Input tokens')}</span><span class="value">${count(sum('input_tokens'))}</span><span class="note">${t('{n} from a cache', { n: count(sum('cached_tokens')) })}</span></div>
      <div class="tile"><span class="name">${t('Output tokens')}</span><span class="value">${count(sum('output_tokens'))}</span><span class="note">${t('{n} requests estimated', { n: count(sum('estimated')) })}</span></div>
      <div class=${'tile ' + (sum('unpriced') ? 'warn' : '')}><span class="name">${t('Without a price')}</span><span class="value">${count(sum('unpriced'))}</span><span class="note">${t('requests of models in no table')}</span></div>
    </section>
    <${Bars} label=${t(ways[by])} rows=${sorted.slice(0, 31).map((r) => ({ name: r[by] || '–', value: Number(r.cost_usd), text: usd(r.cost_usd) }))} />
    <${Cells} label=${t(ways[by])} rows=${sorted} id=${(r) => r[by]} columns=${[
      { head: t({ day: 'Day', token: 'Token', model: 'Model', channel: 'Channel' }[by]), kind: 'main', cell: (r) => r[by] || '–' },
      { head: t('Requests'), kind: 'number', cell: (r) => count(r.requests) },
      { head: t('Input tokens'), kind: 'number', cell: (r) => count(r.input_tokens) },
      { head: t('From a cache'), kind: 'number', cell: (r) => count(r.cached_tokens) },
      { head: t('Output tokens'), kind: 'number', cell: (r) => count(r.output_tokens) },
      { head: t('Cost'), kind: 'number', cell: (r) => `$${r.cost_usd}` },
      { head: t('Estimated'), kind: 'number', cell: (r) => count(r.estimated) },
      { head: t('Without a price'), kind: 'number', cell: (r) => count(r.unpriced) },
    ]} />`}`;
}
