// A status page for a phone: names and "Up" or "Down", no percentages and no tags (a name says its level).

import { Problem } from "./problem.mjs";
import { wordsFor } from "./words.mjs";

const sections = ["relay", "channels"];

/**
 * A page that exists is recognised by its address. In mode keep it only gets the monitors that this run has made; in mode restore
 * its settings and everything that was taken off are put back. Sections and monitors of the operator's own always stay.
 * @param {{key: string, section: string, id: number, created: boolean}[]} monitors in order
 */
export async function applyPage(kuma, settings, monitors, report) {
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
    const groups = data.publicGroupList.map((group) => ({ ...group, monitorList: [...group.monitorList] }));
    const rebuild = fresh || settings.mode === "restore";
    const on = new Set(groups.flatMap((group) => group.monitorList.map((monitor) => monitor.id)));
    const missing = monitors.filter((monitor) => !on.has(monitor.id) && (rebuild || monitor.created));
    const stale = rebuild ? Object.keys(wanted).filter((field) => (config[field] ?? "") !== wanted[field]) : [];
    if (missing.length === 0 && stale.length === 0) {
        return;
    }
    for (const section of sections) {
        const additions = missing.filter((monitor) => monitor.section === section);
        if (additions.length > 0) {
            const siblings = new Set(monitors.filter((monitor) => monitor.section === section).map((monitor) => monitor.id));
            place(groups, words.sections[section], siblings, additions);
        }
    }
    await kuma.call("saveStatusPage", slug, { ...config, ...(rebuild ? wanted : {}) }, config.icon, groups);
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
