import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { channelQuery, healthQuery, ledgerQuery, limitQuery, outageQuery, unwatchedQuery } from "../lib/queries.mjs";
import { wordsFor } from "../lib/words.mjs";
import { load } from "./support/modules.mjs";
import { channel } from "./support/servers.mjs";

const jsonata = load("jsonata");
const words = wordsFor("en");
const limits = { failures: 3, oldest: 900 };
const pending = { message: /./, code: "D3137" }; // what $error raises, and Kuma calls pending

const health = (more = {}) => ({ status: "ok", goroutines: 900, memory: { alloc_mb: 200 }, level: "normal", unexplained_goroutines: 0, ...more });
const slow = { channel: "qwen-slow", in_flight: 2700, oldest_seconds: 137 };

test("a limit says the level, the number and the busiest channel", async (t) => {
    const critical = limitQuery(words, { level: "critical", figure: "goroutines", most: 5000 });
    const cases = [
        ["below", critical, health(), "OK, 900 goroutines"],
        ["at the limit", critical, health({ goroutines: 5000 }), "OK, 5000 goroutines"],
        ["above", critical, health({ goroutines: 5001, busiest: slow }),
            "critical: 5001 goroutines > 5000; busiest channel: qwen-slow (in flight: 2700, oldest: 137 s)"],
        ["above, and nothing is in flight", critical, health({ goroutines: 5001 }), "critical: 5001 goroutines > 5000"],
        ["above by idle clients", critical, health({ goroutines: 6000, client_connections: { open: 1200, idle: 1000 } }),
            "OK, 6000 goroutines, idle clients among them: 1000"],
        ["above without idle clients too", critical, health({ goroutines: 6001, client_connections: { open: 1200, idle: 1000 } }),
            "critical: 6001 goroutines > 5000, idle clients among them: 1000"],
        ["a relay that drains", critical, health({ status: "draining", goroutines: 6000 }), "critical: 6000 goroutines > 5000"],
        ["a channel whose name has an OK in it", critical, health({ goroutines: 5001, busiest: { ...slow, channel: "BOOK-1" } }),
            "critical: 5001 goroutines > 5000; busiest channel: BOO.K.-1 (in flight: 2700, oldest: 137 s)"],
        ["memory", limitQuery(words, { level: "warning", figure: "memory", most: 3072 }), health({ memory: { alloc_mb: 3073 } }),
            "warning: memory 3073 MB > 3072"],
        ["unexplained, where idle clients explain nothing", limitQuery(words, { level: "warning", figure: "unexplained", most: 500 }),
            health({ unexplained_goroutines: 501, client_connections: { idle: 900 } }), "warning: 501 unexplained goroutines > 500"],
        ["Chinese", limitQuery(wordsFor("zh"), { level: "critical", figure: "goroutines", most: 5000 }), health({ goroutines: 6000, busiest: slow }),
            "紧急：goroutine 数量 6000 > 5000；最忙的渠道：qwen-slow（进行中 2700，最老 137 秒）"],
    ];
    for (const [name, query, answer, says] of cases) {
        await t.test(name, async () => assert.equal(await jsonata(query).evaluate(answer), says));
    }
    for (const answer of ["<html>502</html>", { success: false, message: "no" }, {}, 3, [1, 2]]) {
        await assert.rejects(jsonata(critical).evaluate(answer), pending, JSON.stringify(answer));
    }
});

test("the ledger's query says OK, or what is not written down", async (t) => {
    const query = ledgerQuery(words, { level: "warning", age: 60, lost: 3600 });
    const ledger = (more = {}) => health({ ledger: { queue: 0, age_seconds: 0, spilled: 0, replayed: 0, lost: 0, balance: 0, ...more } });
    const cases = [
        ["all is written", ledger(), "OK, all is written down"],
        ["a moment behind", ledger({ queue: 12, age_seconds: 60, spilled: 12 }), "OK, all is written down"],
        ["the database is away", ledger({ queue: 812, age_seconds: 61 }), "warning: rows that the database has not taken: 812, for 61 s"],
        ["rows were lost", ledger({ lost: 3 }), "warning: rows lost: 3"],
        ["rows were lost just now", ledger({ lost: 3, lost_seconds_ago: 3599 }), "warning: rows lost: 3"],
        ["rows were lost long ago", ledger({ lost: 3, lost_seconds_ago: 3600 }), "OK, all is written down"],
        ["and others wait", ledger({ lost: 3, lost_seconds_ago: 3600, queue: 1, age_seconds: 61 }), "warning: rows that the database has not taken: 1, for 61 s"],
        ["the books differ", ledger({ balance: 1200 }), "warning: the books differ by 1200"],
        ["there is none", health(), "OK, nothing is remembered (SQL_DSN=off)"],
    ];
    for (const [name, answer, says] of cases) {
        await t.test(name, async () => assert.equal(await jsonata(query).evaluate(answer), says));
    }
    for (const answer of ["<html>502</html>", { success: false, message: "no" }, {}]) {
        await assert.rejects(jsonata(query).evaluate(answer), pending, JSON.stringify(answer));
    }
    assert.equal(await jsonata(ledgerQuery(wordsFor("zh"), { level: "warning", age: 60, lost: 3600 })).evaluate(ledger({ lost: 3 })), "警告：丢失的行数：3");
});

test("health says how things stand, or why they do not", async (t) => {
    const cases = [
        [health({ busiest: slow }), "OK, normal, 900 goroutines; busiest channel: qwen-slow (in flight: 2700, oldest: 137 s)"],
        [health({ status: "draining" }), "draining: it stops and takes no new calls"],
        ["<html>", "no health answer of One API"],
        [{ success: false, message: "token" }, "no health answer of One API"],
    ];
    for (const [answer, says] of cases) {
        assert.equal(await jsonata(healthQuery(words)).evaluate(answer), says);
    }
});

const refused = { usable: 1, cooling: 0, refused: 1 };
const last = { outcome: "upstream_status", status: 500 };
const failing = (name) => channel(name, { state: "degraded", consecutive_failures: 3, last_failure: last });

test("a channel's query says OK, or what is wrong", async (t) => {
    const limited = { usable: 1, cooling: 1, refused: 0 };
    const cases = [
        ["healthy", channel("a"), "OK, healthy"],
        ["a failure or two", channel("a", { state: "degraded", consecutive_failures: 2, last_failure: last }), "OK, degraded"],
        ["failures in a row", failing("a"), "failures in a row: 3, last: upstream_status 500"],
        ["passed over for a moment", channel("a", { state: "cooling", retry_in_seconds: 5, consecutive_failures: 2 }), "OK, cooling"],
        ["passed over", channel("a", { state: "cooling", retry_in_seconds: 60, last_failure: { outcome: "first_token_timeout" } }),
            "passed over, last: first_token_timeout"],
        ["nothing has succeeded for long", channel("a", { state: "degraded", reason: "none of its last 10 attempts succeeded; last failure: upstream_status 404",
            last_failure: { outcome: "upstream_status", status: 404 } }), "no success lately, last: upstream_status 404"],
        ["one key refused", channel("a", { state: "degraded", keys: refused }), "refused keys: 1"],
        ["one key of two limited", channel("a", { state: "degraded", keys: limited }), "OK, degraded"],
        ["a call that hangs", channel("a", { oldest_in_flight_seconds: 900.6 }), "seconds that the oldest call is open: 901"],
        ["calls that hang", channel("a", { state: "degraded", hanging: 3, silent_seconds: 62, left_in_a_row: 0,
            reason: "3 calls hang: nothing has come for 1m2s (since 03:12:05 UTC), not even a header" }), "calls that hang: 3 (62 s)"],
        ["one that hangs alone", channel("a", { state: "degraded", hanging: 1, silent_seconds: 62, left_in_a_row: 0,
            reason: "a call hangs: nothing has come for 1m2s (since 03:12:05 UTC), not even a header" }), "OK, degraded"],
        ["three slow ones among a thousand", channel("a", { hanging: 3, silent_seconds: 62, left_in_a_row: 0 }), "OK, healthy"],
        ["calls that clients leave", channel("a", { state: "degraded", hanging: 0, left_in_a_row: 6 }), "calls in a row that clients left without an answer: 6"],
        ["a long call that may take so long", channel("a", { oldest_in_flight_seconds: 900 }), "OK, healthy"],
        ["disabled by the operator", channel("a", { state: "disabled", consecutive_failures: 9 }), "OK, disabled"],
        ["not in the configuration any more", channel("z"), "OK, not in the configuration any more"],
    ];
    for (const [name, answer, says] of cases) {
        await t.test(name, async () => {
            const query = jsonata(channelQuery(words, limits, "a"));
            assert.equal(await query.evaluate([answer]), says, "alone");
            assert.equal(await query.evaluate([channel("b"), answer, channel("c")]), says, "among others");
        });
    }
    for (const answer of ["<html>", {}, [], { success: false }]) {
        await assert.rejects(jsonata(channelQuery(words, limits, "a")).evaluate(answer), pending, JSON.stringify(answer));
    }
});

test("a channel may have any name", async () => {
    for (const name of ['x/y?z#% "quoted"', "a\\b", "渠道", "OK"]) {
        assert.equal(await jsonata(channelQuery(words, limits, name)).evaluate([failing(name), channel("b")]),
            "failures in a row: 3, last: upstream_status 500");
    }
});

test("when most channels fail, one monitor says so and theirs know nothing", async (t) => {
    const well = (name) => channel(name);
    const off = (name) => channel(name, { state: "disabled", consecutive_failures: 9 });
    const cases = [
        ["one of one", [failing("a")], null],
        ["one of two", [failing("a"), well("b")], null],
        ["two of two", [failing("a"), channel("b", { keys: refused })],
            "2 of 2: a (failures in a row: 3, last: upstream_status 500), b (refused keys: 1)"],
        ["two of four", [failing("a"), failing("b"), well("c"), well("d")], null],
        ["two of three, and some that are off", [failing("a"), failing("b"), well("c"), off("d"), off("e")],
            "2 of 3: a (failures in a row: 3, last: upstream_status 500), b (failures in a row: 3, last: upstream_status 500)"],
        ["one with the word in its name", [failing("a"), failing("BOOK")],
            "2 of 2: a (failures in a row: 3, last: upstream_status 500), BOO.K. (failures in a row: 3, last: upstream_status 500)"],
    ];
    for (const [name, answer, says] of cases) {
        await t.test(name, async () => {
            assert.equal(await jsonata(outageQuery(words, limits)).evaluate(answer), says ?? "OK");
            const own = jsonata(channelQuery(words, limits, "a")).evaluate(answer);
            await (says ? assert.rejects(own, pending) : own.then((text) => assert.match(text, /failures in a row/)));
        });
    }
    assert.equal(await jsonata(outageQuery(words, limits)).evaluate({ success: false, message: "The monitor token is needed" }),
        "the monitors may not look: The monitor token is needed");
    await assert.rejects(jsonata(outageQuery(words, limits)).evaluate("<html>"), pending);
});

test("no text contains the word that a monitor looks for", () => {
    for (const language of ["en", "zh"]) {
        const { reasons: { ok, ...wrong }, ...other } = wordsFor(language);
        const texts = [...Object.values(wrong), ...Object.values(other.levels), ...Object.values(other.figures).flat(), ...other.idle, ...other.busiest];
        assert.ok(texts.every((text) => !text.includes(ok)), language);
    }
});

test("the relay says that nothing succeeds in the words that are looked for", () => {
    const source = readFileSync(new URL("../../../relay/channel/reason.go", import.meta.url), "utf8");
    assert.match(source, /attempts succeeded/);
});

test("calls may be open for as long as they like where no limit is set", async () => {
    const query = channelQuery(words, { failures: 3, oldest: 0 }, "a");
    assert.equal(await jsonata(query).evaluate([channel("a", { oldest_in_flight_seconds: 90000 })]), "OK, healthy");
});

test("the query for unwatched channels names them", async (t) => {
    const cases = [
        ["none", [channel("a"), channel("b")], "OK"],
        ["one has gone", [channel("a")], "OK"],
        ["one more", [channel("a"), channel("c")], "c"],
        ["two more", [channel("c"), channel("d"), channel("a")], "c, d"],
    ];
    for (const answer of [{}, [], "<html>"]) {
        await assert.rejects(jsonata(unwatchedQuery(words, ["a", "b"])).evaluate(answer), pending);
    }
    for (const [name, answer, says] of cases) {
        await t.test(name, async () => {
            assert.equal(await jsonata(unwatchedQuery(words, ["a", "b"])).evaluate(answer), says);
        });
    }
});
