// What arrives on a phone, through a real Uptime Kuma: skipped unless KUMA_SRC names one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { real, run, startKuma } from "./support/kuma.mjs";
import { channel, startRelay, startSink } from "./support/servers.mjs";

const skip = real ? false : "KUMA_SRC is not set";

async function provisioned(t, variables = {}, channels = undefined) {
    const url = await startKuma(t);
    const relay = await startRelay(t, "test-token");
    relay.channels = channels ?? relay.channels;
    const sink = await startSink(t);
    await run(url, { KUMA_CHANNELS: "true", KUMA_RELAY_URL: relay.url, MONITOR_TOKEN: "test-token", KUMA_WEBHOOK_URL: sink.url,
        KUMA_COLLECTOR_URL: "", KUMA_INTERVAL: "1", ...variables });
    return { relay, sink };
}

const critical = "Critical: goroutines > 5000 · One API";

test("each level is named when its limit is passed, with the number and the busiest channel, and when it is over", { skip }, async (t) => {
    const { relay, sink } = await provisioned(t);
    const set = (goroutines) =>
        (relay.health = { ...relay.health, goroutines, busiest: { channel: "qwen-slow", in_flight: goroutines / 2 - 0.5, oldest_seconds: 137 } });
    set(2001);
    assert.equal((await sink.next("Warning", "Down")).msg, "[Warning: goroutines > 2000 · One API] [🔴 Down] JSON query does not pass " +
        "(comparing warning: 2001 goroutines > 2000; busiest channel: qwen-slow (in flight: 1000, oldest: 137 s) contains OK)");
    set(5001);
    assert.equal((await sink.next("Critical", "Down")).msg, `[${critical}] [🔴 Down] JSON query does not pass ` +
        "(comparing critical: 5001 goroutines > 5000; busiest channel: qwen-slow (in flight: 2500, oldest: 137 s) contains OK)");
    set(10001);
    const { msg, monitor } = await sink.next("Severe", "Down");
    assert.match(msg, /severe: 10001 goroutines > 10000; busiest channel: qwen-slow/);
    assert.match(monitor.description, /restart the relay at once/);
    assert.doesNotMatch(JSON.stringify(monitor), /test-token/);
    relay.health = { ...relay.health, goroutines: 2000, busiest: undefined };
    assert.equal((await sink.next("Warning", "Up")).msg,
        "[Warning: goroutines > 2000 · One API] [✅ Up] JSON query passes (comparing OK, 2000 goroutines contains OK)");
    await sink.next("Critical", "Up");
    await sink.next("Severe", "Up");
    assert.deepEqual(sink.unread, []);
});

test("idle clients alert nobody", { skip }, async (t) => {
    const { relay, sink } = await provisioned(t);
    relay.health = { ...relay.health, goroutines: 4001, client_connections: { open: 2100, idle: 2001 } };
    await beats(relay);
    assert.deepEqual(sink.unread, []);
    relay.health = { ...relay.health, client_connections: { open: 2100, idle: 2000 } };
    await sink.next("Warning", "Down", "4001", "idle clients among them: 2000");
    assert.deepEqual(sink.unread, []);
});

test("memory and unexplained goroutines have words of their own", { skip }, async (t) => {
    const { relay, sink } = await provisioned(t, { KUMA_LANG: "zh" });
    relay.health = { ...relay.health, memory: { alloc_mb: 4097 }, unexplained_goroutines: 501 };
    await sink.next("[来历不明的 goroutine > 500（警告）", "警告：来历不明的 goroutine 501 > 500");
    await sink.next("[内存 > 3072 MB（警告）", "4097 MB > 3072");
    await sink.next("[大量内存 > 4096 MB（紧急）", "4097 MB > 4096");
});

/** Waits until every monitor has looked some times at how things are now. */
async function beats(relay) {
    const upTo = relay.asked + 60; // eleven or so look every second
    while (relay.asked < upTo) {
        await sleep(50);
    }
}

const failing = { state: "cooling", consecutive_failures: 6, last_failure: { outcome: "upstream_status", status: 500 } };
const three = (...more) => ["openai-main", "backup_2.eu", "third"].map((name, at) => channel(name, more[at]));

test("a channel that fails is named, with the reason, and one that the operator takes out is not", { skip }, async (t) => {
    const { relay, sink } = await provisioned(t, {}, three());
    relay.channels = three(failing, { state: "disabled", consecutive_failures: 9 });
    assert.equal((await sink.next("channel", "Down")).msg, "[openai-main (channel) · One API] [🔴 Down] JSON query does not pass " +
        "(comparing failures in a row: 6, last: upstream_status 500 contains OK)");
    relay.channels = three({ ...failing, state: "disabled" });
    assert.equal((await sink.next("openai-main", "Up")).msg,
        "[openai-main (channel) · One API] [✅ Up] JSON query passes (comparing OK, disabled contains OK)");
    assert.deepEqual(sink.unread, []);
});

test("when most channels fail at once that is one alert, which names them, and one recovery", { skip }, async (t) => {
    const { relay, sink } = await provisioned(t, {}, three());
    relay.channels = three(failing, failing, failing);
    const { msg } = await sink.next("Most channels fail at once", "Down", "3 of 3");
    assert.match(msg, /openai-main \(failures in a row: 6.*backup_2\.eu \(failures.*third \(/);
    await beats(relay);
    assert.deepEqual(sink.unread, []);
    relay.channels = three();
    await sink.next("Most channels fail at once", "Up");
    await beats(relay);
    assert.deepEqual(sink.unread, []);
    relay.channels = three(failing, failing, failing);
    await sink.next("Most channels", "Down");
    relay.channels = three(failing);
    await sink.next("openai-main", "Down");
    await sink.next("Most channels", "Up");
    await beats(relay);
    assert.deepEqual(sink.unread, [], "what still fails alone is told then");
});

test("a channel that nobody watches yet is named", { skip }, async (t) => {
    const { relay, sink } = await provisioned(t);
    relay.channels = [...relay.channels, channel("brand-new")];
    await sink.next("New channels without a monitor", "Down", "brand-new");
});

test("a relay that refuses the monitors' token is told once", { skip }, async (t) => {
    const { relay, sink } = await provisioned(t);
    relay.token = "another";
    await sink.next("Most channels", "Down", "the monitors may not look: The monitor token is needed");
    await beats(relay);
    assert.deepEqual(sink.unread, []);
});

test("a relay that is away is one alert and one recovery, which says how things stand", { skip }, async (t) => {
    const { relay, sink } = await provisioned(t);
    relay.away();
    await sink.next("[Health · One API] [🔴 Down]", "ECONNREFUSED");
    await sleep(8_000); // several looks of each monitor
    assert.deepEqual(sink.unread, []);
    await relay.back();
    await sink.next("[Health · One API] [✅ Up]", "OK, normal, 900 goroutines");
    await beats(relay);
    assert.deepEqual(sink.unread, []);
});

test("with retries of their own limits tell of an outage too", { skip }, async (t) => {
    const { relay, sink } = await provisioned(t, { KUMA_LIMIT_RETRIES: "2" });
    relay.away();
    await sink.next("Health", "Down");
    await sink.next("Warning", "Down", "ECONNREFUSED");
    await sink.next("openai-main", "Down", "ECONNREFUSED");
    await relay.back();
    await sink.next("Warning", "Up");
});

test("a monitor that is down for its limit stays so while the relay drains, and tells of its recovery", { skip }, async (t) => {
    const { relay, sink } = await provisioned(t);
    relay.health = { ...relay.health, goroutines: 2500 };
    await sink.next("Warning", "Down", "2500");
    relay.health = { ...relay.health, status: "draining" };
    await sink.next("Health", "Down", "draining");
    await beats(relay);
    relay.health = { ...relay.health, status: "ok", goroutines: 300 };
    await sink.next("Warning", "Up", "OK, 300 goroutines");
    await sink.next("Health", "Up");
    assert.deepEqual(sink.unread, []);
});
