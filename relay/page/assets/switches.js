// The buttons that take a channel out of use, put it back, or try it.
import { html, useState, ask, t, ms, may, confirmed, Problem } from './core.js';

const path = (name, what) => `/api/channel/${encodeURIComponent(name)}/${what}`;

export function Switches({ row, tests }) {
  const [said, setSaid] = useState(null);
  const [busy, setBusy] = useState(false);
  if (!may()) return null;
  const enable = () => ask(path(row.name, 'enable'), { method: 'POST' }).then(() => setSaid(null), setSaid);
  const test = async () => {
    setBusy(true);
    try { setSaid((await ask(path(row.name, 'test'), { method: 'POST' })).data); } catch (error) { setSaid(error); }
    setBusy(false);
  };
  return html`<div class="row">
    ${row.state === 'disabled' ? html`<button onClick=${enable}>${t('Enable')}</button>` : html`
    <button onClick=${() => confirmed(t('Disable {name}?', { name: row.name }), t('New calls go elsewhere. Those in flight end as they would.'), t('Disable'), () => ask(path(row.name, 'disable'), { method: 'POST' }))}>${t('Disable')}</button>
    ${row.in_flight > 0 && html`<button class="danger" onClick=${() => confirmed(t('Disable {name} and cut its calls?', { name: row.name }),
    t('{n} calls are in flight. Those of which the client has nothing yet move on to another channel, the others end with an error.', { n: row.in_flight }), t('Disable and cut'), () => ask(path(row.name, 'disable?cut=true'), { method: 'POST' }))}>${t('Disable and cut')}</button>`}
    ${row.state !== 'healthy' && html`<button class="quiet" onClick=${enable}>${t('Forget its failures')}</button>`}`}
    ${tests && html`<button class="quiet" disabled=${busy} onClick=${test}>${busy ? t('One moment …') : t('Test')}</button>`}
    ${said instanceof Error ? html`<${Problem} error=${said} />` : said && html`<p class=${said.good ? 'well' : 'problem'} role="status">${said.good ? '✓ ' : ''}${said.message} (${ms(said.ms)})</p>`}
  </div>`;
}
