// Drives the operator's page in a real browser: node page.mjs, with RELAY, ADMIN and MONITOR (tokens), KEY (a client's), CROWD (a relay with a
// thousand channels), GUILTY (one with a channel that answers five calls and then none) and SHOTS (a folder; empty: no pictures). It prints a line of JSON a scene; a line {"ask": "restart"} wants the relay to be
// started anew.
import { chromium } from 'playwright-core';
import fs from 'node:fs';
import readline from 'node:readline';

const { RELAY, ADMIN, MONITOR, KEY, CROWD, GUILTY, SHOTS, CHROMIUM } = process.env;
const axe = fs.readFileSync('node_modules/axe-core/axe.min.js', 'utf8');
const say = (line) => console.log(JSON.stringify(line));
const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });

// a page that notes what no page should do
async function open(options = {}, url = RELAY) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 850 }, ...options });
  const page = await context.newPage();
  page.wrong = [];
  page.on('console', (m) => { if (m.type() === 'error' && !/401|ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY|503/.test(m.text())) page.wrong.push(m.text()); });
  page.on('pageerror', (e) => page.wrong.push(String(e)));
  page.on('request', (r) => { if (!r.url().startsWith(url) && !r.url().startsWith('data:')) page.wrong.push('another host: ' + r.url()); });
  await page.goto(url + '/');
  return page;
}

async function login(page, token) {
  await page.fill('#token', token);
  await page.click('form button');
}

const view = async (page, hash, wait) => { await page.goto(page.url().split('#')[0] + '#/' + hash); await page.waitForSelector(wait || '#view h1'); };
const shot = async (page, name) => { if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}.png` }); };
const must = (is, otherwise) => { if (!is) throw new Error(otherwise); };

async function scene(name, does) {
  try {
    const measured = await does();
    say({ scene: name, ok: true, measured });
  } catch (e) {
    say({ scene: name, ok: false, detail: String(e).slice(0, 600) });
  }
}

let desk, guilty;
await scene('a wrong token is told so, and the right one gets in', async () => {
  desk = await open();
  await desk.waitForSelector('#token');
  await login(desk, 'wrong-token-0123456789');
  await desk.waitForSelector('.problem');
  await login(desk, ADMIN);
  await desk.waitForSelector('.tiles');
  must(!(await desk.content()).includes(ADMIN), 'the token stands in the page');
});

// What the first view takes is counted as the browser does: bytes that came over the wire, headers included, and the time from the beginning of the load.
await scene('the first view is small and soon there', async () => {
  const page = await open();
  await page.waitForSelector('#token');
  await login(page, MONITOR);
  await page.waitForSelector('.chart canvas', { timeout: 40_000 });
  const wire = await page.context().newCDPSession(page);
  await wire.send('Network.enable');
  await wire.send('Network.setCacheDisabled', { cacheDisabled: true });
  const streams = new Set();
  let bytes = 0;
  let files = 0;
  wire.on('Network.requestWillBeSent', (e) => { if (e.request.url.endsWith('/events')) streams.add(e.requestId); });
  wire.on('Network.loadingFinished', (e) => { if (!streams.has(e.requestId)) { bytes += e.encodedDataLength; files++; } });
  const times = [];
  for (let i = 0; i < 5; i++) {
    bytes = 0;
    files = 0;
    await page.reload({ waitUntil: 'commit' });
    await page.waitForSelector('.tiles');
    times.push(await page.evaluate(() => performance.now()));
    await page.waitForSelector('.chart canvas');
    await page.waitForTimeout(300);
    must(bytes < 100_000, `the first view took ${bytes} bytes`);
    must(bytes > 20_000, `only ${bytes} bytes were counted`);
  }
  times.sort((a, b) => a - b);
  must(times[2] < 10_000, `it took ${times[2]} ms`);
  must(!(await page.locator('text=Disable').count()), 'who may only look sees buttons');
  await page.context().close();
  return `${bytes} bytes in ${files} files, pictures included; figures after ${Math.round(times[2])} ms (of five: ${Math.round(times[0])} to ${Math.round(times[4])})`;
});

const views = [['', 'overview'], ['channels', 'channels'], ['channels/dead-end', 'channel'], ['inflight', 'inflight'], ['requests', 'requests'], ['spend', 'spend'], ['keys', 'keys'], ['config', 'configuration']];
for (const [name, options] of Object.entries({ desk: {}, phone: { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, colorScheme: 'dark' }, chinese: { locale: 'zh-CN' } })) {
  await scene(`every view fits, is accessible and breaks nothing: ${name}`, async () => {
    const page = await open(options);
    await page.waitForSelector('#token');
    await login(page, ADMIN);
    await page.waitForSelector('.tiles');
    await page.waitForSelector('.chart canvas', { timeout: 40_000 });
    for (const [hash, file] of views) {
      await view(page, hash);
      await page.waitForTimeout(1200);
      await shot(page, name === 'desk' ? file : `${name}-${file}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      must(wide <= 0, `${file} is ${wide} px too wide`);
      const bad = await page.evaluate(axe + `;axe.run().then((r) => r.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => v.id + ' ' + v.nodes[0].html.slice(0, 200)))`);
      must(bad.length === 0, `${file}: ${bad.join('; ')}`);
      if (name === 'chinese') must(/[一-鿿]/.test(await page.locator('nav').innerText()), 'it is not in Chinese');
    }
    must(page.wrong.length === 0, page.wrong.join('; '));
    await page.context().close();
  });
}

await scene('a stuck call is ended', async () => {
  await view(desk, 'inflight', '.cells');
  const before = await desk.locator('.cells tbody tr').count();
  await desk.locator('.cells button.danger').first().click();
  await desk.locator('dialog button.danger').click();
  await desk.waitForFunction((n) => document.querySelectorAll('.cells tbody tr').length < n, before);
});

const chat = (model) => fetch(GUILTY + '/v1/chat/completions', { method: 'POST', headers: { Authorization: 'Bearer ' + KEY, 'Content-Type': 'application/json' }, body: JSON.stringify({ model, messages: [{ role: 'user', content: 'x' }] }) }).then(async (answer) => { await answer.text(); return answer; });

await scene('one of several channels hangs: it is named with the reason in the first view, and one click takes it out of the way', async () => {
  const page = guilty = await open({}, GUILTY);
  await page.waitForSelector('#token');
  await login(page, ADMIN);
  await page.waitForSelector('.tiles');
  for (let i = 0; i < 5; i++) must((await chat('steady')).status === 200, 'the channel was to be well at first');
  must((await page.locator('.guilty li', { hasText: 'stuck-one' }).count()) === 0, 'it is named while it is well');
  const began = Date.now();
  const hanging = [chat('steady'), chat('steady'), chat('steady')];
  const first = page.locator('.guilty li').first();
  await page.waitForFunction(() => /stuck-one[\s\S]*3 calls hang: nothing has come for \d+ s, where 95 % take less than/.test(document.querySelector('.guilty li')?.innerText || ''), null, { timeout: 60_000 });
  const named = Date.now() - began;
  const box = await first.boundingBox();
  must(box.y + box.height <= page.viewportSize().height, `it is at ${box.y}, below the fold`);
  await shot(page, 'guilty');
  const clicked = Date.now();
  await first.locator('button', { hasText: /^Disable$/ }).click(); // the only one
  const answered = await chat('steady');
  must(answered.status === 200, `a call is answered ${answered.status}`);
  const out = Date.now() - clicked;
  must(out < 5_000, `it was out of the way after ${out} ms`);
  await first.locator('button', { hasText: 'Cut its 3 calls' }).click();
  await page.locator('dialog button.danger').click();
  for (const answer of await Promise.all(hanging)) must(answer.status === 200, 'a call that hung was not taken over by the other channel');
  await page.locator('.guilty li', { hasText: 'stuck-one' }).locator('button', { hasText: 'Enable' }).click(); // it can be undone where it was done
  await page.waitForFunction(() => !/stuck-one\s+disabled/.test(document.querySelector('.guilty').innerText));
  must(page.wrong.length === 0, page.wrong.join('; '));
  return `named ${(named / 1000).toFixed(1)} s after the first call of it hung, with no click; out of the way ${out} ms after one click`;
});

await scene('what a channel did is shown in pictures', async () => {
  await view(guilty, 'channels/stuck-one', '.chart canvas');
  const said = await guilty.locator('.chart [role=img]').evaluateAll((all) => all.map((one) => one.ariaLabel));
  must(said.length === 3 && said[0].includes('good: ') && said[2].includes('95 %: '), `they say ${said.join(' | ')}`);
  const slots = await guilty.evaluate(() => fetch('/api/monitor/channels/stuck-one/history').then((answer) => answer.json()));
  must(slots.data.reduce((sum, slot) => sum + slot.good, 0) === 5, JSON.stringify(slots));
});

await scene('who has changed what is shown', async () => {
  await view(guilty, 'config', 'textarea');
  const changes = await guilty.locator('section[aria-labelledby=changes]').innerText();
  for (const is of ['channel disabled stuck-one', 'channel enabled stuck-one', 'administrator (on this page)', '127.0.0.1', 'configuration loaded']) must(changes.includes(is), `${is} is not in: ${changes}`);
});

await scene('a channel is tested', async () => {
  await view(desk, 'channels/good-one');
  await desk.locator('button', { hasText: 'Test' }).click();
  await desk.waitForSelector('p.well, p.problem');
});

await scene('a key is made, used and taken away', async () => {
  await view(desk, 'keys', 'button');
  await desk.locator('button', { hasText: 'New key' }).first().click();
  await desk.fill('input[name=name]', 'browser');
  await desk.locator('form.card button:not(.quiet)').click();
  const key = await desk.locator('dialog .key').innerText();
  const used = () => fetch(RELAY + '/v1/chat/completions', { method: 'POST', headers: { Authorization: 'Bearer ' + key, 'Content-Type': 'application/json' }, body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'x' }] }) });
  must((await used()).status === 200, 'the key does not work');
  await desk.locator('dialog button').last().click();
  await desk.locator('tr', { hasText: 'browser' }).locator('button.danger').click();
  await desk.locator('dialog button.danger').click();
  await desk.waitForFunction(() => ![...document.querySelectorAll('tr')].some((r) => r.innerText.includes('browser')));
  must((await used()).status === 401, 'the key works still');
});

await scene('a key keeps its end when its limits are changed in another zone', async () => {
  const page = await open({ timezoneId: 'Asia/Shanghai' });
  await page.waitForSelector('#token');
  await login(page, ADMIN);
  await page.waitForSelector('.tiles');
  const call = (method, path, body) => page.evaluate(([how, at, said]) => fetch(at, { method: how, headers: { 'Content-Type': 'application/json' }, body: said && JSON.stringify(said) }).then((answer) => answer.json()), [method, path, body]);
  await call('POST', '/api/token', { name: 'ends', expires: '2099-01-31T10:20:30Z' });
  await view(page, 'keys', '.cells');
  await page.locator('tr', { hasText: 'ends' }).locator('button', { hasText: 'Limit' }).click();
  must(await page.inputValue('input[name=expires]') === '2099-01-31T18:20', 'the end is not in the reader\'s time');
  await page.fill('input[name=rpm]', '7');
  await page.locator('form.card button:not(.quiet)').click();
  await page.waitForSelector('form.card', { state: 'detached' });
  const kept = await call('GET', '/api/token/ends');
  must(kept.limits.rpm === 7 && kept.expires === '2099-01-31T10:20:30Z', JSON.stringify(kept));
  await call('DELETE', '/api/token/ends');
  must(page.wrong.length === 0, page.wrong.join('; '));
  await page.context().close();
});

await scene('a request is found by its id, with its attempts', async () => {
  const answer = await fetch(RELAY + '/v1/chat/completions', { method: 'POST', headers: { Authorization: 'Bearer ' + KEY, 'Content-Type': 'application/json' }, body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'x' }] }) });
  await answer.text();
  await desk.waitForTimeout(1500);
  await view(desk, 'requests/' + answer.headers.get('x-oneapi-request-id'), '.timeline');
  must((await desk.locator('.timeline').innerText()).includes('good-one'), 'the attempt is not there');
  await shot(desk, 'request');
});

await scene('what is wrong with a file is said by line', async () => {
  await view(desk, 'config', 'textarea');
  await desk.fill('textarea', 'channels:\n  - {name: x, typo: openai}\n');
  await desk.locator('button', { hasText: 'Check' }).click();
  must((await desk.locator('pre.problem').innerText()).includes(':2'), 'no line is named');
});

await scene('the page works by keyboard alone', async () => {
  await view(desk, '');
  await desk.keyboard.press('Tab');
  const seen = new Set();
  for (let i = 0; i < 40; i++) {
    seen.add(await desk.evaluate(() => document.activeElement.textContent.trim().slice(0, 20)));
    await desk.keyboard.press('Tab');
  }
  for (const name of ['Channels', 'In flight', 'Log out']) must(seen.has(name), `${name} cannot be reached`);
});

await scene('a relay that restarts is noticed, and followed again', async () => {
  await view(desk, '', '.tiles');
  say({ ask: 'stop' });
  await answers.next();
  await desk.waitForSelector('.banner.bad', { timeout: 20_000 });
  await shot(desk, 'restarting');
  say({ ask: 'start' });
  await answers.next();
  await desk.waitForSelector('.banner.bad', { state: 'detached', timeout: 30_000 });
  await desk.waitForSelector('.tiles');
});

await scene('a thousand channels are shown at once and found', async () => {
  const page = await open({}, CROWD);
  await page.waitForSelector('#token');
  await login(page, ADMIN);
  await page.waitForSelector('.tiles');
  const began = Date.now();
  await view(page, 'channels', '.cells');
  await page.waitForFunction(() => document.querySelectorAll('.cells tbody tr').length === 200);
  must(Date.now() - began < 10_000, 'it took long');
  await page.fill('input[type=search]', 'c-0777');
  await page.waitForFunction(() => document.querySelectorAll('.cells tbody tr').length === 1);
  must(page.wrong.length === 0, page.wrong.join('; '));
});

must(desk.wrong.length === 0, desk.wrong.join('; '));
await browser.close();
process.exit(0);
