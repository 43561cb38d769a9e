import assert from "node:assert/strict";
import { test } from "node:test";
import { channelQuery, unwatchedQuery } from "../lib/queries.mjs";
import { wordsFor } from "../lib/words.mjs";
import { load } from "./support/modules.mjs";
import { channel } from "./support/servers.mjs";

const jsonata = load("jsonata");
const { reasons } = wordsFor("en");
const limits = { failures: 3, oldest: 900 };

test("a channel's query says OK, or what is wrong", async (t) => {
    const refused = { usable: 1, cooling: 0, refused: 1 };
    const limited = { usable: 1, cooling: 1, refused: 0 };
    const last = { outcome: "upstream_status", status: 500 };
    const cases = [
        ["healthy", channel("a"), "OK, healthy"],
        ["a failure or two", channel("a", { state: "degraded", consecutive_failures: 2, last_failure: last }), "OK, degraded"],
        ["failures in a row", channel("a", { state: "degraded", consecutive_failures: 3, last_failure: last }),
            "failures in a row: 3, last: upstream_status 500"],
        ["passed over", channel("a", { state: "cooling", last_failure: { outcome: "first_token_timeout" } }),
            "passed over, last: first_token_timeout"],
        ["one key refused", channel("a", { state: "degraded", keys: refused }), "refused keys: 1"],
        ["one key of two limited", channel("a", { state: "degraded", keys: limited }), "OK, degraded"],
        ["a call that hangs", channel("a", { oldest_in_flight_seconds: 900.6 }), "seconds that the oldest call is open: 901"],
        ["a long call that may take so long", channel("a", { oldest_in_flight_seconds: 900 }), "OK, healthy"],
        ["disabled by the operator", channel("a", { state: "disabled", consecutive_failures: 9 }), "OK, disabled"],
        ["an object that is no channel", { success: false }, "not a channel's state"],
        ["a page of some proxy", "<html>", "not a channel's state"],
    ];
    for (const [name, answer, says] of cases) {
        await t.test(name, async () => {
            assert.equal(await jsonata(channelQuery(reasons, limits)).evaluate(answer), says);
        });
    }
});

test("no reason contains the word that a channel's monitor looks for", () => {
    for (const language of ["en", "zh"]) {
        const { ok, ...wrong } = wordsFor(language).reasons;
        assert.ok(Object.values(wrong).every((words) => !words.includes(ok)), language);
    }
});

test("calls may be open for as long as they like where no limit is set", async () => {
    const query = channelQuery(reasons, { failures: 3, oldest: 0 });
    assert.equal(await jsonata(query).evaluate(channel("a", { oldest_in_flight_seconds: 90000 })), "OK, healthy");
});

test("the query for unwatched channels names them", async (t) => {
    const cases = [
        ["none", [channel("a"), channel("b")], "OK"],
        ["one has gone", [channel("a")], "OK"],
        ["one more", [channel("a"), channel("c")], "c"],
        ["two more", [channel("c"), channel("d"), channel("a")], "c, d"],
        ["no list", {}, "not a channel's state"],
        ["an empty list", [], "not a channel's state"],
    ];
    for (const [name, answer, says] of cases) {
        await t.test(name, async () => {
            assert.equal(await jsonata(unwatchedQuery(reasons, ["a", "b"])).evaluate(answer), says);
        });
    }
});
