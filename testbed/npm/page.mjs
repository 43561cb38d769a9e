// Drives the operator's page in a real browser: node page.mjs, with RELAY, ADMIN and MONITOR (tokens), KEY (a client's), CROWD (a relay with a
// thousand channels) and SHOTS (a folder; empty: no pictures). It prints a line of JSON a scene; a line {"ask": "restart"} wants the relay to be
// started anew.
import { chromium } from 'playwright-core';
import fs from 'node:fs';
import readline from 'node:readline';

const { RELAY, ADMIN, MONITOR, KEY, CROWD, SHOTS, CHROMIUM } = process.env;
const axe = fs.readFileSync('node_modules/axe-core/axe.min.js', 'utf8');
const say = (line) => console.log(JSON.stringify(line));
const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });

// a page that notes what no page should do
async function open(options = {}, url = RELAY) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 850 }, ...options });
  const page = await context.newPage();
  page.wrong = [];
  page.bytes = 0;
  page.on('console', (m) => { if (m.type() === 'error' && !/401|ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY|503/.test(m.text())) page.wrong.push(m.text()); });
  page.on('pageerror', (e) => page.wrong.push(String(e)));
  page.on('request', (r) => { if (!r.url().startsWith(url) && !r.url().startsWith('data:')) page.wrong.push('another host: ' + r.url()); });
  page.on('response', async (r) => { page.bytes += Number((await r.allHeaders().catch(() => ({})))['content-length'] || 0); });
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
    await does();
    say({ scene: name, ok: true });
  } catch (e) {
    say({ scene: name, ok: false, detail: String(e).slice(0, 600) });
  }
}

let desk, phone;
await scene('a wrong token is told so, and the right one gets in', async () => {
  desk = await open();
  await desk.waitForSelector('#token');
  await login(desk, 'wrong-token-0123456789');
  await desk.waitForSelector('.problem');
  await login(desk, ADMIN);
  await desk.waitForSelector('.tiles');
  must(!(await desk.content()).includes(ADMIN), 'the token stands in the page');
});

await scene('the first view is small and soon there', async () => {
  const page = await open();
  await page.waitForSelector('#token');
  await login(page, MONITOR);
  const began = Date.now();
  await page.reload();
  await page.waitForSelector('.tiles');
  const took = Date.now() - began;
  await page.waitForTimeout(1500);
  must(page.bytes < 2 * 100_000, `two loads took ${page.bytes} bytes`);
  must(took < 10_000, `it took ${took} ms`);
  must(!(await page.locator('text=Disable').count()), 'who may only look sees buttons');
  await page.context().close();
});

const views = [['', 'overview'], ['channels', 'channels'], ['channels/slow-qwen', 'channel'], ['inflight', 'inflight'], ['requests', 'requests'], ['spend', 'spend'], ['keys', 'keys'], ['config', 'configuration']];
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

await scene('the guilty channel is named and taken out in a few steps', async () => {
  await view(desk, '', '.guilty');
  const guilty = desk.locator('.guilty li', { hasText: 'dead-end' });
  await guilty.locator('button', { hasText: 'Disable' }).first().click();
  await desk.locator('dialog button.danger').click();
  await view(desk, 'channels/dead-end', '.state.disabled');
  await desk.locator('button', { hasText: 'Enable' }).click();
  await desk.waitForSelector('h1 .state:not(.disabled)');
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
