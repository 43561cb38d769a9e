// Pictures of the last hours, drawn by uPlot, which is fetched when the first of them is.
import { html, useEffect, useRef, t, language } from './core.js';

let loading = null;
function uplot() {
  loading ||= new Promise((resolve, reject) => {
    const style = document.createElement('link');
    style.rel = 'stylesheet';
    style.href = '/assets/uplot.css';
    const script = document.createElement('script');
    script.src = '/assets/uplot.js';
    script.onload = () => resolve(window.uPlot);
    script.onerror = reject;
    document.head.append(style, script);
  });
  return loading;
}

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// Chart draws series over time. data: [unix seconds, ...values of each series]; series: {label, color, fill, points}; lines: {at, color} across it; least: the
// lowest end of its scale.
// What it shows is said in words to those who cannot see it.
export function Chart({ title, data, series, lines = [], height = 150, format = String, least = 1 }) {
  const place = useRef(null);
  const chart = useRef(null);
  useEffect(() => {
    let gone = false;
    let watch = null;
    uplot().then((uPlot) => {
      if (gone || !place.current) return;
      const axis = { stroke: color('soft'), grid: { stroke: color('line'), width: 1 }, ticks: { show: false }, font: '11px system-ui' };
      const across = {
        hooks: {
          draw: [(u) => {
            for (const line of lines) {
              const max = u.scales.y.max;
              if (max == null || line.at > max) continue;
              const y = u.valToPos(line.at, 'y', true);
              u.ctx.save();
              u.ctx.strokeStyle = color(line.color);
              u.ctx.setLineDash([4, 4]);
              u.ctx.beginPath();
              u.ctx.moveTo(u.bbox.left, y);
              u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
              u.ctx.stroke();
              u.ctx.restore();
            }
          }],
        },
      };
      chart.current = new uPlot({
        width: place.current.clientWidth, height, cursor: { points: { size: 6 } }, legend: { live: true },
        scales: { y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? Math.max(least, high * 1.1) : 1] } },
        axes: [axis, { ...axis, size: 52, values: (_, ticks) => ticks.map(format) }],
        series: [{ value: (_, at) => (at == null ? '' : new Date(at * 1000).toLocaleTimeString(language.is === 'zh' ? 'zh-CN' : 'en')) },
          ...series.map((s) => ({ label: s.label, stroke: color(s.color), fill: s.fill ? color(s.color) + '22' : undefined, width: 1.5, points: { show: Boolean(s.points), size: 5 },
            value: (_, v) => (v == null ? '–' : format(v)) }))],
        plugins: [across],
      }, data, place.current);
      watch = new ResizeObserver(() => chart.current?.setSize({ width: Math.max(200, place.current.clientWidth), height }));
      watch.observe(place.current);
    }, () => {});
    return () => { gone = true; watch?.disconnect(); chart.current?.destroy(); chart.current = null; };
  }, [language.is, series.length]);
  useEffect(() => { chart.current?.setData(data); }, [data]);
  const last = series.map((s, i) => `${s.label}: ${data[i + 1]?.length ? format(data[i + 1][data[i + 1].length - 1] ?? 0) : '–'}`).join(', ');
  return html`<figure class="chart"><figcaption>${title}</figcaption><div ref=${place} role="img" aria-label=${`${title}. ${t('Now')}: ${last}`}></div></figure>`;
}

// Bars is a picture of a few named amounts, in plain HTML: rows of {name, value, text}.
export function Bars({ rows, label }) {
  const most = Math.max(...rows.map((r) => r.value), 0) || 1;
  return html`<ul class="bars" aria-label=${label}>${rows.map((r) => html`<li key=${r.name}>
    <span class="name">${r.name}</span><meter min="0" max=${most} value=${r.value} aria-hidden="true"></meter><span class="value">${r.text}</span></li>`)}</ul>`;
}
