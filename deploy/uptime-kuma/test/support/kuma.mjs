// An Uptime Kuma to test against: the real one if KUMA_SRC names a source tree with its packages installed, else the stand-in.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kuma } from "../../lib/kuma.mjs";
import { provision } from "../../provision.mjs";
import { kumaSource } from "./modules.mjs";
import { startStandIn } from "./stand-in.mjs";

export const real = kumaSource !== "";
export const password = "test-password-1";
export const wait = 60;

/** @returns {Promise<string>} the URL of an Uptime Kuma that nobody has set up; it ends with the test */
export async function startKuma(t) {
    const { url, close } = real ? await startReal() : await startStandIn();
    t.after(close);
    return url;
}

async function startReal() {
    const port = await freePort();
    const data = mkdtempSync(join(tmpdir(), "kuma-"));
    const env = { ...process.env, NODE_ENV: "production", UPTIME_KUMA_HOST: "127.0.0.1", UPTIME_KUMA_PORT: String(port),
        DATA_DIR: `${data}/`, UPTIME_KUMA_DB_TYPE: "sqlite" };
    const child = spawn(process.execPath, ["server/server.js"], { cwd: kumaSource, env, stdio: "ignore" });
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    process.once("SIGTERM", () => process.exit(143)); // the test runner's way to end a file that takes too long
    const close = async () => {
        process.off("exit", kill);
        const ended = once(child, "exit");
        kill();
        await ended;
        rmSync(data, { recursive: true, force: true });
    };
    return { url: `http://127.0.0.1:${port}`, close };
}

async function freePort() {
    const server = net.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address();
    server.close();
    await once(server, "close");
    return port;
}

/** @returns {Promise<string[]>} the lines that a run of the provisioning says */
export async function run(url, variables = {}) {
    const lines = [];
    const base = { KUMA_URL: url, KUMA_ADMIN_PASSWORD: password, KUMA_WAIT: String(wait), KUMA_CHANNELS: "false" };
    try {
        await provision({ ...base, ...variables }, (line) => lines.push(line));
    } catch (error) {
        throw Object.assign(error, { lines });
    }
    return lines;
}

/** Does something as an operator in Kuma's interface would. */
export async function byHand(url, act) {
    const kuma = await Kuma.open({ url, user: "admin", password, token: "" }, wait * 1000, () => {});
    try {
        return await act(kuma);
    } finally {
        kuma.close();
    }
}

/** @returns {Promise<object[]>} Kuma's monitors */
export const monitorsOf = (url) => byHand(url, (kuma) => Object.values(kuma.monitors));

/** @returns {object} the monitor of that name */
export function named(monitors, name) {
    const found = Object.values(monitors).filter((monitor) => monitor.name === name);
    if (found.length !== 1) {
        throw new Error(`${found.length} monitors are called "${name}"`);
    }
    return found[0];
}
