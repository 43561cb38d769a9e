import assert from "node:assert/strict";
import { test } from "node:test";
import { wantedMonitors } from "../lib/monitors.mjs";
import { readSettings } from "../lib/settings.mjs";

const settings = (variables = {}) => readSettings({ KUMA_ADMIN_PASSWORD: "test-password-1", ...variables });
const find = (all, key) => all.find((monitor) => monitor.key === key);

test("a monitor has the level and the limit in its name, and asks the relay's health for its figure", () => {
    const all = wantedMonitors(settings(), []);
    const cases = {
        "goroutines-warning": ["warning", "Warning: goroutines > 2000 · One API", "$n := goroutines;", "<= 2000"],
        "goroutines-critical": ["critical", "Critical: goroutines > 5000 · One API", "$n := goroutines;", "<= 5000"],
        "goroutines-severe": ["severe", "Severe: goroutines > 10000 · One API", "$n := goroutines;", "<= 10000"],
        unexplained: ["warning", "Unexplained goroutines > 500 (warning) · One API", "$n := unexplained_goroutines;", "<= 500"],
        "memory-warning": ["warning", "Memory > 3072 MB (warning) · One API", "$n := memory.alloc_mb;", "<= 3072"],
        "memory-critical": ["critical", "High memory > 4096 MB (critical) · One API", "$n := memory.alloc_mb;", "<= 4096"],
    };
    for (const [key, [level, name, figure, limit]] of Object.entries(cases)) {
        const monitor = find(all, key);
        const { jsonPath, jsonPathOperator, expectedValue, url } = monitor.fields;
        assert.deepEqual([monitor.level, monitor.fields.name, jsonPathOperator, expectedValue], [level, name, "contains", "OK"]);
        assert.ok(jsonPath.includes(figure) && jsonPath.includes(limit), jsonPath);
        assert.equal(url, "http://one-api:3000/api/monitor/health");
    }
});

test("names differ in their first letters, which is all that a list on a phone shows", () => {
    for (const KUMA_LANG of ["en", "zh"]) {
        const all = wantedMonitors(settings({ KUMA_LANG }), ["openai-main", "claude"]);
        const beginnings = all.map(({ fields }) => fields.name.slice(0, KUMA_LANG === "en" ? 3 : 2));
        assert.deepEqual([...new Set(beginnings)], beginnings);
        assert.ok(all.every(({ fields }) => fields.name.endsWith(" · One API")), "and each message names the relay");
    }
});

test("names are Chinese where that is wanted", () => {
    const all = wantedMonitors(settings({ KUMA_LANG: "zh", KUMA_NAME: "中继一号" }), ["openai-main"]);
    assert.equal(find(all, "goroutines-warning").fields.name, "警告：goroutine 数量 > 2000 · 中继一号");
    assert.equal(find(all, "goroutines-critical").fields.name, "紧急：goroutine 数量 > 5000 · 中继一号");
    assert.equal(find(all, "goroutines-severe").fields.name, "严重：goroutine 数量 > 10000 · 中继一号");
    assert.equal(find(all, "channel:openai-main").fields.name, "openai-main（渠道） · 中继一号");
});

test("only health has an end of its retries, unless limits are given some", () => {
    const retries = (variables) => Object.fromEntries(wantedMonitors(settings(variables), ["a"]).filter(({ fields }) => fields.type === "json-query")
        .map(({ key, fields }) => [key, [fields.maxretries, fields.retryOnlyOnStatusCodeFailure]]));
    const { health, ...others } = retries({});
    assert.deepEqual(health, [1, false]);
    assert.deepEqual([...new Set(Object.values(others).map(String))], ["1000000,true"]);
    const given = retries({ KUMA_LIMIT_RETRIES: "3" });
    assert.deepEqual([given.health, given["goroutines-severe"], given["channel:a"]], [[1, false], [3, false], [3, false]]);
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

test("every monitor has a timeout, and what asks the relay takes any status for an answer, for a relay that drains says its figures", () => {
    for (const { key, fields } of wantedMonitors(settings(), ["a"])) {
        assert.ok(fields.timeout > 0, key);
        assert.equal(fields.accepted_statuscodes.includes("500-599"), fields.type === "json-query", key);
    }
});

test("health is given up before limits and channels are, so that a restart does not raise every alarm", () => {
    const all = wantedMonitors(settings(), ["a"]);
    const soonest = Math.min(...all.filter(({ level }) => level !== "health").map(({ fields }) => fields.maxretries));
    assert.ok(find(all, "health").fields.maxretries < soonest);
});
