// Brings Kuma's notifications to what is wanted. Ours are recognised by a key inside their configuration, which Kuma stores as it is.

import { merge } from "./merge.mjs";
import { Problem } from "./problem.mjs";

/**
 * @returns {Promise<Map<string, {id: number, created: boolean}>>} all notifications that are ours, by key: also those no longer wanted
 */
export async function applyNotifications(kuma, settings, report) {
    const present = ours(kuma.notifications, settings.id);
    const all = new Map([...present].map(([key, { id }]) => [key, { id, created: false }]));
    for (const { key, config } of settings.notifications) {
        const there = present.get(key);
        const { changes, kept, applied } = merge({
            wanted: config,
            current: there?.config ?? {},
            applied: there?.config.provisioned.applied ?? {},
            mode: settings.mode,
        });
        const provisioned = { provisioner: settings.id, key, applied };
        const changed = Object.keys(changes);
        if (!there) {
            const { id } = await kuma.call("addNotification", { ...config, provisioned }, null);
            all.set(key, { id, created: true });
            report.did(`created the notification "${config.name}"`);
        } else if (changed.length > 0) {
            await kuma.call("addNotification", { ...there.config, ...changes, provisioned }, there.id);
            report.did(`updated the notification "${config.name}": ${changed.join(", ")}`);
        }
        if (kept.length > 0) {
            report.note(`kept what was edited by hand in the notification "${there.config.name}": ${kept.join(", ")}`);
        }
    }
    for (const [key, { id, config }] of present) {
        if (settings.removed === "delete" && !settings.notifications.some((n) => n.key === key)) {
            await kuma.call("deleteNotification", id);
            all.delete(key);
            report.did(`deleted the notification "${config.name}"`);
        }
    }
    return all;
}

/** Sends a test through each notification. WeCom and Feishu report a wrong key as success; Kuma does not look. */
export async function testNotifications(kuma, settings, report) {
    for (const { config } of settings.notifications) {
        try {
            await kuma.call("testNotification", config);
        } catch (error) {
            throw new Problem(`the test of "${config.name}" failed: ${error.message}`);
        }
        report.note(`sent a test through "${config.name}"`);
    }
}

function ours(notifications, id) {
    const found = new Map();
    for (const notification of [...notifications].sort((a, b) => a.id - b.id)) {
        const config = JSON.parse(notification.config);
        if (config.provisioned?.provisioner === id && !found.has(config.provisioned.key)) {
            found.set(config.provisioned.key, { id: notification.id, config });
        }
    }
    return found;
}
