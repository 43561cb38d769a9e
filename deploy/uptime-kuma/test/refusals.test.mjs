import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { run, startKuma } from "./support/kuma.mjs";
import { startStandIn } from "./support/stand-in.mjs";

const standIn = async (t, how) => {
    const { url, close } = await startStandIn(how);
    t.after(close);
    return url;
};

test("a wrong password is a failure that says so", async (t) => {
    const url = await startKuma(t);
    await run(url);
    await assert.rejects(run(url, { KUMA_ADMIN_PASSWORD: "test-wrong-1" }),
        { message: 'Uptime Kuma refuses KUMA_ADMIN_PASSWORD for the user "admin": it was set up with another user or password' });
    await assert.rejects(run(url, { KUMA_LOGIN_TOKEN: "no-token" }), /refuses KUMA_LOGIN_TOKEN/);
});

test("a password that Kuma finds too weak is a failure that says so", async (t) => {
    await assert.rejects(run(await startKuma(t), { KUMA_ADMIN_PASSWORD: "abc12" }), /KUMA_ADMIN_PASSWORD too weak/);
});

test("two-factor authentication needs a login token, and is no obstacle with one", async (t) => {
    const url = await standIn(t, { twoFactor: true });
    await assert.rejects(run(url), /two-factor authentication: give KUMA_LOGIN_TOKEN/);
    assert.match((await run(url, { KUMA_LOGIN_TOKEN: "session" })).at(-1), /^done/);
});

test("a version that the protocol was not read for is refused before anything is touched", async (t) => {
    for (const version of ["1.23.17", "2.0.2", "3.0.0", ""]) {
        await assert.rejects(run(await standIn(t, { version })), /is not supported: it must be 2\.1 or later, below 3/, version);
    }
});

test("what keeps Kuma from answering is said in one line, after a bounded wait", async (t) => {
    await assert.rejects(run("http://127.0.0.1:9", { KUMA_WAIT: "1" }), /^Problem|could not be reached: /);
    const empty = await standIn(t, { setupDatabase: true });
    await assert.rejects(run(empty, { KUMA_WAIT: "1" }), /give it UPTIME_KUMA_DB_TYPE=sqlite/);
    const other = http.createServer((_, response) => response.writeHead(404).end()).listen(0, "127.0.0.1");
    await once(other, "listening");
    t.after(() => (other.closeAllConnections(), other.close()));
    await assert.rejects(run(`http://127.0.0.1:${other.address().port}`, { KUMA_WAIT: "1" }), /is not Uptime Kuma/);
});

test("as a program it fails with one line and exit status 1", () => {
    const program = fileURLToPath(new URL("../provision.mjs", import.meta.url));
    const env = { PATH: process.env.PATH, KUMA_INTERVAL: "0" };
    const { status, stdout, stderr } = spawnSync(process.execPath, [program], { env, encoding: "utf8" });
    assert.equal(status, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /^provision: FAILED: [^\n]*KUMA_INTERVAL[^\n]*KUMA_ADMIN_PASSWORD[^\n]*\n$/);
});
