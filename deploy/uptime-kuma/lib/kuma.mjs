// Uptime Kuma's socket.io protocol, as its own web interface speaks it (server/server.js of 2.5.3). Kuma has no other way to
// be configured: no API, no file, no variable for the first user.

import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "./problem.mjs";

const answerTimeout = 30_000;
const tryAgain = 1_000;
const tooOften = "Too frequently"; // how Kuma's message begins when there were more than 20 logins a minute

/** socketClient is the client that lies beside Kuma itself, in its image below /app. */
function socketClient() {
    for (const root of [`${process.cwd()}/`, "/app/", import.meta.url]) {
        try {
            return createRequire(root)("socket.io-client");
        } catch {
            // the next place
        }
    }
    throw new Problem("socket.io-client was not found: run this in a container of the Uptime Kuma image");
}

/** Kuma is a connection that is logged in, and what Kuma had when it logged in. */
export class Kuma {
    monitors = {};
    notifications = [];
    version = "";
    #socket;
    #url;

    constructor(socket, url) {
        this.#socket = socket;
        this.#url = url;
        socket.on("monitorList", (list) => (this.monitors = list));
        socket.on("notificationList", (list) => (this.notifications = list));
        socket.on("info", (info) => (this.version = info.version ?? this.version));
    }

    /**
     * Waits for Kuma, makes its first user if there is none, and logs in.
     * @param {{url: string, user: string, password: string, token: string}} account token instead of a password: two-factor
     * @param {number} wait ms until it is given up
     * @param {(line: string) => void} say
     * @returns {Promise<Kuma>}
     * @throws {Problem}
     */
    static async open(account, wait, say) {
        const { io } = socketClient();
        const deadline = Date.now() + wait;
        const socket = io(account.url, { reconnectionDelayMax: 2_000, autoConnect: false });
        const kuma = new Kuma(socket, account.url);
        try {
            const greeting = await kuma.#greeted(deadline);
            if (greeting === "loginRequired") {
                await kuma.#setUp(account, say);
                await kuma.#logIn(account, deadline, say);
            }
            kuma.#checkVersion();
            return kuma;
        } catch (error) {
            socket.close();
            throw error;
        }
    }

    close() {
        this.#socket.close();
    }

    /**
     * One call of the protocol.
     * @returns {Promise<object>} Kuma's answer
     * @throws {Problem} with Kuma's message
     */
    async call(event, ...args) {
        const answer = await this.#ask(event, ...args);
        if (answer?.ok !== true) {
            throw new Problem(`Uptime Kuma refused "${event}": ${answer?.msg ?? "no reason given"}`);
        }
        return answer;
    }

    /** @returns {Promise<object | null>} the public data of a status page, which the protocol does not give; null: there is none */
    async publicPage(slug) {
        const answer = await fetch(`${this.#url}/api/status-page/${slug}`, { signal: AbortSignal.timeout(answerTimeout) }).catch(() => null);
        return answer?.ok ? answer.json() : null;
    }

    /** @returns {Promise<object | null>} the configuration of a status page; null: there is none */
    async page(slug) {
        const answer = await this.#ask("getStatusPage", slug);
        return answer?.ok ? answer.config : null;
    }

    async #ask(event, ...args) {
        try {
            return await this.#socket.timeout(answerTimeout).emitWithAck(event, ...args);
        } catch {
            throw new Problem(`Uptime Kuma did not answer "${event}" within ${answerTimeout / 1000} s; nothing is lost, run this again`);
        }
    }

    /** Resolves to Kuma's first word. What is sent before it is lost: Kuma registers its handlers only then. */
    #greeted(deadline) {
        const socket = this.#socket;
        return new Promise((resolve, reject) => {
            const timer = setTimeout(async () => reject(new Problem(await this.#silence())), deadline - Date.now());
            const done = (greeting) => () => {
                clearTimeout(timer);
                resolve(greeting);
            };
            socket.once("loginRequired", done("loginRequired"));
            socket.once("autoLogin", done("autoLogin")); // its authentication is switched off
            socket.connect();
        });
    }

    /** Says why Kuma did not greet. */
    async #silence() {
        if (this.#socket.connected) {
            return `Uptime Kuma at ${this.#url} does not ask for a login: it is no version 2, or hangs`;
        }
        try {
            const answer = await fetch(`${this.#url}/api/entry-page`, { signal: AbortSignal.timeout(5_000) });
            if ((await answer.json().catch(() => null))?.type === "setup-database") {
                return "Uptime Kuma waits for somebody to choose its database: give it UPTIME_KUMA_DB_TYPE=sqlite";
            }
            return `what answers at ${this.#url} is not Uptime Kuma, or it has not started yet (${answer.status})`;
        } catch (error) {
            return `Uptime Kuma at ${this.#url} could not be reached: ${error.cause?.code ?? error.name}`;
        }
    }

    async #setUp({ user, password }, say) {
        if ((await this.#ask("needSetup")) !== true) {
            return;
        }
        if (!password) {
            throw new Problem("Uptime Kuma has no user yet: KUMA_ADMIN_PASSWORD must be set");
        }
        const answer = await this.#ask("setup", user, password);
        if (answer.msg === "passwordTooWeak") {
            throw new Problem("Uptime Kuma finds KUMA_ADMIN_PASSWORD too weak: at least 6 characters, of two kinds");
        }
        if (!answer.ok) {
            throw new Problem(`Uptime Kuma refused to make its first user: ${answer.msg}`);
        }
        say(`created the user ${user}`);
    }

    async #logIn({ user, password, token }, deadline, say) {
        const attempt = () =>
            token ? this.#ask("loginByToken", token) : this.#ask("login", { username: user, password, token: "" });
        let answer = await attempt();
        while (String(answer.msg).startsWith(tooOften) && Date.now() < deadline) {
            say("Uptime Kuma takes no more logins for now; waiting");
            await sleep(5 * tryAgain);
            answer = await attempt();
        }
        if (answer.tokenRequired) {
            throw new Problem(`the user ${user} of Uptime Kuma has two-factor authentication: give KUMA_LOGIN_TOKEN instead of a password`);
        }
        if (!answer.ok) {
            throw new Problem(refusal(answer.msg, user));
        }
    }

    #checkVersion() {
        const [major, minor] = this.version.split(".").map(Number);
        if (major !== 2 || minor < 1) {
            throw new Problem(`Uptime Kuma ${this.version || "of an unknown version"} is not supported: it must be 2.1 or later, below 3`);
        }
    }
}

function refusal(message, user) {
    switch (message) {
        case "authIncorrectCreds":
            return `Uptime Kuma refuses KUMA_ADMIN_PASSWORD for the user "${user}": it was set up with another user or password`;
        case "authInvalidToken":
            return "Uptime Kuma refuses KUMA_LOGIN_TOKEN: log in again in a browser and take the new one";
        default:
            return `Uptime Kuma refuses the login: ${message}`;
    }
}
