// Brings Kuma's monitors to what is wanted.

import { column, readMarker, writeMarker } from "./marker.mjs";
import { fingerprint, merge, mergeSet } from "./merge.mjs";
import { standsWithChannels, wantedGroup, wantedMonitors } from "./monitors.mjs";
import { Tags } from "./tags.mjs";
import { wordsFor } from "./words.mjs";

// What Kuma wants of every monitor that is added, besides what its kind needs.
const required = { conditions: [], kafkaProducerBrokers: [], kafkaProducerSaslOptions: { mechanism: "None" }, rabbitmqNodes: [],
    expiryNotification: false, domainExpiryNotification: false, active: true };

/**
 * @param {string[] | null} channels null: they could not be read, so their monitors are left alone
 * @param {Map<string, {id: number, created: boolean}>} notifications by key
 * @returns {Promise<{monitors: {key: string, section: string, id: number, created: boolean}[], gone: number[]}>} the wanted monitors in
 *     order (created: made or brought back by this run), and the ids of those that are not wanted any more
 */
export async function applyMonitors(kuma, settings, channels, notifications, report) {
    const run = new Run(kuma, settings, notifications, report);
    const group = wantedGroup(settings);
    const parent = (await run.put({ ...group, level: null }, null)).id;
    const wanted = wantedMonitors(settings, channels);
    const all = [];
    for (const monitor of wanted) {
        all.push({ key: monitor.key, section: monitor.section, ...(await run.put(monitor, parent)) });
    }
    const keys = new Set([group.key, ...wanted.map((monitor) => monitor.key)]);
    const unknown = (key) => channels === null && settings.channels.watch && standsWithChannels(key);
    const gone = [];
    for (const [key, there] of run.present) {
        if (!keys.has(key) && !unknown(key) && settings.removed !== "keep") {
            await run.remove(there);
            gone.push(there.monitor.id);
        }
    }
    await run.tags.sweep();
    return { monitors: all, gone };
}

class Run {
    constructor(kuma, settings, notifications, report) {
        Object.assign(this, { kuma, settings, notifications, report });
        this.tags = new Tags(kuma, Object.values(kuma.monitors));
        this.present = ours(kuma.monitors, settings.id);
    }

    /** @returns {Promise<{id: number, created: boolean}>} */
    async put(wanted, parent) {
        const fields = { ...wanted.fields, ...(parent === null ? {} : { parent }) };
        const links = this.settings.notifications.filter((n) => n.levels.includes(wanted.level)).map((n) => n.key);
        const tag = wanted.level && wordsFor(this.settings.language).levels[wanted.level];
        const there = this.present.get(wanted.key);
        return there ? this.#update(there, wanted, fields, links, tag) : this.#create(wanted, fields, links, tag);
    }

    async #create({ key, level }, fields, links, tag) {
        const applied = Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, fingerprint(value)]));
        const marker = writeMarker({ provisioner: this.settings.id, key, applied, links, tag });
        const { monitorID: id } = await this.kuma.call("add", {
            ...required, ...fields, notificationIDList: this.#idsOf(links), [column]: marker,
        });
        if (tag) {
            await this.tags.give(id, tag, level);
        }
        this.report.did(`created the monitor "${fields.name}"`);
        return { id, created: true };
    }

    async #update({ monitor, marker }, { key, level }, wanted, links, tag) {
        const { mode } = this.settings;
        const merged = merge({ wanted, current: monitor, applied: marker.applied, mode });
        const linked = this.#mergeLinks(monitor, marker, links);
        const changed = Object.keys(merged.changes);
        const kept = merged.kept;
        if (linked.changed) {
            changed.push("notifications");
        }
        if (linked.kept) {
            kept.push("notifications");
        }
        const next = writeMarker({ provisioner: this.settings.id, key, applied: merged.applied, links: linked.applied, tag });
        if (changed.length > 0 || next !== monitor[column]) {
            const edited = { ...monitor, ...merged.changes, notificationIDList: linked.list, [column]: next };
            await this.kuma.call("editMonitor", edited);
        }
        if (changed.length > 0) {
            this.report.did(`updated the monitor "${wanted.name}": ${changed.join(", ")}`);
        }
        await this.#retag(monitor, marker, tag, level);
        const returned = await this.#resume(monitor, marker);
        if (kept.length > 0) {
            this.report.note(`kept what was edited by hand in the monitor "${monitor.name}": ${kept.join(", ")}`);
        }
        return { id: monitor.id, created: returned };
    }

    /** A channel that has come back is watched again. One that the operator paused stays so, unless hand edits are undone. */
    async #resume(monitor, marker) {
        const idle = !monitor.active && !monitor.forceInactive;
        if (idle && (marker.paused || this.settings.mode === "restore")) {
            await this.kuma.call("resumeMonitor", monitor.id);
            this.report.did(`resumed the monitor "${monitor.name}"`);
        }
        return Boolean(marker.paused);
    }

    async #retag(monitor, marker, tag, level) {
        const has = monitor.tags.some((t) => t.name === tag);
        const wanted = tag && !has && (marker.tag !== tag || this.settings.mode === "restore");
        if (!wanted) {
            return;
        }
        const old = monitor.tags.find((t) => t.name === marker.tag);
        if (old) {
            await this.tags.take(monitor.id, old);
        }
        await this.tags.give(monitor.id, tag, level);
        this.report.did(`tagged the monitor "${monitor.name}": ${tag}`);
    }

    #mergeLinks(monitor, marker, wanted) {
        const keyOf = new Map([...this.notifications].map(([key, { id }]) => [String(id), key]));
        const ids = Object.keys(monitor.notificationIDList ?? {}).filter((id) => monitor.notificationIDList[id]);
        const others = ids.filter((id) => !keyOf.has(id));
        const current = ids.filter((id) => keyOf.has(id)).map((id) => keyOf.get(id));
        // A notification that has just been made anew was linked to nothing, so its absence is no hand edit.
        const applied = marker.links.filter((key) => this.notifications.get(key)?.created === false);
        const ours = [...this.notifications.keys()];
        const merged = mergeSet({ wanted, current, applied, ours, mode: this.settings.mode });
        const list = this.#idsOf(merged.members);
        others.forEach((id) => (list[id] = true));
        return { list, changed: merged.changed, kept: merged.kept, applied: merged.applied };
    }

    #idsOf(keys) {
        return Object.fromEntries(keys.map((key) => [String(this.notifications.get(key).id), true]));
    }

    async remove({ monitor, marker }) {
        const how = this.settings.removed;
        if (how === "delete") {
            await this.kuma.call("deleteMonitor", monitor.id);
            this.report.did(`deleted the monitor "${monitor.name}": it is not in the configuration any more`);
        } else if (how === "pause" && (monitor.active || monitor.forceInactive) && !marker.paused) {
            // Paused first: an edit of a monitor that runs makes it check at once, and that would raise an alarm.
            await this.kuma.call("pauseMonitor", monitor.id);
            await this.kuma.call("editMonitor", { ...monitor, [column]: writeMarker({ ...marker, paused: true }) });
            this.report.did(`paused the monitor "${monitor.name}": it is not in the configuration any more`);
        }
    }
}

/** The first of each key: a monitor that was cloned by hand has the marker of the original. */
function ours(monitors, id) {
    const found = new Map();
    for (const monitor of Object.values(monitors).sort((a, b) => a.id - b.id)) {
        const marker = readMarker(monitor, id);
        if (marker && !found.has(marker.key)) {
            found.set(marker.key, { monitor, marker });
        }
    }
    return found;
}
