import assert from "node:assert/strict";
import { test } from "node:test";
import { byHand, monitorsOf, named, run, startKuma } from "./support/kuma.mjs";
import { startRelay, startSink } from "./support/servers.mjs";

const nothing = ["nothing to change"];
const critical = "Critical: goroutines > 5000 · One API";
const changeMonitor = (url, name, changes) =>
    byHand(url, (kuma) => kuma.call("editMonitor", { ...named(kuma.monitors, name), ...changes }));
const linked = (monitor) => Object.keys(monitor.notificationIDList).length;

test("a fresh Kuma gets its user, group, monitors, notification and status page, and a second run changes nothing", async (t) => {
    const url = await startKuma(t);
    const relay = await startRelay(t, "test-token");
    const env = { KUMA_CHANNELS: "true", KUMA_RELAY_URL: relay.url, MONITOR_TOKEN: "test-token", KUMA_WEBHOOK_URL: "http://127.0.0.1:9/" };
    const lines = await run(url, env);
    assert.equal(lines[0], "created the user admin");
    assert.match(lines.at(-1), /^done: \d+ changes$/);

    const monitors = await monitorsOf(url);
    const group = named(monitors, "One API");
    assert.equal(monitors.length, 14);
    for (const monitor of monitors.filter(({ id }) => id !== group.id)) {
        assert.equal(monitor.parent, group.id, monitor.name);
        assert.equal(linked(monitor), 1, monitor.name);
        assert.equal(monitor.tags.length, 1, monitor.name);
    }
    assert.equal(linked(group), 0);
    assert.match(named(monitors, critical).jsonPath, /<= 5000/);
    assert.equal(named(monitors, "backup_2.eu (channel) · One API").url, `${relay.url}/api/monitor/channels`);

    const page = await (await fetch(`${url}/api/status-page/one-api`)).json();
    assert.deepEqual(page.publicGroupList.map((g) => [g.name, g.monitorList.length]), [["Relay", 9], ["Channels", 4]]);
    assert.deepEqual(await run(url, env), nothing);
});

test("monitors and notifications that were deleted by hand are made again", async (t) => {
    const url = await startKuma(t);
    const env = { KUMA_WEBHOOK_URL: "http://127.0.0.1:9/" };
    await run(url, env);
    await byHand(url, async (kuma) => {
        await kuma.call("deleteMonitor", named(kuma.monitors, critical).id);
        await kuma.call("deleteNotification", kuma.notifications[0].id);
    });
    const lines = await run(url, env);
    assert.ok(lines.includes(`created the monitor "${critical}"`), lines.join("\n"));
    assert.ok(lines.includes('created the notification "One API · Webhook"'));
    assert.ok((await monitorsOf(url)).every((monitor) => monitor.type === "group" || linked(monitor) === 1));
    assert.deepEqual(await run(url, env), nothing);
});

test("hand edits stay, also through changes of variables, until they are asked to be undone", async (t) => {
    const url = await startKuma(t);
    const env = { KUMA_WEBHOOK_URL: "http://127.0.0.1:9/" };
    await run(url, env);
    await changeMonitor(url, critical, { name: "Mine", jsonPath: "4000", notificationIDList: {} });
    await byHand(url, (kuma) => kuma.call("pauseMonitor", named(kuma.monitors, "Health · One API").id));

    const again = [`kept what was edited by hand in the monitor "Mine": name, jsonPath, notifications`, ...nothing];
    assert.deepEqual(await run(url, env), again);
    await run(url, { ...env, KUMA_INTERVAL: "30", KUMA_GOROUTINES_CRITICAL: "6000" });
    const mine = named(await monitorsOf(url), "Mine");
    assert.deepEqual([mine.jsonPath, mine.interval, linked(mine)], ["4000", 30, 0], "only what nobody has touched follows");
    assert.equal(named(await monitorsOf(url), "Health · One API").active, false);

    const restore = { ...env, KUMA_PROVISION_MODE: "restore" };
    await run(url, restore);
    const back = named(await monitorsOf(url), critical);
    assert.match(back.jsonPath, /<= 5000/);
    assert.deepEqual([back.interval, linked(back)], [60, 1]);
    assert.equal(named(await monitorsOf(url), "Health · One API").active, true);
    assert.deepEqual(await run(url, restore), nothing);
});

test("a variable that changes reaches the monitors, and the token with it", async (t) => {
    const url = await startKuma(t);
    await run(url, { MONITOR_TOKEN: "test-old" });
    const before = named(await monitorsOf(url), critical).id;
    await run(url, { MONITOR_TOKEN: "test-new", KUMA_GOROUTINES_CRITICAL: "6000" });
    const after = named(await monitorsOf(url), "Critical: goroutines > 6000 · One API");
    assert.deepEqual([after.id, after.basic_auth_pass], [before, "test-new"]);
    assert.match(after.jsonPath, /<= 6000/);
});

test("levels are routed as wanted, and rerouted", async (t) => {
    const url = await startKuma(t);
    const env = { KUMA_WEBHOOK_URL: "http://127.0.0.1:9/", KUMA_BARK_URL: "http://127.0.0.1:9/key" };
    const routes = async () =>
        Object.fromEntries((await monitorsOf(url)).map((monitor) => [monitor.name.replace(" · One API", ""), linked(monitor)]));
    await run(url, { ...env, KUMA_BARK_LEVELS: "severe" });
    const first = await routes();
    assert.deepEqual([first["Critical: goroutines > 5000"], first["Severe: goroutines > 10000"]], [1, 2]);
    await run(url, { ...env, KUMA_BARK_LEVELS: "critical" });
    const then = await routes();
    assert.deepEqual([then["Critical: goroutines > 5000"], then["Severe: goroutines > 10000"]], [2, 1]);
});

const shownOn = async (url) =>
    (await (await fetch(`${url}/api/status-page/one-api?at=${process.hrtime.bigint()}`)).json()).publicGroupList
        .map(({ name, monitorList }) => [name, monitorList.map((monitor) => monitor.name.replace(" · One API", ""))]);

test("a channel that has left the configuration is paused and leaves the page, and both are undone when it is back", async (t) => {
    const url = await startKuma(t);
    const relay = await startRelay(t);
    const env = { KUMA_CHANNELS: "true", KUMA_RELAY_URL: relay.url };
    const name = "backup_2.eu (channel) · One API";
    const onPage = async () => (await shownOn(url))[1][1].includes("backup_2.eu (channel)");
    await run(url, env);
    assert.equal(await onPage(), true);
    const [main, backup] = relay.channels;
    relay.channels = [main];
    await run(url, env);
    assert.equal(named(await monitorsOf(url), name).active, false);
    assert.equal(await onPage(), false);
    assert.deepEqual(await run(url, env), nothing);
    relay.channels = [main, backup];
    await run(url, env);
    assert.equal(named(await monitorsOf(url), name).active, true);
    assert.equal(await onPage(), true);
    assert.deepEqual(await run(url, env), nothing);
    relay.channels = [main];
    await run(url, { ...env, KUMA_REMOVED: "delete" });
    assert.ok((await monitorsOf(url)).every((monitor) => monitor.name !== name));
});

test("another language reaches every text, but for those that the operator wrote", async (t) => {
    const url = await startKuma(t);
    const relay = await startRelay(t);
    const env = { KUMA_CHANNELS: "true", KUMA_RELAY_URL: relay.url, KUMA_WEBHOOK_URL: "http://127.0.0.1:9/" };
    await run(url, env);
    await run(url, { ...env, KUMA_LANG: "zh" });
    const english = /\b(health|warning|critical|severe|channel|memory|relay|goroutines|keep|check|look|leak|oldest|failures|busiest)\b/i;
    for (const { name, description, jsonPath, tags } of await monitorsOf(url)) {
        // What the relay calls its fields is in the query, outside of the texts.
        const texts = (jsonPath ?? "").match(/"(?:[^"\\]|\\.)*"/g)?.filter((text) => !/^"[a-z_-]*( succeeded)?"$/.test(text)) ?? [];
        for (const text of [name, description.replace(/(GET|POST) [^\s。；]+|\/debug[^\s。]+/g, ""), ...texts, ...tags.map((tag) => tag.name)]) {
            assert.doesNotMatch(text.replace("openai-main（渠道）", ""), english, name);
        }
    }
    assert.deepEqual((await shownOn(url)).map(([name]) => name), ["中继", "渠道"]);
    const about = await byHand(url, async (kuma) => (await kuma.page("one-api")).description);
    assert.match(about, /不含空闲客户端/);
    const tags = await byHand(url, async (kuma) => (await kuma.call("getTags")).tags.map((tag) => tag.name));
    assert.deepEqual(tags.sort(), ["健康", "渠道", "严重", "紧急", "警告"].sort(), "and the old tags are gone");
    assert.deepEqual(await run(url, { ...env, KUMA_LANG: "zh" }), nothing);

    await byHand(url, async (kuma) => {
        const { publicGroupList: groups } = await kuma.publicPage("one-api");
        groups[0].name = "My relay";
        await kuma.call("saveStatusPage", "one-api", { ...(await kuma.page("one-api")), description: "Mine" }, "/icon.svg", groups);
    });
    await run(url, env);
    assert.deepEqual((await shownOn(url)).map(([name]) => name), ["My relay", "Channels"]);
    assert.equal(await byHand(url, async (kuma) => (await kuma.page("one-api")).description), "Mine");
});

test("what an operator made is left alone, whatever it is called, and so is another relay's", async (t) => {
    const url = await startKuma(t);
    await run(url, { KUMA_ID: "other", KUMA_NAME: "Other", KUMA_STATUS_SLUG: "other" });
    const own = await byHand(url, async (kuma) => {
        const { grpcMetadata, ...like } = named(kuma.monitors, "Critical: goroutines > 5000 · Other");
        assert.ok(grpcMetadata);
        const { type, interval, retryInterval, accepted_statuscodes } = like;
        const fields = { type, interval, retryInterval, accepted_statuscodes, name: critical, url: "http://127.0.0.1:9/", timeout: 1,
            jsonPath: "$", jsonPathOperator: "==", expectedValue: "mine", conditions: [], notificationIDList: {} };
        return (await kuma.call("add", fields)).monitorID;
    });
    const count = (await monitorsOf(url)).length;
    await run(url, { KUMA_PROVISION_MODE: "restore", KUMA_REMOVED: "delete" });
    const monitors = await monitorsOf(url);
    assert.equal(monitors.length, count + 10);
    assert.equal(monitors.find(({ id }) => id === own).expectedValue, "mine");
});

test("a monitor that was cloned by hand is the operator's own, although Kuma copies our mark with it", async (t) => {
    const url = await startKuma(t);
    await run(url);
    await byHand(url, (kuma) => {
        const { type, url: address, grpcMetadata, interval, retryInterval, accepted_statuscodes, conditions, timeout, jsonPath,
            jsonPathOperator, expectedValue } = named(kuma.monitors, critical);
        return kuma.call("add", { type, url: address, grpcMetadata, interval, retryInterval, accepted_statuscodes, conditions, timeout,
            jsonPath, jsonPathOperator, expectedValue, name: "Clone", notificationIDList: {} });
    });
    assert.deepEqual(await run(url, { KUMA_PROVISION_MODE: "restore", KUMA_REMOVED: "delete" }), nothing);
});

test("what was taken off the status page stays off, and comes back where that is asked for", async (t) => {
    const url = await startKuma(t);
    await run(url);
    const shown = async () => (await (await fetch(`${url}/api/status-page/one-api`)).json()).publicGroupList[0].monitorList.length;
    await byHand(url, async (kuma) => {
        const { publicGroupList } = await kuma.publicPage("one-api");
        publicGroupList[0].monitorList.shift();
        await kuma.call("saveStatusPage", "one-api", { ...(await kuma.page("one-api")), title: "Mine" }, "/icon.svg", publicGroupList);
    });
    assert.deepEqual(await run(url), nothing);
    assert.equal(await shown(), 8);
    await run(url, { KUMA_PROVISION_MODE: "restore" });
    assert.equal(await shown(), 9);
});

test("channels that cannot be read are a failure in one line, after everything else is in place", async (t) => {
    const url = await startKuma(t);
    const relay = await startRelay(t, "test-token");
    const env = { KUMA_CHANNELS: "true", KUMA_RELAY_URL: relay.url };
    await run(url, { ...env, MONITOR_TOKEN: "test-token" });
    const count = (await monitorsOf(url)).length;
    await assert.rejects(run(url, { ...env, MONITOR_TOKEN: "test-wrong", KUMA_REMOVED: "delete" }),
        { message: "no monitors for channels: the relay refuses MONITOR_TOKEN (401): it must be the relay's own; everything else is in place" });
    assert.equal((await monitorsOf(url)).length, count, "monitors of channels are not taken away because nobody could ask");
    await assert.rejects(run(url, { ...env, KUMA_RELAY_URL: "http://127.0.0.1:9", KUMA_WAIT: "2" }), /could not be reached/);
});

test("a test goes through every notification if that is asked for, and a failure is told", async (t) => {
    const url = await startKuma(t);
    const sink = await startSink(t);
    const env = { KUMA_TEST_NOTIFICATIONS: "true" };
    await run(url, { ...env, KUMA_WEBHOOK_URL: sink.url }).then(
        () => sink.next("One API · Webhook Testing"),
        (error) => assert.match(error.message, /testNotification/, "the stand-in sends nothing"),
    );
    await assert.rejects(run(url, { ...env, KUMA_WEBHOOK_URL: "http://127.0.0.1:9/" }), /the test of "One API · Webhook" failed/);
});
