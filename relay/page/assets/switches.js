// The buttons that take a channel out of use, put it back, or try it; and why somebody should.
import { html, useState, ask, t, ms, age, may, confirmed, Problem } from './core.js';

// Why says in words what is wrong with a channel.
export function Why({ row }) {
  const parts = [];
  if (row.hanging > 0) {
    parts.push((row.hanging === 1 ? t('A call hangs: nothing has come for {age}', { age: age(row.silent_seconds) }) : t('{n} calls hang: nothing has come for {age}', { n: row.hanging, age: age(row.silent_seconds) })) + (row.usual_ms > 0 ? t(', where 95 % take less than {ms}', { ms: ms(row.usual_ms) }) : ''));
  }
  if (row.left_in_a_row > 0) {
    parts.push(t('the last {n} calls were left by their clients, after {least} to {most} in which nothing came', { n: row.left_in_a_row, least: age(row.left_after_least_seconds), most: age(row.left_after_most_seconds) }));
  }
  if (row.reason) parts.push(row.reason);
  if (parts.length > 0 && row.in_flight > row.hanging) parts.push(t('{n} in flight, the oldest for {age}', { n: row.in_flight, age: age(row.oldest_seconds) }));
  if (row.retry_in_seconds > 0) parts.push(t('tried again in {age}', { age: age(row.retry_in_seconds) }));
  return parts.length > 0 && html`<div class="why">${parts.join(' · ')}</div>`;
}

const path = (name, what) => `/api/channel/${encodeURIComponent(name)}/${what}`;

// Switches is the buttons. Disabling takes one click and one more undoes it; what ends calls asks first. done is called when one was switched.
export function Switches({ row, tests, done = () => {} }) {
  const [said, setSaid] = useState(null);
  const [busy, setBusy] = useState(false);
  const [switching, setSwitching] = useState(null);
  const cut = row.state === 'disabled' ? t('Cut its {n} calls', { n: row.in_flight }) : t('Disable and cut');
  if (!may()) return null;
  // A switched channel is told of within a second: until then, nothing else is in the button's place that a second click would do.
  const does = (what) => () => {
    setSwitching(row.state);
    setTimeout(setSwitching, 3000, null);
    return ask(path(row.name, what), { method: 'POST' }).then(() => { setSaid(null); done(); }, (problem) => { setSwitching(null); setSaid(problem); });
  };
  const waits = switching === row.state;
  const enable = does('enable');
  const test = async () => {
    setBusy(true);
    try { setSaid((await ask(path(row.name, 'test'), { method: 'POST' })).data); } catch (error) { setSaid(error); }
    setBusy(false);
  };
  return html`<div class="row">
    ${row.state === 'disabled' ? html`<button disabled=${waits} onClick=${enable}>${t('Enable')}</button>` : html`
    <button disabled=${waits} title=${t('New calls go elsewhere. Those in flight end as they would.')} onClick=${does('disable')}>${t('Disable')}</button>
    ${row.state !== 'healthy' && html`<button class="quiet" onClick=${enable}>${t('Forget its failures')}</button>`}`}
    ${row.in_flight > 0 && html`<button class="danger" onClick=${() => confirmed(t('Disable {name} and cut its calls?', { name: row.name }),
    t('{n} calls are in flight. Those of which the client has nothing yet move on to another channel, the others end with an error.', { n: row.in_flight }), cut, () => ask(path(row.name, 'disable?cut=true'), { method: 'POST' }).then(done))}>${cut}</button>`}
    ${tests && html`<button class="quiet" disabled=${busy} onClick=${test}>${busy ? t('One moment …') : t('Test')}</button>`}
    ${said instanceof Error ? html`<${Problem} error=${said} />` : said && html`<p class=${said.good ? 'well' : 'problem'} role="status">${said.good ? '✓ ' : ''}${said.message} (${ms(said.ms)})</p>`}
  </div>`;
}
