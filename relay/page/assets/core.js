// What every view uses: preact, asking the relay, words in two languages, numbers and times as people read them, dialogs.
import { html, render, useState, useEffect, useRef, useMemo } from './preact.js';
import { chinese } from './chinese.js';
export { html, render, useState, useEffect, useRef, useMemo };

// ---- language ----
export const language = {
  is: localStorage.getItem('language') || (navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en'),
  set(to) { localStorage.setItem('language', to); this.is = to; document.documentElement.lang = to === 'zh' ? 'zh-CN' : 'en'; changed(); },
};
document.documentElement.lang = language.is === 'zh' ? 'zh-CN' : 'en';

// t is a text in the reader's language; {name} in it is replaced.
export function t(text, values) {
  let said = language.is === 'zh' ? chinese[text] ?? text : text;
  for (const name in values) said = said.replaceAll(`{${name}}`, values[name]);
  return said;
}

// ---- what all views share ----
// live is what the event stream has told; listeners are called when any of it, the session or the language changes.
export const live = { now: null, rows: new Map(), connected: false, since: 0, session: null };
const listeners = new Set();
export function changed() { for (const listener of listeners) listener(); }
// useLive has the view drawn again whenever the shared state changes.
export function useLive() {
  const [, set] = useState(0);
  useEffect(() => {
    const listener = () => set((n) => n + 1);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
  return live;
}

// ---- asking the relay ----
export class Refusal extends Error {
  constructor(status, message) { super(message); this.status = status; }
}
// ask is the JSON of an answer. A body is sent as JSON. A Refusal says what the relay said, or that it cannot be reached.
export async function ask(path, { method = 'GET', body, signal } = {}) {
  const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal, credentials: 'same-origin' });
  } catch (e) {
    if (e.name === 'AbortError') throw e;
    throw new Refusal(0, t('The relay cannot be reached.'));
  }
  const text = await answer.text();
  let said = null;
  try { said = text === '' ? null : JSON.parse(text); } catch { /* no JSON: a proxy's page */ }
  if (!answer.ok || (said && said.success === false)) {
    if (answer.status === 401 && live.session?.role) { live.session = { ...live.session, role: '', looks: false }; changed(); }
    throw new Refusal(answer.status, said?.message || said?.error?.message || `HTTP ${answer.status}`);
  }
  return said;
}

// useAsked asks now, and again every so many seconds while the page can be seen. It gives what was answered last, what went wrong, and a way to ask at once.
export function useAsked(path, every = 0) {
  const [state, set] = useState({ data: null, error: null, path: null });
  const [turn, again] = useState(0);
  useEffect(() => {
    if (!path) return undefined;
    const stop = new AbortController();
    let timer = 0;
    const look = async () => {
      if (document.hidden) { timer = setTimeout(look, 1000); return; }
      try {
        const data = await ask(path, { signal: stop.signal });
        set({ data, error: null, path });
      } catch (error) {
        if (error.name === 'AbortError') return;
        set((before) => ({ data: before.path === path ? before.data : null, error, path }));
      }
      if (every > 0 && !stop.signal.aborted) timer = setTimeout(look, every * 1000);
    };
    look();
    return () => { stop.abort(); clearTimeout(timer); };
  }, [path, every, turn]);
  const fits = state.path === path;
  return { data: fits ? state.data : null, error: fits ? state.error : null, again: () => again((n) => n + 1) };
}

// ---- numbers and times ----
const locale = () => (language.is === 'zh' ? 'zh-CN' : 'en');
export const count = (n) => (n == null ? '–' : new Intl.NumberFormat(locale(), { notation: n >= 100000 ? 'compact' : 'standard', maximumFractionDigits: 1 }).format(n));
export const mb = (n) => (n == null ? '–' : n >= 10240 ? `${(n / 1024).toFixed(1)} GiB` : `${count(n)} MiB`);
export const bytes = (n) => (n == null ? '–' : n < 10000 ? `${n} B` : n < 10e6 ? `${(n / 1024).toFixed(0)} KiB` : `${(n / 1048576).toFixed(0)} MiB`);
export function ms(n) {
  if (n == null) return '–';
  if (n < 1) return n > 0 ? '< 1 ms' : '0 ms';
  return n < 1000 ? `${Math.round(n)} ms` : n < 60000 ? `${(n / 1000).toFixed(n < 10000 ? 1 : 0)} s` : age(n / 1000);
}
export function age(seconds) {
  if (seconds == null) return '–';
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}
export const moment = (at) => new Intl.DateTimeFormat(locale(), { dateStyle: 'short', timeStyle: 'medium' }).format(new Date(at));
// usd is dollars as text or a number, with as many digits as say something.
export function usd(text) {
  const n = Number(text);
  if (text == null || Number.isNaN(n)) return '–';
  return n === 0 ? '$0' : `$${n < 0.01 ? n.toPrecision(2) : n.toFixed(n < 10 ? 3 : 2)}`;
}

// ---- words for what a thing is ----
export const states = { healthy: 'healthy', degraded: 'degraded', cooling: 'passed over', disabled: 'disabled' };
export const State = ({ is }) => html`<span class="state ${is}">${t(states[is] || is)}</span>`;
export const Problem = ({ error }) => (error ? html`<p class="problem" role="alert">${error.message}</p>` : null);
export const Fact = ({ name, children }) => html`<div><dt>${name}</dt><dd>${children}</dd></div>`;
export const Empty = ({ children }) => html`<p class="empty">${children}</p>`;

// Cells is a table whose rows become cards on a phone. columns: {head, cell(row), kind: 'number' | 'main' | ''}.
export function Cells({ columns, rows, id, label }) {
  return html`<div class="scroll" tabindex="0" role="group" aria-label=${label}><table class="cells">
    <thead><tr>${columns.map((c) => html`<th scope="col" class=${c.kind || ''}>${c.head}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${id(row)}>${columns.map((c) => html`<td class=${c.kind || ''} data-label=${c.head}>${c.cell(row)}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

// confirmed asks before something is done; done is awaited, and what it throws is shown in the dialog.
export function confirmed(title, text, word, done, danger = true) {
  const dialog = document.createElement('dialog');
  dialog.setAttribute('aria-labelledby', 'dialog-title');
  document.body.append(dialog);
  const close = () => { dialog.close(); render(null, dialog); dialog.remove(); };
  const Asked = () => {
    const [error, setError] = useState(null);
    const [busy, setBusy] = useState(false);
    const go = async (e) => {
      e.preventDefault();
      setBusy(true);
      try { await done(); close(); } catch (problem) { setError(problem); setBusy(false); }
    };
    return html`<form method="dialog" onSubmit=${go}><h2 id="dialog-title">${title}</h2><p>${text}</p><${Problem} error=${error} />
      <div class="row end"><button type="button" class="quiet" onClick=${close}>${t('Cancel')}</button>
      <button class=${danger ? 'danger' : ''} disabled=${busy} autofocus>${word}</button></div></form>`;
  };
  dialog.addEventListener('cancel', (e) => { e.preventDefault(); close(); });
  render(html`<${Asked} />`, dialog);
  dialog.showModal();
}

// shown opens a dialog with something to read; it closes with its button.
export function shown(title, content) {
  const dialog = document.createElement('dialog');
  dialog.setAttribute('aria-labelledby', 'dialog-title');
  document.body.append(dialog);
  const close = () => { dialog.close(); render(null, dialog); dialog.remove(); };
  dialog.addEventListener('cancel', (e) => { e.preventDefault(); close(); });
  render(html`<h2 id="dialog-title">${title}</h2>${content}<div class="row end"><button autofocus onClick=${close}>${t('Close')}</button></div>`, dialog);
  dialog.showModal();
}

// may reports whether this reader may change things.
export const may = () => live.session?.role === 'admin';
export const link = (...parts) => '#/' + parts.map(encodeURIComponent).join('/');
