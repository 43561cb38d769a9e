// As much of Uptime Kuma's protocol as the provisioning speaks, with the checks that have refused something in the real one
// (server/server.js and server/socket-handlers of 2.5.3). It checks nothing over the network and sends no messages.

import http from "node:http";
import { load } from "./modules.mjs";

// The columns that the provisioning may write: Kuma answers "table monitor has no column named …" to any other.
const columns = new Set(["type", "name", "description", "parent", "url", "method", "headers", "authMethod", "basic_auth_user",
    "basic_auth_pass", "jsonPath", "jsonPathOperator", "expectedValue", "interval", "retryInterval", "maxretries", "resendInterval",
    "timeout", "accepted_statuscodes", "maxredirects", "upsideDown", "retryOnlyOnStatusCodeFailure", "conditions",
    "kafkaProducerBrokers", "kafkaProducerSaslOptions", "rabbitmqNodes", "expiryNotification", "domainExpiryNotification", "active",
    "grpcMetadata", "notificationIDList"]);

class Database {
    user = null;
    monitors = {};
    notifications = [];
    tags = [];
    pages = {};
    #id = 0;

    nextId = () => ++this.#id;
}

const refuse = (msg) => ({ ok: false, msg });

/** Handlers by event. Each gets the database and the arguments, and gives the answer. */
const handlers = {
    add(db, monitor) {
        const stranger = Object.keys(monitor).find((field) => !columns.has(field));
        if (stranger) {
            return refuse(`table monitor has no column named ${stranger}`);
        }
        if (!monitor.accepted_statuscodes.every((code) => typeof code === "string")) {
            return refuse("Accepted status codes are not all strings");
        }
        if (monitor.conditions === undefined) {
            return refuse("NOT NULL constraint failed: monitor.conditions");
        }
        if (monitor.interval < 1 || monitor.retryInterval < 1) {
            return refuse("Interval cannot be less than 1 seconds");
        }
        const id = db.nextId();
        db.monitors[id] = { ...monitor, id, tags: [], active: monitor.active !== false, forceInactive: false };
        return { ok: true, monitorID: id };
    },
    editMonitor(db, monitor) {
        const there = db.monitors[monitor.id];
        db.monitors[monitor.id] = { ...there, ...monitor, active: there.active, tags: there.tags };
        return { ok: true };
    },
    pauseMonitor: (db, id) => ((db.monitors[id].active = false), { ok: true }),
    resumeMonitor: (db, id) => ((db.monitors[id].active = true), { ok: true }),
    deleteMonitor(db, id) {
        delete db.monitors[id];
        for (const page of Object.values(db.pages)) {
            page.groups.forEach((group) => (group.monitorList = group.monitorList.filter((monitor) => monitor.id !== id)));
        }
        return { ok: true };
    },
    getTags: (db) => ({ ok: true, tags: db.tags }),
    addTag(db, { name, color }) {
        const tag = { id: db.nextId(), name, color };
        db.tags.push(tag);
        return { ok: true, tag };
    },
    addMonitorTag(db, tagID, monitorID, value) {
        const tag = db.tags.find((t) => t.id === tagID);
        db.monitors[monitorID].tags.push({ tag_id: tagID, monitor_id: monitorID, value, name: tag.name, color: tag.color });
        return { ok: true };
    },
    deleteMonitorTag(db, tagID, monitorID, value) {
        const monitor = db.monitors[monitorID];
        monitor.tags = monitor.tags.filter((t) => t.tag_id !== tagID || t.value !== value);
        return { ok: true };
    },
    deleteTag(db, id) {
        db.tags = db.tags.filter((tag) => tag.id !== id);
        return { ok: true };
    },
    addNotification(db, config, id) {
        let notification = db.notifications.find((n) => n.id === id);
        if (id && !notification) {
            return refuse("notification not found");
        }
        if (!notification) {
            notification = { id: db.nextId(), active: true };
            db.notifications.push(notification);
        }
        Object.assign(notification, { name: config.name, config: JSON.stringify(config) });
        return { ok: true, id: notification.id };
    },
    deleteNotification(db, id) {
        db.notifications = db.notifications.filter((n) => n.id !== id);
        Object.values(db.monitors).forEach((monitor) => delete monitor.notificationIDList[id]);
        return { ok: true };
    },
    getStatusPage: (db, slug) => (db.pages[slug] ? { ok: true, config: db.pages[slug].config } : refuse("No slug?")),
    addStatusPage(db, title, slug) {
        const config = { slug, title, description: null, icon: "/icon.svg", theme: "auto", autoRefreshInterval: 300, showTags: false,
            showOnlyLastHeartbeat: false, showPoweredBy: true, domainNameList: [], analyticsType: null };
        db.pages[slug] = { config, groups: [] };
        return { ok: true };
    },
    saveStatusPage(db, slug, config, icon, groups) {
        if (config.analyticsType !== null || !Array.isArray(config.domainNameList) || typeof icon !== "string") {
            return refuse("Invalid status page");
        }
        const named = (monitor) => ({ id: monitor.id, name: db.monitors[monitor.id].name });
        db.pages[slug] = {
            config: { ...config, icon },
            groups: groups.map((group) => ({ id: group.id ?? db.nextId(), name: group.name, monitorList: group.monitorList.map(named) })),
        };
        return { ok: true };
    },
};

/**
 * @param {{version?: string, twoFactor?: boolean, setupDatabase?: boolean}} [how] what is special about this one
 * @returns {Promise<{url: string, close: () => Promise<void>}>}
 */
export async function startStandIn({ version = "2.5.3", twoFactor = false, setupDatabase = false } = {}) {
    const db = new Database();
    const server = http.createServer((request, response) => {
        response.setHeader("Content-Type", "application/json");
        const page = db.pages[/^\/api\/status-page\/([^?]+)/.exec(request.url)?.[1]];
        if (request.url === "/api/entry-page") {
            response.end(JSON.stringify({ type: setupDatabase ? "setup-database" : "entryPage" }));
        } else if (page) {
            response.end(JSON.stringify({ config: page.config, publicGroupList: page.groups }));
        } else {
            response.writeHead(404).end("{}");
        }
    });
    const io = setupDatabase ? null : new (load("socket.io").Server)(server);
    io?.on("connection", (socket) => greet(socket, db, { version, twoFactor }));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const close = () => (io ? io.close() : new Promise((resolve) => server.close(resolve)));
    return { url: `http://127.0.0.1:${server.address().port}`, close };
}

function greet(socket, db, { version, twoFactor }) {
    let loggedIn = false;
    const enter = () => {
        loggedIn = true;
        socket.emit("monitorList", db.monitors);
        socket.emit("notificationList", db.notifications);
        socket.emit("info", { version });
        return { ok: true, token: "session" };
    };
    // As Kuma does, only after something else: what a client sends before it is told so is lost.
    setImmediate(() => {
        socket.on("needSetup", (answer) => answer(db.user === null));
        socket.on("setup", (username, password, answer) => {
            if (password.length < 6) {
                return answer(refuse("passwordTooWeak"));
            }
            db.user = { username, password };
            answer({ ok: true });
        });
        socket.on("login", ({ username, password }, answer) => {
            if (username !== db.user?.username || password !== db.user.password) {
                return answer(refuse("authIncorrectCreds"));
            }
            answer(twoFactor ? { tokenRequired: true } : enter());
        });
        socket.on("loginByToken", (token, answer) => answer(token === "session" ? enter() : refuse("authInvalidToken")));
        for (const [event, handle] of Object.entries(handlers)) {
            socket.on(event, (...args) => {
                const answer = args.pop();
                answer(loggedIn ? handle(db, ...args) : refuse("You are not logged in."));
                if (loggedIn && event.endsWith("Notification")) {
                    socket.emit("notificationList", db.notifications);
                }
            });
        }
        socket.emit("loginRequired");
    });
}
