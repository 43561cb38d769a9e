// The log of requests: found by id or by what they were, and one of them with its attempts.
import { html, useState, useEffect, ask, useAsked, t, count, ms, usd, moment, Fact, Cells, Problem, Empty, link } from './core.js';

export default function Requests({ args: [id] }) {
  return id ? html`<${One} id=${id} />` : html`<${Log} />`;
}

const filters = [['token', 'Token'], ['model', 'Model'], ['channel', 'Channel'], ['outcome', 'Outcome']];

function Log() {
  const [asked, setAsked] = useState({});
  const [id, setId] = useState('');
  const [pages, setPages] = useState([]);
  const [next, setNext] = useState(null);
  const [error, setError] = useState(null);
  const query = (before) => '/api/requests?' + new URLSearchParams({ limit: 50, ...Object.fromEntries(Object.entries(asked).filter(([, v]) => v)), ...(before ? { before } : {}) });
  const look = (before) => ask(query(before)).then((answer) => {
    setPages((old) => (before ? [...old, ...answer.data] : answer.data));
    setNext(answer.next || null);
    setError(null);
  }, setError);
  useEffect(() => { const timer = setTimeout(() => look(), 250); return () => clearTimeout(timer); }, [JSON.stringify(asked)]);
  return html`<h1>${t('Requests')}</h1>
    <form class="row filters" role="search" onSubmit=${(e) => { e.preventDefault(); if (id.trim()) location.hash = link('requests', id.trim()); }}>
      <label>${t('Id, as an error says it')}<input type="search" value=${id} onInput=${(e) => setId(e.target.value)} /></label><button>${t('Find')}</button>
    </form>
    <form class="row filters" role="search" onSubmit=${(e) => { e.preventDefault(); look(); }}>
      ${filters.map(([name, label]) => html`<label>${t(label)}<input type="search" value=${asked[name] || ''} onInput=${(e) => setAsked({ ...asked, [name]: e.target.value.trim() })} /></label>`)}
      <button class="quiet">${t('Look again')}</button>
    </form>
    <${Problem} error=${error} />
    ${pages.length === 0 && !error ? html`<${Empty}>${t('No request fits.')}</${Empty}>` : html`<${Cells} label=${t('Requests')} rows=${pages} id=${(r) => r.id} columns=${[
      { head: t('When'), cell: (r) => moment(r.time) },
      { head: t('Model'), kind: 'main', cell: (r) => r.model },
      { head: t('Token'), cell: (r) => r.token },
      { head: t('Outcome'), cell: (r) => html`<span class=${r.outcome === 'completed' ? 'well' : 'why'}>${r.outcome}</span>` },
      { head: t('Status'), kind: 'number', cell: (r) => r.status || '–' },
      { head: t('Cost'), kind: 'number', cell: (r) => usd(r.cost_usd) },
      { head: t('Took'), kind: 'number', cell: (r) => ms(r.ms) },
      { head: t('Request'), cell: (r) => html`<a href=${link('requests', r.id)}><code>${r.id}</code></a>` },
    ]} />${next && html`<button class="quiet" onClick=${() => look(next)}>${t('Older ones')}</button>`}`}`;
}

function One({ id }) {
  const { data, error } = useAsked(`/api/requests/${encodeURIComponent(id)}`);
  const back = html`<p><a href="#/requests">← ${t('Requests')}</a></p>`;
  if (error) return html`${back}<h1>${t('Request')}</h1><${Problem} error=${error} />`;
  if (!data) return html`${back}<p class="soft">${t('One moment …')}</p>`;
  const r = data.attempts ? data : data.data || data;
  const attempts = r.attempts || [];
  const total = Math.max(r.ms || 0, attempts.reduce((sum, a) => sum + (a.ms || 0), 0), 1);
  let from = 0;
  return html`${back}<h1>${r.model} <span class=${r.outcome === 'completed' ? 'well' : 'why'}>${r.outcome}</span></h1>
    <dl class="facts"><${Fact} name=${t('When')}>${moment(r.time)}</${Fact}><${Fact} name=${t('Token')}>${r.token}</${Fact}><${Fact} name=${t('Status')}>${r.status || '–'}</${Fact}>
      <${Fact} name=${t('Cost')}>${usd(r.cost_usd)}</${Fact}><${Fact} name=${t('Took')}>${ms(r.ms)}</${Fact}><${Fact} name=${t('Id')}><code>${r.id}</code></${Fact}>
      ${r.client_request_id && html`<${Fact} name=${t("The client's own id")}><code>${r.client_request_id}</code></${Fact}>`}</dl>
    <h2>${t('Attempts')}</h2>
    ${attempts.length === 0 ? html`<${Empty}>${t('None: nothing was asked of an upstream.')}</${Empty}>` : html`<ol class="timeline">${attempts.map((a, i) => {
      const begins = a.offset_ms ?? from;
      from = begins + (a.ms || 0);
      return html`<li key=${i}><div class="row"><a href=${link('channels', a.channel)}><strong>${a.channel}</strong></a> <span class=${a.outcome === 'completed' ? 'well' : 'why'}>${a.outcome}</span>
        <span class="soft">${ms(a.ms)} · ${t('{n} in, {m} out', { n: count(a.input_tokens), m: count(a.output_tokens) })} · ${usd(a.cost_usd)} (${t(a.source || 'none')})</span></div>
        <svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="1000" height="10" /><rect class=${a.outcome === 'completed' ? 'good' : 'bad'} x=${(begins / total) * 1000} width=${Math.max(4, ((a.ms || 0) / total) * 1000)} height="10" /></svg></li>`;
    })}</ol>`}`;
}
