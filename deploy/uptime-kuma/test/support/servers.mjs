// A relay and a place where messages arrive, over real sockets.

import { once } from "node:events";
import http from "node:http";

async function listen(t, handler) {
    const server = http.createServer(handler);
    let port = 0;
    const back = async () => {
        await once(server.listen(port, "127.0.0.1"), "listening");
        ({ port } = server.address());
    };
    const away = () => {
        server.closeAllConnections();
        server.close();
    };
    await back();
    t.after(away);
    return { url: `http://127.0.0.1:${port}`, away, back };
}

/** @returns {object} a channel's snapshot as the relay gives it */
export const channel = (name, more = {}) => ({
    name, type: "openai", provider: "openai", state: "healthy", in_flight: 0, oldest_in_flight_seconds: 0, consecutive_failures: 0,
    keys: { usable: 1, cooling: 0, refused: 0 }, last_failure: null, ...more,
});

/** A relay whose answers the test chooses: `health`, `channels`, and the monitor token it asks for. It can be `away` and come `back`. */
export async function startRelay(t, token = "") {
    const relay = {
        token,
        asked: 0, // requests so far
        health: { status: "ok", goroutines: 900, level: "normal", memory: { alloc_mb: 200 }, unexplained_goroutines: 0 },
        channels: [channel("openai-main"), channel("backup_2.eu")],
    };
    const server = await listen(t, (request, response) => {
        relay.asked++;
        const send = (status, body) => response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
        const [, name] = /^\/api\/monitor\/channels\/(.+)$/.exec(request.url) ?? [];
        const one = relay.channels.find((c) => c.name === name);
        if (request.url === "/api/monitor/health") {
            send(relay.health.status === "draining" ? 503 : 200, relay.health);
        } else if (relay.token && !presents(request, relay.token)) {
            send(401, { success: false, message: "The monitor token is needed" });
        } else if (request.url === "/api/monitor/channels") {
            send(200, relay.channels);
        } else {
            send(one ? 200 : 404, one ?? { success: false });
        }
    });
    return Object.assign(relay, server);
}

function presents(request, token) {
    const [scheme, value = ""] = (request.headers.authorization ?? "").split(" ");
    return scheme === "Bearer" ? value === token : Buffer.from(value, "base64").toString().split(":")[1] === token;
}

/** A webhook's receiver. `next(words)` resolves with the next message, old or new, that has all words; each is given once. */
export async function startSink(t) {
    const unread = [];
    const waiting = [];
    const deliver = () => {
        for (const waiter of [...waiting]) {
            const at = unread.findIndex(({ msg }) => waiter.words.every((word) => msg.includes(word)));
            if (at >= 0) {
                waiting.splice(waiting.indexOf(waiter), 1);
                waiter.resolve(unread.splice(at, 1)[0]);
            }
        }
    };
    const { url } = await listen(t, async (request, response) => {
        const chunks = await request.toArray();
        unread.push(JSON.parse(Buffer.concat(chunks).toString()));
        response.end("{}");
        deliver();
    });
    const next = (...words) =>
        new Promise((resolve) => {
            waiting.push({ words, resolve });
            deliver();
        });
    return { url, next, unread };
}
