// The first view: is all well, and if not, which channel is it.
import { html, useState, useEffect, useMemo, useLive, ask, t, count, mb, ms, usd, State, link, may, useAsked } from './core.js';
import { Chart } from './charts.js';
import { Switches, Why } from './switches.js';

// trouble orders channels by how much they need somebody: first those that let calls hang, then those that fail. One that is passed over hurts nobody any more.
export function trouble(row) {
  const state = { degraded: 3000, cooling: 2000, disabled: 10, healthy: 0 }[row.state] || 0;
  return state + (row.hanging > 0 ? 10000 + row.silent_seconds + row.hanging : 0) + (row.left_in_a_row > 0 ? 5000 + row.left_in_a_row : 0);
}

const Tile = ({ name, children, note, level, href }) => html`<${href ? 'a' : 'div'} class=${'tile ' + (level || '')} href=${href}>
  <span class="name">${name}</span><span class="value">${children}</span><span class="note">${note}</span></${href ? 'a' : 'div'}>`;

function useHistory() {
  const [all, set] = useState([]);
  const { now } = useLive();
  const due = now ? Math.floor(now.t / 10) : 0;
  useEffect(() => {
    let gone = false;
    const since = all.length ? all[all.length - 1].t : 0;
    ask(`/api/monitor/history?since=${since}`).then(({ data }) => {
      if (!gone && data.length) set((before) => [...before, ...data.filter((s) => !before.length || s.t > before[before.length - 1].t)].slice(-2160));
    }, () => {});
    return () => { gone = true; };
  }, [due]);
  return all;
}

const ranges = { '15 min': 900, '1 h': 3600, '6 h': 21600 };
const levels = { normal: 'good', elevated: 'warn', high: 'bad', severe: 'bad' };

export default function Overview() {
  const { now, rows, session } = useLive();
  const history = useHistory();
  const [range, setRange] = useState('1 h');
  const [switched, setSwitched] = useState(new Set()); // here: they stay, so that it can be undone where it was done
  const today = useAsked(session.store && may() ? '/api/usage?by=day' : null, 5);
  const shown = useMemo(() => {
    const last = history.length ? history[history.length - 1].t : 0;
    return history.filter((s) => s.t > last - ranges[range]);
  }, [history, range]);
  const column = (...names) => [shown.map((s) => s.t), ...names.map((name) => shown.map((s) => s[name]))];
  const rate = (...names) => [shown.map((s) => s.t), ...names.map((name) => shown.map((s) => s[name] * 6))];
  const pictures = useMemo(() => ({
    goroutines: column('goroutines', 'expected'), requests: rate('good', 'failed', 'timed_out', 'refused', 'left'),
    first: [shown.map((s) => s.t), shown.map((s) => s.first_p50_ms || null), shown.map((s) => s.first_p95_ms || null)],
    flight: column('in_flight', 'connections'), memory: column('alloc_mb', 'sys_mb'), cost: [shown.map((s) => s.t), shown.map((s) => s.cost_nano / 1e9)],
  }), [shown]);
  if (!now) return html`<p class="soft">${t('One moment …')}</p>`;
  const per = now.per_minute;
  const wrong = per.failed + per.timed_out + per.ours;
  const requests = Object.values(per).reduce((a, b) => a + b, 0);
  const guilty = [...rows.values()].filter((r) => trouble(r) > 10 || switched.has(r.name)).sort((a, b) => trouble(b) - trouble(a));
  const spent = today.data?.data?.reduce((sum, row) => sum + Number(row.cost_usd), 0);
  return html`<h1 class="hidden">${t('Overview')}</h1>
    <section class="tiles" aria-label=${t('Now')}>
      <${Tile} name=${t('Goroutines')} level=${levels[now.level]} note=${`${t(now.level)} · ${t('{n} explained', { n: count(now.expected) })}`}>${count(now.goroutines)}</${Tile}>
      <${Tile} name=${t('Channels')} level=${now.channels_healthy < now.channels ? 'warn' : 'good'} note=${t('of {n} are healthy', { n: now.channels })} href="#/channels">${now.channels_healthy}</${Tile}>
      <${Tile} name=${t('In flight')} note=${t('{n} connections', { n: count(now.connections) })} href="#/inflight">${count(now.in_flight)}</${Tile}>
      <${Tile} name=${t('Requests a minute')} note=${t('{n} refused, {m} left', { n: count(per.refused), m: count(per.left) })}>${count(requests)}</${Tile}>
      <${Tile} name=${t('Failures a minute')} level=${wrong > 0 ? 'bad' : 'good'} note=${t('{n} upstream, {m} timed out', { n: count(per.failed), m: count(per.timed_out) })}>${count(wrong)}</${Tile}>
      <${Tile} name=${t('Time to first token')} note=${t('95 % below {p95}', { p95: ms(now.first_p95_ms || null) })}>${ms(now.first_p50_ms || null)}</${Tile}>
      <${Tile} name=${t('Memory')} note=${t('{n} from the system', { n: mb(now.sys_mb) })}>${mb(now.alloc_mb)}</${Tile}>
      ${today.data && html`<${Tile} name=${t('Spend today')} note=${t('{n} requests', { n: count(today.data.data.reduce((sum, row) => sum + row.requests, 0)) })} href="#/spend">${usd(spent)}</${Tile}>`}
    </section>
    <section class="trouble" aria-labelledby="trouble"><h2 id="trouble">${t('Channels in trouble')}</h2>
      ${guilty.length === 0 ? html`<p class="well">✓ ${t('None: every channel that is in use is well.')}</p>` : html`<ul class="guilty">${guilty.slice(0, 6).map((row) => html`<li key=${row.name}>
        <div><a href=${link('channels', row.name)}><strong>${row.name}</strong></a> <${State} is=${row.state} /></div>
        <${Why} row=${row} />
        <${Switches} row=${row} done=${() => setSwitched(new Set([...switched, row.name]))} /></li>`)}</ul>${guilty.length > 6 && html`<p><a href="#/channels">${t('{n} more', { n: guilty.length - 6 })}</a></p>`}`}
    </section>
    <section aria-labelledby="hours"><div class="row"><h2 id="hours">${t('The last hours')}</h2><div class="choice" role="group" aria-label=${t('Range')}>${Object.keys(ranges).map((name) => html`
      <button class="quiet" aria-pressed=${range === name} onClick=${() => setRange(name)}>${name}</button>`)}</div></div>
      ${shown.length < 2 ? html`<p class="soft">${t('The first pictures come in a few seconds.')}</p>` : html`<div class="charts">
      <${Chart} title=${t('Goroutines')} data=${pictures.goroutines} format=${count} lines=${[{ at: 2000, color: 'warn' }, { at: 5000, color: 'bad' }, { at: 10000, color: 'bad' }]}
        series=${[{ label: t('actual'), color: 'blue', fill: true }, { label: t('explained'), color: 'soft' }]} />
      <${Chart} title=${t('Requests a minute')} data=${pictures.requests} format=${count} series=${[{ label: t('good'), color: 'good', fill: true }, { label: t('failed'), color: 'bad' },
        { label: t('timed out'), color: 'warn' }, { label: t('refused'), color: 'violet' }, { label: t('left'), color: 'soft' }]} />
      <${Chart} title=${t('Time to first token')} data=${pictures.first} format=${ms} series=${[{ label: '50 %', color: 'blue', fill: true }, { label: '95 %', color: 'warn' }]} />
      <${Chart} title=${t('In flight')} data=${pictures.flight} format=${count} series=${[{ label: t('calls'), color: 'blue', fill: true }, { label: t('connections'), color: 'soft' }]} />
      <${Chart} title=${t('Memory')} data=${pictures.memory} format=${mb} series=${[{ label: t('in use'), color: 'blue', fill: true }, { label: t('from the system'), color: 'soft' }]} />
      <${Chart} title=${t('Spend, in ten seconds each')} data=${pictures.cost} format=${usd} least=${0} series=${[{ label: 'USD', color: 'good', fill: true }]} /></div>`}
    </section>`;
}
