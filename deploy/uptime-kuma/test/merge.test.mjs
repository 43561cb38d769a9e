import assert from "node:assert/strict";
import { test } from "node:test";
import { fingerprint, merge, mergeSet } from "../lib/merge.mjs";

test("a field is merged by who changed it", () => {
    const was = { interval: fingerprint(60) };
    const cases = [
        ["nobody", { wanted: 60, current: 60, keep: undefined, restore: undefined }],
        ["a variable", { wanted: 30, current: 60, keep: 30, restore: 30 }],
        ["the operator", { wanted: 60, current: 90, keep: undefined, restore: 60, byHand: true }],
        ["both", { wanted: 30, current: 90, keep: undefined, restore: 30, byHand: true }],
        ["both, to the same", { wanted: 30, current: 30, keep: undefined, restore: undefined }],
    ];
    for (const [who, { wanted, current, keep, restore, byHand = false }] of cases) {
        for (const [mode, change] of Object.entries({ keep, restore })) {
            const result = merge({ wanted: { interval: wanted }, current: { interval: current }, applied: was, mode });
            assert.equal(result.changes.interval, change, `${who}, ${mode}`);
            assert.deepEqual(result.kept, byHand && mode === "keep" ? ["interval"] : [], `${who}, ${mode}`);
        }
    }
});

test("a hand edit is still one on the next run", () => {
    const sides = { wanted: { name: "a" }, current: { name: "b" }, applied: { name: fingerprint("a") }, mode: "keep" };
    const { applied } = merge(sides);
    assert.deepEqual(merge({ ...sides, applied }).kept, ["name"]);
});

test("a field that a new version of the program adds is no hand edit", () => {
    assert.deepEqual(merge({ wanted: { timeout: 10 }, current: { timeout: 0 }, applied: {}, mode: "keep" }).changes, { timeout: 10 });
});

test("values that Kuma gives back in another form are the same", () => {
    for (const [a, b] of [[null, ""], [undefined, null], [false, 0], [true, 1], [5, "5"], [["200-299"], ["200-299"]]]) {
        assert.equal(fingerprint(a), fingerprint(b), `${JSON.stringify(a)} and ${JSON.stringify(b)}`);
    }
    assert.notEqual(fingerprint(5), fingerprint(6));
});

test("a notification's link is merged by who changed it", () => {
    const ours = ["mail", "chat"];
    const put = (sides) => mergeSet({ ours, ...sides });
    assert.deepEqual(put({ wanted: ["mail"], current: [], applied: [], mode: "keep" }).members, ["mail"], "newly routed");
    assert.deepEqual(put({ wanted: [], current: ["mail"], applied: ["mail"], mode: "keep" }).members, [], "no longer routed");
    const taken = { wanted: ["mail"], current: [], applied: ["mail"] };
    assert.deepEqual(put({ ...taken, mode: "keep" }), { members: [], changed: false, kept: true, applied: ["mail"] });
    assert.deepEqual(put({ ...taken, mode: "restore" }), { members: ["mail"], changed: true, kept: false, applied: ["mail"] });
    const added = { wanted: [], current: ["chat"], applied: [] };
    assert.deepEqual(put({ ...added, mode: "keep" }), { members: ["chat"], changed: false, kept: true, applied: [] });
    assert.deepEqual(put({ ...added, mode: "restore" }), { members: [], changed: true, kept: false, applied: [] });
});
