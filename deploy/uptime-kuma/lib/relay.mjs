// The relay's running configuration.

import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "./problem.mjs";

const once = 10_000;
const tryAgain = 1_000;

/**
 * Asks the relay for the names of its channels, again and again while it is out of reach or not ready.
 * @param {{url: string, token: string}} relay
 * @param {number} wait ms until it is given up
 * @param {AbortSignal} [signal] that nobody wants to know any more
 * @returns {Promise<string[]>}
 * @throws {Problem}
 */
export async function readChannels(relay, wait, signal) {
    const deadline = Date.now() + wait;
    for (;;) {
        const { names, reason, final } = await ask(relay);
        if (names) {
            return names;
        }
        if (final || Date.now() + tryAgain > deadline) {
            throw new Problem(reason);
        }
        await sleep(tryAgain, undefined, { signal });
    }
}

async function ask({ url, token }) {
    const headers = { Accept: "application/json" };
    if (token) {
        headers.Authorization = `Bearer ${token}`;
    }
    let answer;
    try {
        answer = await fetch(`${url}/api/monitor/channels`, { headers, signal: AbortSignal.timeout(once) });
    } catch (error) {
        return { reason: `the relay at ${url} could not be reached: ${error.cause?.code ?? error.name}` };
    }
    if (answer.status === 401) {
        return { final: true, reason: "the relay refuses MONITOR_TOKEN (401): it must be the relay's own" };
    }
    if (answer.status === 403) {
        return { final: true, reason: "the relay lets only its own machine look (403): give it and this container the same MONITOR_TOKEN" };
    }
    if (!answer.ok) {
        return { final: answer.status === 404, reason: `the relay at ${url} answered ${answer.status} for its channels` };
    }
    const names = namesOf(await answer.json().catch(() => null));
    return names ? { names } : { final: true, reason: `what answers at ${url} is not the relay: it lists no channels` };
}

/** An empty list is no answer either: a relay has at least one channel, and taking it at its word would pause every monitor. */
function namesOf(channels) {
    const good = Array.isArray(channels) && channels.length > 0 && channels.every((c) => typeof c?.name === "string" && c.name);
    return good ? channels.map((c) => c.name) : null;
}
