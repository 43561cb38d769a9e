import assert from "node:assert/strict";
import { mkdtempSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { keptPassword } from "../lib/password.mjs";
import { readSettings } from "../lib/settings.mjs";

test("A password is made once, kept for its owner only, and found again", () => {
    const directory = join(mkdtempSync(join(tmpdir(), "kuma-")), "state");
    const first = keptPassword(directory);
    assert.equal(first.made, true);
    assert.match(first.password, /^k9-[\w-]{24}$/);
    assert.equal(statSync(first.file).mode & 0o777, 0o600);
    assert.deepEqual(keptPassword(directory), { ...first, made: false });
    assert.notEqual(keptPassword(join(directory, "other")).password, first.password);
});

test("A directory that cannot be used is one clear problem", () => {
    const file = join(mkdtempSync(join(tmpdir(), "kuma-")), "a-file");
    writeFileSync(file, "");
    assert.throws(() => keptPassword(join(file, "state")), /set KUMA_ADMIN_PASSWORD/);
});

test("Without a password a directory to keep one in is enough", () => {
    assert.equal(readSettings({ KUMA_STATE_DIR: "/state" }).kuma.state, "/state");
    assert.throws(() => readSettings({}), /KUMA_ADMIN_PASSWORD must be set/);
});
