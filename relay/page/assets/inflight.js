// Every request that is being served now, and the button that ends one.
import { html, useState, useAsked, ask, t, count, age, bytes, usd, may, confirmed, Cells, Problem, Empty, link } from './core.js';

const most = 200;

// about marks what the provider has not said yet.
const about = (r) => (r.estimated ? '≈ ' : '');

export function Calls({ channel }) {
  const { data, error, again } = useAsked(`/api/monitor/requests?limit=${most}${channel ? `&channel=${encodeURIComponent(channel)}` : ''}`, 1);
  const [find, setFind] = useState('');
  if (error && !data) return html`<${Problem} error=${error} />`;
  if (!data) return html`<p class="soft">${t('One moment …')}</p>`;
  const wanted = find.trim().toLowerCase();
  const rows = data.data.filter((r) => !wanted || [r.id, r.token, r.model, r.channel].some((text) => text.toLowerCase().includes(wanted)));
  const end = (r) => confirmed(t('End this request?'), t('{token} asked {model} {age} ago. The client is told that an operator ended it; nothing moves on to another channel.', { token: r.token, model: r.model, age: age(r.age_seconds) }),
    t('End it'), () => ask(`/api/monitor/requests/${encodeURIComponent(r.id)}`, { method: 'DELETE' }).then(again));
  const columns = [
    { head: t('Age'), kind: 'number', cell: (r) => age(r.age_seconds) },
    { head: t('Model'), kind: 'main', cell: (r) => r.model },
    { head: t('Channel'), cell: (r) => (r.channel ? html`<a href=${link('channels', r.channel)}>${r.channel}</a>` : '–') },
    { head: t('Token'), cell: (r) => r.token },
    { head: t('Phase'), cell: (r) => t(r.phase) },
    { head: t('Sent'), kind: 'number', cell: (r) => bytes(r.bytes) },
    { head: t('Tokens so far'), kind: 'number', cell: (r) => (r.input_tokens + r.output_tokens > 0 ? `${about(r)}${t('{n} in, {m} out', { n: count(r.input_tokens), m: count(r.output_tokens) })}` : '–') },
    { head: t('Cost so far'), kind: 'number', cell: (r) => (r.cost_usd ? about(r) + usd(r.cost_usd) : '–') },
    { head: t('Id'), cell: (r) => html`<code>${r.id}</code>` },
    ...(may() ? [{ head: t('End'), cell: (r) => html`<button class="danger small" aria-label=${t('End request {id}', { id: r.id })} onClick=${() => end(r)}>${t('End')}</button>` }] : []),
  ];
  return html`<form class="row filters" role="search" onSubmit=${(e) => e.preventDefault()}><label>${t('Find')}<input type="search" value=${find} onInput=${(e) => setFind(e.target.value)} /></label>
      <span class="soft">${t('{n} of {m}, oldest first', { n: rows.length, m: count(data.total ?? data.data.length) })}</span></form>
    ${rows.length === 0 ? html`<${Empty}>${t('Nothing is in flight.')}</${Empty}>` : html`<${Cells} label=${t('In flight')} rows=${rows} id=${(r) => r.id} columns=${columns} />`}`;
}

export default function InFlight() {
  return html`<h1>${t('In flight')}</h1><${Calls} />`;
}
