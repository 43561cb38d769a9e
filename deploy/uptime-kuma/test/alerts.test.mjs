// What arrives on a phone, through a real Uptime Kuma: skipped unless KUMA_SRC names one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { real, run, startKuma } from "./support/kuma.mjs";
import { channel, startRelay, startSink } from "./support/servers.mjs";

const skip = real ? false : "KUMA_SRC is not set";

async function provisioned(t, variables = {}) {
    const url = await startKuma(t);
    const relay = await startRelay(t, "test-token");
    const sink = await startSink(t);
    await run(url, { KUMA_CHANNELS: "true", KUMA_RELAY_URL: relay.url, MONITOR_TOKEN: "test-token", KUMA_WEBHOOK_URL: sink.url,
        KUMA_COLLECTOR_URL: "", KUMA_INTERVAL: "1", ...variables });
    return { relay, sink };
}

test("each level is named when its limit is passed, and when it is over", { skip }, async (t) => {
    const { relay, sink } = await provisioned(t);
    const set = (goroutines) => (relay.health = { ...relay.health, goroutines });
    set(2001);
    assert.equal((await sink.next("warning", "Down")).msg,
        "[One API warning: goroutines > 2000] [🔴 Down] JSON query does not pass (comparing 2001 <= 2000)");
    set(5001);
    assert.equal((await sink.next("critical", "Down")).msg,
        "[One API critical: goroutines > 5000] [🔴 Down] JSON query does not pass (comparing 5001 <= 5000)");
    set(10001);
    const { msg, monitor } = await sink.next("severe", "Down");
    assert.equal(msg, "[One API severe: goroutines > 10000] [🔴 Down] JSON query does not pass (comparing 10001 <= 10000)");
    assert.match(monitor.description, /restart the relay at once/);
    assert.doesNotMatch(JSON.stringify(monitor), /test-token/);
    set(2000);
    assert.equal((await sink.next("warning", "Up")).msg,
        "[One API warning: goroutines > 2000] [✅ Up] JSON query passes (comparing 2000 <= 2000)");
    await sink.next("critical", "Up");
    await sink.next("severe", "Up");
    assert.deepEqual(sink.unread, []);
});

test("memory and unexplained goroutines have words of their own", { skip }, async (t) => {
    const { relay, sink } = await provisioned(t, { KUMA_LANG: "zh" });
    relay.health = { ...relay.health, memory: { alloc_mb: 4097 }, unexplained_goroutines: 501 };
    await sink.next("警告：来历不明的 goroutine > 500", "501 <= 500");
    await sink.next("警告：内存 > 3072 MB", "4097 <= 3072");
    await sink.next("紧急：内存 > 4096 MB", "4097 <= 4096");
});

test("a channel that fails is named, with the reason, and one that the operator takes out is not", { skip }, async (t) => {
    const { relay, sink } = await provisioned(t);
    const failing = { state: "cooling", consecutive_failures: 6, last_failure: { outcome: "upstream_status", status: 500 } };
    relay.channels = [channel("openai-main", failing), channel("backup_2.eu", { state: "disabled", consecutive_failures: 9 })];
    assert.equal((await sink.next("channel", "Down")).msg,
        "[One API channel openai-main] [🔴 Down] JSON query does not pass (comparing passed over, failures in a row: 6, last: upstream_status 500 contains OK)");
    relay.channels = [channel("openai-main", { ...failing, state: "disabled" }), channel("backup_2.eu")];
    assert.equal((await sink.next("openai-main", "Up")).msg,
        "[One API channel openai-main] [✅ Up] JSON query passes (comparing OK, disabled contains OK)");
    assert.deepEqual(sink.unread, []);
});

test("a channel that nobody watches yet is named", { skip }, async (t) => {
    const { relay, sink } = await provisioned(t);
    relay.channels = [...relay.channels, channel("brand-new")];
    await sink.next("channels without a monitor", "Down", "brand-new");
});

test("a relay that is out of reach is told by its health first", { skip }, async (t) => {
    const { relay, sink } = await provisioned(t);
    relay.health = { status: "draining" };
    await sink.next("One API health", "Down", "draining == ok");
    assert.deepEqual(sink.unread, []);
});

test("a monitor that is down for its limit tells of its recovery even when the relay restarts in between", { skip }, async (t) => {
    const { relay, sink } = await provisioned(t);
    relay.health = { ...relay.health, goroutines: 2500 };
    await sink.next("warning", "Down", "2500");
    const { channels } = relay;
    relay.health = "restarting"; // what some proxy says meanwhile
    await sink.next("health", "Down");
    Object.assign(relay, { channels, health: { status: "ok", goroutines: 300, memory: { alloc_mb: 1 }, unexplained_goroutines: 0 } });
    await sink.next("warning", "Up", "300 <= 2000");
});
