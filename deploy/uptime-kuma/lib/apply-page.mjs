// A status page for a phone: names and "Up" or "Down", no percentages and no tags (a name says its level).

import { Problem } from "./problem.mjs";
import { everAbout, sectionCalled, wordsFor } from "./words.mjs";

const sections = ["relay", "channels"];

/**
 * A page that exists is recognised by its address. In mode keep it only gets the monitors that this run has made, loses those that are not
 * wanted any more, and speaks the language of the settings if its texts are ours; in mode restore its settings and everything that was taken
 * off are put back. Sections and monitors of the operator's own always stay.
 * @param {{key: string, section: string, id: number, created: boolean}[]} monitors in order
 * @param {number[]} gone ids of monitors that are not wanted any more
 */
export async function applyPage(kuma, settings, monitors, gone, report) {
    const slug = settings.page;
    if (!slug) {
        return;
    }
    const words = wordsFor(settings.language);
    const title = settings.pageTitle || settings.name;
    const wanted = { title, description: words.about, theme: "auto", autoRefreshInterval: 60, showTags: false,
        showOnlyLastHeartbeat: true, showPoweredBy: false };
    let config = await kuma.page(slug);
    const fresh = config === null;
    if (fresh) {
        await kuma.call("addStatusPage", title, slug);
        config = await kuma.page(slug);
    }
    const data = await kuma.publicPage(slug);
    if (!config || !data) {
        throw new Problem(`the status page ${slug} cannot be read`);
    }
    const rebuild = fresh || settings.mode === "restore";
    const old = data.publicGroupList;
    const groups = old.map((group) => ({
        ...group,
        name: words.sections[sectionCalled(group.name)] ?? group.name,
        monitorList: group.monitorList.filter((monitor) => !gone.includes(monitor.id)),
    }));
    const changed = groups.some((group, at) => group.name !== old[at].name || group.monitorList.length !== old[at].monitorList.length);
    const on = new Set(groups.flatMap((group) => group.monitorList.map((monitor) => monitor.id)));
    const missing = monitors.filter((monitor) => !on.has(monitor.id) && (rebuild || monitor.created));
    const ours = rebuild ? wanted : everAbout.has(config.description) ? { description: words.about } : {};
    const stale = Object.keys(ours).filter((field) => (config[field] ?? "") !== ours[field]);
    if (missing.length === 0 && stale.length === 0 && !changed) {
        return;
    }
    for (const section of sections) {
        const additions = missing.filter((monitor) => monitor.section === section);
        if (additions.length > 0) {
            const siblings = new Set(monitors.filter((monitor) => monitor.section === section).map((monitor) => monitor.id));
            place(groups, words.sections[section], siblings, additions);
        }
    }
    await kuma.call("saveStatusPage", slug, { ...config, ...ours }, config.icon, groups);
    report.did(`${fresh ? "created" : "updated"} the status page /status/${slug}`);
}

/** Puts monitors beside their siblings, in a section of the name, or in a new one. */
function place(groups, name, siblings, additions) {
    let group =
        groups.find((g) => g.monitorList.some((monitor) => siblings.has(monitor.id))) ?? groups.find((g) => g.name === name);
    if (!group) {
        group = { name, monitorList: [] };
        groups.push(group);
    }
    group.monitorList.push(...additions.map(({ id }) => ({ id })));
}
