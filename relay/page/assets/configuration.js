// What is loaded, what is wrong with what was refused, and what would become of another file.
import { html, useState, useAsked, ask, t, moment, Cells, Problem, Empty } from './core.js';

const because = { start: 'at the start', file: 'because the file changed', signal: 'because somebody asked (SIGHUP)' };

const did = { loaded: 'configuration loaded', refused: 'configuration refused', disabled: 'channel disabled', cut: 'channel disabled, its calls cut', enabled: 'channel enabled', ended: 'request ended',
  token_made: 'key made', token_changed: 'key changed', token_rotated: 'key rotated', token_deleted: 'key deleted' };
const by = { start: 'start', file: 'file changed', signal: 'SIGHUP', admin: 'administrator', database: 'command line, or another replica' };

// Changes is who has changed what since the start.
function Changes({ all }) {
  const [whole, setWhole] = useState(false);
  const rows = whole ? all : all.slice(0, 10);
  return html`<section aria-labelledby="changes"><h2 id="changes">${t('Who has changed what')}</h2><${Cells} label=${t('Who has changed what')} rows=${rows} id=${(r) => r.at + r.what + r.of} columns=${[
    { head: t('When'), cell: (r) => moment(r.at) },
    { head: t('What'), kind: 'main', cell: (r) => html`${t(did[r.what] || r.what)} <code>${r.of}</code>` },
    { head: t('Who'), cell: (r) => t(by[r.by] || r.by) + (r.with ? ` (${r.with === 'session' ? t('on this page') : 'ADMIN_TOKEN'})` : '') },
    { head: t('From where'), cell: (r) => (r.from ? html`<code>${r.from}</code>` : null) },
  ]} />${all.length > rows.length && html`<button class="quiet" onClick=${() => setWhole(true)}>${t('Show all {n}', { n: all.length })}</button>`}</section>`;
}

export default function Config() {
  const { data, error } = useAsked('/api/config', 5);
  const c = data?.data;
  return html`<h1>${t('Configuration')}</h1><${Problem} error=${error} />
    ${c && html`<p>${c.file ? html`<code>${c.file}</code>` : t('From the environment: there is no file.')}${c.env_file && html` + <code>${c.env_file}</code>`}
      <br /><span class="soft">${t('loaded {when}, {why}', { when: moment(c.loaded_at), why: t(because[c.because] || c.because) })}</span></p>
    ${c.refused?.length > 0 && html`<section class="card bad" aria-labelledby="refused"><h2 id="refused">${t('Refused {when}: the old one stays', { when: moment(c.refused_at) })}</h2><pre>${c.refused.join('\n')}</pre></section>`}
    ${c.warnings?.length > 0 && html`<section aria-labelledby="warnings"><h2 id="warnings">${t('Warnings')}</h2><ul>${c.warnings.map((w) => html`<li>${w}</li>`)}</ul></section>`}
    <${Changes} all=${c.changes || []} />
    <section aria-labelledby="loaded"><h2 id="loaded">${t('Channels')}</h2><${Cells} label=${t('Channels')} rows=${c.channels || []} id=${(r) => r.name} columns=${[
      { head: t('Channel'), kind: 'main', cell: (r) => html`${r.name} ${r.disabled ? html`<span class="state disabled">${t('disabled')}</span>` : ''}` },
      { head: t('Type'), cell: (r) => r.type },
      { head: t('Address'), cell: (r) => html`<code>${r.base_url}</code>` },
      { head: t('Keys'), kind: 'number', cell: (r) => (r.keys ? `${r.keys} × ••••` : '–') },
      { head: t('Models'), cell: (r) => (r.models || []).join(', ') },
      { head: t('Groups'), cell: (r) => (r.groups || []).join(', ') },
      { head: t('Priority'), kind: 'number', cell: (r) => r.priority },
      { head: t('Weight'), kind: 'number', cell: (r) => r.weight },
    ]} /></section>
    <section aria-labelledby="tokens"><h2 id="tokens">${t('Keys in the file')}</h2>${c.tokens?.length ? html`<${Cells} label=${t('Keys in the file')} rows=${c.tokens} id=${(r) => r.name} columns=${[
      { head: t('Name'), kind: 'main', cell: (r) => r.name },
      { head: t('Groups'), cell: (r) => (r.groups || []).join(', ') || t('all') },
      { head: t('Models'), cell: (r) => (r.models || []).join(', ') || t('all') },
    ]} />` : html`<${Empty}>${t('There is none.')}</${Empty}>`}</section>`}
    <${Try} />`;
}

function Try() {
  const [yaml, setYAML] = useState('');
  const [said, setSaid] = useState(null);
  const [error, setError] = useState(null);
  const go = (e) => {
    e.preventDefault();
    ask('/api/config/check', { method: 'POST', body: { yaml } }).then((answer) => { setSaid(answer.data); setError(null); }, (problem) => { setSaid(null); setError(problem); });
  };
  return html`<section aria-labelledby="try"><h2 id="try">${t('Try another file')}</h2><form onSubmit=${go}>
    <label>${t('Its content. Nothing is loaded.')}<textarea rows="10" spellcheck=${false} required value=${yaml} onInput=${(e) => setYAML(e.target.value)}></textarea></label>
    <button>${t('Check')}</button></form><${Problem} error=${error} />
    ${said && html`<div role="status">${said.good ? html`<p class="well">✓ ${t('It is good: {n} channels, {m} keys.', { n: said.channels, m: said.tokens })}</p>` : html`<pre class="problem">${said.errors.join('\n')}</pre>`}
      ${said.warnings.length > 0 && html`<ul>${said.warnings.map((w) => html`<li>${w}</li>`)}</ul>`}</div>`}</section>`;
}
