// The keys of clients: made, limited, changed for new ones, switched off.
import { html, useState, useAsked, ask, t, usd, count, moment, Cells, Problem, Empty, confirmed, shown } from './core.js';

const words = (text) => text.split(/[\s,]+/).filter(Boolean);
const number = (text) => (text === '' ? 0 : Number(text));
// local is a moment as an input of the type datetime-local has it, which knows no zone but the reader's.
const local = (at) => { const d = new Date(at); return new Date(d - d.getTimezoneOffset() * 60000).toISOString().slice(0, 16); };
const path = (name) => `/api/token/${encodeURIComponent(name)}`;

function once(name, key) {
  shown(t('The key of {name}', { name }), html`<p>${t('It is shown this once. Whoever has it can spend.')}</p><p><code class="key" tabindex="0">${key}</code></p>
    <button class="quiet" onClick=${(e) => { navigator.clipboard?.writeText(key); e.target.textContent = t('Copied'); }}>${t('Copy')}</button>`);
}

export default function Keys() {
  const { data, error, again } = useAsked('/api/token', 5);
  const [form, setForm] = useState(null);
  const rows = Array.isArray(data) ? data : data?.data || [];
  const change = (r, body) => ask(path(r.name), { method: 'PATCH', body }).then(again);
  const limits = (r) => ['rpm', 'tpm', 'concurrent'].filter((name) => r.limits?.[name]).map((name) => `${count(r.limits[name])} ${name}`).join(', ') || '–';
  return html`<h1>${t('Keys')}</h1><p><button onClick=${() => setForm({})}>${t('New key')}</button></p>
    ${form && html`<${Form} key=${form.name || ''} of=${form} done=${() => { setForm(null); again(); }} />`}
    <${Problem} error=${error} />
    ${data && rows.length === 0 ? html`<${Empty}>${t('There is none yet.')}</${Empty}>` : data && html`<${Cells} label=${t('Keys')} rows=${rows} id=${(r) => r.name} columns=${[
      { head: t('Name'), kind: 'main', cell: (r) => html`${r.name} ${r.disabled ? html`<span class="state disabled">${t('disabled')}</span>` : ''}` },
      { head: t('Made in'), cell: (r) => (r.source === 'file' ? t('the file') : t('the page')) },
      { head: t('Groups'), cell: (r) => (r.groups || []).join(', ') },
      { head: t('Models'), cell: (r) => (r.models?.length ? r.models.join(', ') : t('all')) },
      { head: t('Limits'), cell: limits },
      { head: t('Budget'), kind: 'number', cell: (r) => (r.budget?.usd ? html`${usd(r.spent_usd ?? r.budget.spent_usd ?? 0)} / ${usd(r.budget.usd)} ${t(r.budget.per || 'month')}` : '–') },
      { head: t('Until'), cell: (r) => (r.expires ? moment(r.expires) : '–') },
      { head: t('Change'), cell: (r) => (r.source === 'file' ? html`<span class="soft">${t('in the file')}</span>` : html`<div class="row">
        <button class="quiet small" onClick=${() => setForm(r)}>${t('Limit')}</button>
        <button class="quiet small" onClick=${() => change(r, { disabled: !r.disabled })}>${r.disabled ? t('Enable') : t('Disable')}</button>
        <button class="quiet small" onClick=${() => confirmed(t('A new key for {name}?', { name: r.name }), t('The old one works for another day.'), t('Make it'),
        () => ask(path(r.name) + '/rotate', { method: 'POST', body: { grace_seconds: 86400 } }).then((made) => { again(); once(r.name, made.key); }), false)}>${t('New key')}</button>
        <button class="danger small" onClick=${() => confirmed(t('Delete {name}?', { name: r.name }), t('Its key stops working at once. What it has spent stays known.'), t('Delete'), () => ask(path(r.name), { method: 'DELETE' }).then(again))}>${t('Delete')}</button></div>`) },
    ]} />`}`;
}

const Field = ({ label, ...input }) => html`<label>${label}<input ...${input} /></label>`;

function Form({ of, done }) {
  const isNew = !of.name;
  const until = of.expires ? local(of.expires) : '';
  const [error, setError] = useState(null);
  const go = async (e) => {
    e.preventDefault();
    const f = Object.fromEntries(new FormData(e.target));
    const body = { groups: words(f.groups), models: words(f.models), limits: { rpm: number(f.rpm), tpm: number(f.tpm), concurrent: number(f.concurrent) }, budget: { usd: number(f.usd), per: f.per },
      ...(f.expires === until ? {} : { expires: f.expires && new Date(f.expires).toISOString() }) }; // what was not touched keeps its seconds
    try {
      if (isNew) {
        const made = await ask('/api/token', { method: 'POST', body: { name: f.name.trim(), ...body } });
        done();
        once(made.name, made.key);
      } else {
        await ask(path(of.name), { method: 'PATCH', body });
        done();
      }
    } catch (problem) { setError(problem); }
  };
  return html`<form class="card" onSubmit=${go} aria-label=${isNew ? t('New key') : t('Limits of {name}', { name: of.name })}>
    <h2>${isNew ? t('New key') : t('Limits of {name}', { name: of.name })}</h2>
    <div class="grid">
      ${isNew && html`<${Field} name="name" label=${t('Name')} required=${true} autofocus=${true} maxlength="64" />`}
      <${Field} name="groups" label=${t('Groups')} defaultValue=${(of.groups || ['default']).join(', ')} />
      <${Field} name="models" label=${t('Models; none: all')} defaultValue=${(of.models || []).join(', ')} />
      <${Field} name="rpm" label=${t('Requests a minute; 0: no limit')} type="number" min="0" defaultValue=${of.limits?.rpm || 0} />
      <${Field} name="tpm" label=${t('Tokens a minute')} type="number" min="0" defaultValue=${of.limits?.tpm || 0} />
      <${Field} name="concurrent" label=${t('Calls at the same time')} type="number" min="0" defaultValue=${of.limits?.concurrent || 0} />
      <${Field} name="usd" label=${t('Budget, in dollars')} type="number" min="0" step="any" defaultValue=${of.budget?.usd || 0} />
      <label>${t('Each')}<select name="per">${['day', 'week', 'month', 'total'].map((per) => html`<option value=${per} selected=${(of.budget?.per || 'month') === per}>${t(per)}</option>`)}</select></label>
      <${Field} name="expires" label=${t('Until')} type="datetime-local" defaultValue=${until} />
    </div>
    <${Problem} error=${error} />
    <div class="row end"><button type="button" class="quiet" onClick=${done}>${t('Cancel')}</button><button>${isNew ? t('Make it') : t('Save')}</button></div>
  </form>`;
}
