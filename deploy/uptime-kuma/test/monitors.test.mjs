import assert from "node:assert/strict";
import { test } from "node:test";
import { wantedMonitors } from "../lib/monitors.mjs";
import { readSettings } from "../lib/settings.mjs";

const settings = (variables = {}) => readSettings({ KUMA_ADMIN_PASSWORD: "test-password-1", ...variables });
const find = (all, key) => all.find((monitor) => monitor.key === key);

test("an operator says when a monitor is up, so the guide's alert above a limit becomes at most the limit", () => {
    const all = wantedMonitors(settings(), []);
    const cases = {
        "goroutines-warning": ["warning", "One API warning: goroutines > 2000", "$.goroutines", "2000"],
        "goroutines-critical": ["critical", "One API critical: goroutines > 5000", "$.goroutines", "5000"],
        "goroutines-severe": ["severe", "One API severe: goroutines > 10000", "$.goroutines", "10000"],
        unexplained: ["warning", "One API warning: unexplained goroutines > 500", "$.unexplained_goroutines", "500"],
        "memory-warning": ["warning", "One API warning: memory > 3072 MB", "$.memory.alloc_mb", "3072"],
        "memory-critical": ["critical", "One API critical: memory > 4096 MB", "$.memory.alloc_mb", "4096"],
    };
    for (const [key, [level, name, path, limit]] of Object.entries(cases)) {
        const monitor = find(all, key);
        const { jsonPath, jsonPathOperator, expectedValue, url } = monitor.fields;
        assert.deepEqual([monitor.level, monitor.fields.name, jsonPath, jsonPathOperator, expectedValue], [level, name, path, "<=", limit]);
        assert.equal(url, "http://one-api:3000/api/monitor/health");
    }
});

test("names are Chinese where that is wanted, with the level first", () => {
    const all = wantedMonitors(settings({ KUMA_LANG: "zh", KUMA_NAME: "中继一号" }), ["openai-main"]);
    assert.equal(find(all, "goroutines-warning").fields.name, "中继一号 警告：goroutine 数量 > 2000");
    assert.equal(find(all, "goroutines-critical").fields.name, "中继一号 紧急：goroutine 数量 > 5000");
    assert.equal(find(all, "goroutines-severe").fields.name, "中继一号 严重：goroutine 数量 > 10000");
    assert.equal(find(all, "channel:openai-main").fields.name, "中继一号 渠道 openai-main");
});

test("a channel's name is a segment of its monitor's URL, whatever is in it", () => {
    const [, monitor] = ["a b", "x/y?z#%"].map((name) => find(wantedMonitors(settings(), [name]), `channel:${name}`));
    assert.equal(monitor.fields.url, "http://one-api:3000/api/monitor/channels/x%2Fy%3Fz%23%25");
});

test("the monitor token goes along as a password, and nothing does without one", () => {
    const guarded = find(wantedMonitors(settings({ MONITOR_TOKEN: "test-token" }), ["a"]), "channel:a").fields;
    assert.deepEqual([guarded.authMethod, guarded.basic_auth_pass], ["basic", "test-token"]);
    const open = find(wantedMonitors(settings(), ["a"]), "channel:a").fields;
    assert.deepEqual([open.authMethod, open.basic_auth_pass], [null, null]);
});

test("channels that could not be read get no monitor, and neither does the question for new ones", () => {
    assert.ok(wantedMonitors(settings(), null).every(({ section }) => section === "relay"));
});

test("no monitor keeps the flag that loses recovery messages, and every one has a timeout", () => {
    for (const { key, fields } of wantedMonitors(settings(), ["a"])) {
        assert.equal(fields.retryOnlyOnStatusCodeFailure, false, key);
        assert.ok(fields.timeout > 0, key);
    }
});

test("health is given up before limits and channels are, so that a restart does not raise every alarm", () => {
    const all = wantedMonitors(settings(), ["a"]);
    const soonest = Math.min(...all.filter(({ level }) => level !== "health").map(({ fields }) => fields.maxretries));
    assert.ok(find(all, "health").fields.maxretries < soonest);
});
