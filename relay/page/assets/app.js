// The page: who is logged in, which view is shown, and the one stream that keeps all of them current.
import { html, render, useState, useEffect, useLive, live, changed, ask, t, language, age, may, Problem } from './core.js';

const views = [
  ['', 'Overview', () => import('./overview.js')],
  ['channels', 'Channels', () => import('./channels.js')],
  ['inflight', 'In flight', () => import('./inflight.js')],
  ['requests', 'Requests', () => import('./requests.js'), 'store'],
  ['spend', 'Spend', () => import('./spend.js'), 'store'],
  ['keys', 'Keys', () => import('./keys.js'), 'admin'],
  ['config', 'Configuration', () => import('./configuration.js'), 'admin'],
];

// ---- the stream ----
let stream = null;
function follow() {
  stream?.close();
  stream = new EventSource('/api/monitor/events');
  stream.onmessage = ({ data }) => {
    const { rows, gone, whole, ...now } = JSON.parse(data);
    if (whole) live.rows = new Map();
    for (const row of rows) live.rows.set(row.name, row);
    for (const name of gone || []) live.rows.delete(name);
    live.now = now;
    if (!live.connected) { live.connected = true; live.since = Date.now(); }
    changed();
  };
  stream.onerror = () => {
    if (live.connected) { live.connected = false; live.since = Date.now(); changed(); }
    if (stream.readyState === EventSource.CLOSED) { // the relay said no, or something before it did
      stream = null;
      setTimeout(whoami, 2000);
    }
  };
}

export async function whoami() {
  try {
    live.session = (await ask('/api/session')).data;
    if (live.session.looks && !stream) follow();
  } catch {
    setTimeout(whoami, 2000);
  }
  changed();
}

async function logout() {
  stream?.close();
  stream = null;
  await ask('/api/session', { method: 'DELETE' }).catch(() => {});
  live.now = null;
  live.rows = new Map();
  whoami();
}

// ---- the login ----
function Login() {
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const [token, setToken] = useState('');
  const { session } = useLive();
  const go = async (e) => {
    e.preventDefault();
    setBusy(true);
    try { await ask('/api/session', { method: 'POST', body: { token } }); await whoami(); } catch (problem) { setError(problem); }
    setBusy(false);
  };
  return html`<main class="login"><h1>One API</h1>
    ${session && !session.login ? html`<p>${t('Nobody can log in: neither ADMIN_TOKEN nor MONITOR_TOKEN is set. Set one and start the relay again, or open this page on the machine that it runs on.')}</p>` : html`
    <form onSubmit=${go}>
      <label for="token">${t('ADMIN_TOKEN, or MONITOR_TOKEN to look only')}</label>
      <input id="token" type="password" autocomplete="current-password" required value=${token} onInput=${(e) => setToken(e.target.value)} />
      <${Problem} error=${error} />
      <button disabled=${busy}>${busy ? t('One moment …') : t('Log in')}</button>
      <p class="soft">${t('`one-api tokens` prints both on the machine of the relay.')}</p>
    </form>`}
    <${Language} /></main>`;
}

const Language = () => html`<button class="quiet" lang=${language.is === 'zh' ? 'en' : 'zh-CN'} onClick=${() => language.set(language.is === 'zh' ? 'en' : 'zh')}>${language.is === 'zh' ? 'English' : '中文'}</button>`;

// ---- the page ----
function useRoute() {
  const parts = () => location.hash.replace(/^#\/?/, '').split('/').map((part) => { try { return decodeURIComponent(part); } catch { return part; } });
  const [route, set] = useState(parts());
  useEffect(() => {
    const go = () => { set(parts()); document.getElementById('view')?.focus({ preventScroll: true }); scrollTo(0, 0); };
    addEventListener('hashchange', go);
    return () => removeEventListener('hashchange', go);
  }, []);
  return route;
}

function View({ load, args }) {
  const [view, set] = useState(null);
  useEffect(() => {
    let gone = false;
    load().then((module) => { if (!gone) set(() => module.default); }, () => { if (!gone) set(() => () => html`<p class="problem">${t('The relay cannot be reached.')}</p>`); });
    return () => { gone = true; };
  }, [load]);
  const Is = view;
  return Is ? html`<${Is} args=${args} />` : html`<p class="soft">${t('One moment …')}</p>`;
}

function Banner() {
  const { now, connected, since } = useLive();
  const [, tick] = useState(0);
  useEffect(() => { const timer = setInterval(() => tick((n) => n + 1), 1000); return () => clearInterval(timer); }, []);
  if (!connected && now) return html`<p class="banner bad" role="status">${t('The relay does not answer: it restarts, or the way to it is broken. What you see is {age} old. Trying again …', { age: age((Date.now() - since) / 1000) })}</p>`;
  if (now?.draining) return html`<p class="banner" role="status">${t('The relay is ending: it takes no new calls, and lets those in flight finish.')}</p>`;
  if (now?.reload_refused) return html`<p class="banner bad" role="status">${t('The last change of the configuration was refused: the old one stays.')} <a href="#/config">${t('What is wrong with it')}</a></p>`;
  return null;
}

function App() {
  const { session, now } = useLive();
  const route = useRoute();
  if (!session) return html`<main class="login"><h1>One API</h1><p class="soft">${t('One moment …')}</p></main>`;
  if (!session.looks) return html`<${Login} />`;
  const shown = views.filter(([, , , needs]) => !needs || (needs === 'store' ? session.store && session.role === 'admin' : session.role === 'admin'));
  const at = shown.find(([path]) => path === route[0]) || shown[0];
  return html`<a class="skip" href="#view" onClick=${(e) => { e.preventDefault(); document.getElementById('view').focus(); }}>${t('Skip to the content')}</a>
    <header><a class="brand" href="#/"><img src="/assets/icon.svg" alt="" width="24" height="24" />One API</a>
      <nav aria-label=${t('Views')}>${shown.map(([path, name]) => html`<a href=${'#/' + path} aria-current=${at[0] === path ? 'page' : undefined}>${t(name)}</a>`)}</nav>
      <div class="who">
        ${session.links?.grafana && html`<a href=${session.links.grafana} rel="noopener">Grafana</a>`}
        ${session.links?.kuma && html`<a href=${session.links.kuma} rel="noopener">Uptime Kuma</a>`}
        <${Language} />
        ${session.role ? html`<button class="quiet" onClick=${logout}>${t('Log out')}</button>` : session.login && html`<a href="#/login">${t('Log in')}</a>`}
      </div></header>
    <${Banner} />
    <main id="view" tabindex="-1">${route[0] === 'login' && !session.role ? html`<${Login} />` : html`<${View} key=${at[0]} load=${at[2]} args=${route.slice(1)} />`}</main>
    <footer>${now && html`${now.version} · ${t('up {age}', { age: age(now.uptime_seconds) })}`}${!may() && html` · ${t('you may look, and change nothing')}`}</footer>`;
}

document.getElementById('app').replaceChildren();
render(html`<${App} />`, document.getElementById('app'));
whoami();
