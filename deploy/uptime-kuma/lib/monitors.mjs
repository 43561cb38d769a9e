// Which monitors are wanted, as Uptime Kuma's own monitor fields.

import { channelQuery, unwatchedQuery } from "./queries.mjs";
import { wordsFor } from "./words.mjs";

/**
 * The fields that are ours; Kuma's other fields are left as they are. Kuma's operator says when a monitor is UP, so "alert when
 * $.goroutines > 5000" is `$.goroutines <= 5000`. retryOnlyOnStatusCodeFailure is off: with it, a monitor that is down for its
 * limit and then unreachable (a restart!) comes back without a recovery message.
 */
function jsonQuery(settings, path, query, operator, expected, retries = settings.limitRetries) {
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
        ...timing(settings, retries),
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
    const below = (key, level, title, advice, path, limit) =>
        add(key, level, "relay", title(name, words.levels[level], limit), advice,
            jsonQuery(settings, "/api/monitor/health", path, "<=", limit));

    add("health", "health", "relay", words.health(name), words.advice.health,
        jsonQuery(settings, "/api/monitor/health", "$.status", "==", "ok", settings.retries));
    for (const level of ["warning", "critical", "severe"]) {
        below(`goroutines-${level}`, level, words.goroutines, words.advice[level], "$.goroutines", limits[level]);
    }
    below("unexplained", "warning", words.unexplained, words.advice.unexplained, "$.unexplained_goroutines", limits.unexplained);
    below("memory-warning", "warning", words.memory, words.advice.memoryWarning, "$.memory.alloc_mb", limits.memoryWarning);
    below("memory-critical", "critical", words.memory, words.advice.memoryCritical, "$.memory.alloc_mb", limits.memoryCritical);
    if (settings.collector) {
        add("collector", "health", "relay", words.collector(name), words.advice.collector,
            { type: "http", url: settings.collector, method: "GET", ...timing(settings, settings.retries) });
    }
    for (const channel of channels ?? []) {
        const segment = encodeURIComponent(channel);
        add(`channel:${channel}`, "channel", "channels", words.channel(name, channel), words.advice.channel(segment),
            jsonQuery(settings, `/api/monitor/channels/${segment}`, channelQuery(words.reasons, settings.channels), "contains", words.reasons.ok));
    }
    if (channels) {
        add("channels", "channel", "channels", words.unwatched(name), words.advice.unwatched,
            jsonQuery(settings, "/api/monitor/channels", unwatchedQuery(words.reasons, channels), "==", words.reasons.ok));
    }
    return all;
}

/** @returns {boolean} whether a monitor of this key stands or falls with the list of channels */
export const ofChannels = (key) => key === "channels" || key.startsWith("channel:");
