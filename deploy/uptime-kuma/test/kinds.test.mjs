// What each kind of notification sends for one and the same alert, through a real Uptime Kuma: skipped unless KUMA_SRC names
// one. Not WeCom: its address is fixed in Kuma.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";
import { real, run, startKuma } from "./support/kuma.mjs";
import { startMailbox } from "./support/mailbox.mjs";
import { startRelay } from "./support/servers.mjs";

/** Everybody's server at once. `of(path)` resolves with what arrives first at a path that begins so. */
async function startProviders(t) {
    const waiting = {};
    const of = (path) => {
        waiting[path] ??= {};
        return (waiting[path].promise ??= new Promise((resolve) => (waiting[path].resolve = resolve)));
    };
    const server = http.createServer(async (request, response) => {
        const chunks = await request.toArray();
        response.setHeader("Content-Type", "application/json").end('{"errmsg":"ok"}');
        const path = Object.keys(waiting).find((p) => request.url.startsWith(p));
        waiting[path]?.resolve({ url: decodeURIComponent(request.url), text: Buffer.concat(chunks).toString() });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => (server.closeAllConnections(), server.close()));
    return { url: `http://127.0.0.1:${server.address().port}`, of };
}

test("every kind of notification names the level, and says what to do where there is room", { skip: real ? false : "KUMA_SRC is not set" }, async (t) => {
    const url = await startKuma(t);
    const relay = await startRelay(t);
    const mailbox = await startMailbox(t);
    const at = await startProviders(t);
    const arrive = Object.fromEntries(["/dingtalk", "/feishu", "/bot1:test", "/ntfy", "/bark"].map((path) => [path, at.of(path)]));
    relay.health = { ...relay.health, goroutines: 6000, busiest: { channel: "qwen-slow", in_flight: 2700, oldest_seconds: 137 } };
    await run(url, {
        KUMA_RELAY_URL: relay.url, KUMA_COLLECTOR_URL: "", KUMA_INTERVAL: "1",
        KUMA_SMTP_HOST: "127.0.0.1", KUMA_SMTP_PORT: String(mailbox.port), KUMA_SMTP_STARTTLS: "false", KUMA_SMTP_LEVELS: "critical",
        KUMA_SMTP_FROM: "relay@example.com", KUMA_SMTP_TO: "oncall@example.com",
        KUMA_DINGTALK_URL: `${at.url}/dingtalk?access_token=test`, KUMA_DINGTALK_LEVELS: "critical",
        KUMA_FEISHU_URL: `${at.url}/feishu`, KUMA_FEISHU_LEVELS: "critical",
        KUMA_TELEGRAM_TOKEN: "1:test", KUMA_TELEGRAM_CHAT_ID: "-100", KUMA_TELEGRAM_SERVER_URL: at.url, KUMA_TELEGRAM_LEVELS: "critical",
        KUMA_NTFY_URL: `${at.url}/ntfy`, KUMA_NTFY_TOPIC: "relay", KUMA_NTFY_LEVELS: "critical",
        KUMA_BARK_URL: `${at.url}/bark`, KUMA_BARK_LEVELS: "critical",
    });
    const name = "Critical: goroutines > 5000 · One API";
    const figures = "critical: 6000 goroutines > 5000; busiest channel: qwen-slow (in flight: 2700, oldest: 137 s)";
    const advice = "be ready to restart";

    const mail = await mailbox.mail;
    assert.match(mail, new RegExp(`Subject: \\[${name}\\] \\[🔴 Down\\]`));
    for (const words of [figures, advice]) {
        assert.ok(mail.includes(words), mail);
    }
    const telegram = JSON.parse((await arrive["/bot1:test"]).text);
    assert.equal(telegram.chat_id, "-100");
    for (const words of [`[${name}] [🔴 Down]`, figures, advice]) {
        assert.ok(telegram.text.includes(words), telegram.text);
    }
    const ntfy = JSON.parse((await arrive["/ntfy"]).text);
    assert.deepEqual([ntfy.topic, ntfy.title, ntfy.priority], ["relay", `${name} 🔴 Down`, 5]);
    assert.ok(ntfy.message.includes(figures) && ntfy.message.includes(advice), ntfy.message);
    const dingtalk = JSON.parse((await arrive["/dingtalk"]).text).markdown;
    assert.ok(dingtalk.title.includes(name) && dingtalk.text.includes(figures), dingtalk.text);
    const feishu = (await arrive["/feishu"]).text;
    assert.ok(feishu.includes(name) && feishu.includes(figures), feishu);
    const bark = (await arrive["/bark"]).url;
    assert.ok(bark.includes(name) && bark.includes(figures) && bark.includes("group=One API"), bark);
});
