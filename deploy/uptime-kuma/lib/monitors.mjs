// Which monitors are wanted, as Uptime Kuma's own monitor fields.

import { channelQuery, healthQuery, ledgerQuery, limitQuery, outageQuery, unwatchedQuery } from "./queries.mjs";
import { wordsFor } from "./words.mjs";

// One outage is one alert. Kuma cannot tell "over the limit" from "out of reach" by itself, and has no dependencies; but it retries only
// what it could not ask or evaluate if retryOnlyOnStatusCodeFailure is on, and while it retries, a monitor is pending and nobody is told. So
// limits and channels retry for ever, and health, which has an end of its retries, speaks for them. The price: a limit alerts at
// its first look, and a monitor that is down while the relay cannot be reached, and up afterwards, comes back without a message (Kuma
// has none from pending to up). Draining is an answer, so that is only the second or two in which a process is replaced. With
// KUMA_LIMIT_RETRIES a limit needs so many looks more, and everything is told of an outage.
const forEver = 1_000_000;

// How long rows of the ledger may wait for its database, in seconds. They are spilled to its file long before, and none is lost.
const ledgerAge = 60;
// How long the loss of a row of the ledger is said, in seconds: long enough for whoever sleeps through the first message to find it red.
const ledgerLost = 3600;

// Whatever the status: a relay that drains says 503 and its figures, one that refuses says why. The queries know what is an answer.
const anyStatus = ["200-299", "300-399", "400-499", "500-599"];

/** The fields that are ours; Kuma's other fields are left as they are. */
function jsonQuery(settings, path, query, operator, expected) {
    const limitRetries = settings.limitRetries > 0;
    return {
        type: "json-query",
        url: settings.relay.url + path,
        method: "GET",
        headers: '{"Accept":"application/json"}',
        authMethod: settings.relay.token ? "basic" : null,
        basic_auth_user: settings.relay.token ? "uptime-kuma" : null,
        basic_auth_pass: settings.relay.token || null,
        jsonPath: query,
        jsonPathOperator: operator,
        expectedValue: String(expected),
        ...timing(settings, limitRetries ? settings.limitRetries : forEver),
        accepted_statuscodes: anyStatus,
        retryOnlyOnStatusCodeFailure: !limitRetries,
    };
}

function timing(settings, retries) {
    return {
        interval: settings.interval,
        retryInterval: settings.retryInterval,
        maxretries: retries,
        resendInterval: settings.resend,
        timeout: settings.timeout,
        accepted_statuscodes: ["200-299"],
        maxredirects: 0,
        upsideDown: false,
        retryOnlyOnStatusCodeFailure: false,
    };
}

/** @returns {{key: string, fields: object}} the group that holds all monitors. It sends nothing: its members do. */
export function wantedGroup(settings) {
    return {
        key: "group",
        fields: {
            type: "group",
            name: settings.name,
            description: wordsFor(settings.language).about,
            interval: settings.interval,
            retryInterval: settings.retryInterval,
            maxretries: 0,
            resendInterval: 0,
            accepted_statuscodes: ["200-299"],
        },
    };
}

/**
 * @param {object} settings
 * @param {string[] | null} channels names of the running configuration; null: unknown, so no channel's monitor is wanted or unwanted
 * @returns {{key: string, level: string, section: "relay" | "channels", fields: object}[]} in the order of the status page
 */
export function wantedMonitors(settings, channels) {
    const words = wordsFor(settings.language);
    const { limits, name } = settings;
    const all = [];
    const add = (key, level, section, title, description, fields) =>
        all.push({ key, level, section, fields: { name: title, description, ...fields } });
    const below = (key, level, title, advice, figure, most) =>
        add(key, level, "relay", title(name, words.levels[level], most), advice,
            jsonQuery(settings, "/api/monitor/health", limitQuery(words, { level, figure, most }), "contains", words.reasons.ok));
    const ofChannels = (key, title, advice, query, operator = "contains") =>
        add(key, "channel", "channels", title, advice, jsonQuery(settings, "/api/monitor/channels", query, operator, words.reasons.ok));

    add("health", "health", "relay", words.health(name), words.advice.health, {
        ...jsonQuery(settings, "/api/monitor/health", healthQuery(words), "contains", words.reasons.ok),
        maxretries: settings.retries,
        retryOnlyOnStatusCodeFailure: false,
    });
    for (const level of ["warning", "critical", "severe"]) {
        below(`goroutines-${level}`, level, words.goroutines, words.advice[level], "goroutines", limits[level]);
    }
    below("unexplained", "warning", words.unexplained, words.advice.unexplained, "unexplained", limits.unexplained);
    below("memory-warning", "warning", words.memory, words.advice.memoryWarning, "memory", limits.memoryWarning);
    below("memory-critical", "critical", words.memoryCritical, words.advice.memoryCritical, "memory", limits.memoryCritical);
    add("ledger", "warning", "relay", words.ledger(name, words.levels.warning), words.advice.ledger,
        jsonQuery(settings, "/api/monitor/health", ledgerQuery(words, { level: "warning", age: ledgerAge, lost: ledgerLost }), "contains", words.reasons.ok));
    if (settings.collector) {
        add("collector", "health", "relay", words.collector(name), words.advice.collector,
            { type: "http", url: settings.collector, method: "GET", ...timing(settings, settings.retries) });
    }
    if (channels) {
        ofChannels("outage", words.outage(name), words.advice.outage, outageQuery(words, settings.channels));
        for (const channel of channels) {
            ofChannels(`channel:${channel}`, words.channel(name, channel), words.advice.channel(encodeURIComponent(channel)),
                channelQuery(words, settings.channels, channel));
        }
        ofChannels("channels", words.unwatched(name), words.advice.unwatched, unwatchedQuery(words, channels), "==");
    }
    return all;
}

/** @returns {boolean} whether a monitor of this key stands or falls with the list of channels */
export const standsWithChannels = (key) => key === "channels" || key === "outage" || key.startsWith("channel:");
