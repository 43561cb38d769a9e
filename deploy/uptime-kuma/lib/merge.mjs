// Three-way merging: what is wanted now, what is there, and what was put there last time. Only with the third can a hand edit be
// told from a variable that changed. What was put there is remembered as fingerprints, so that no secret is kept twice.

import { createHash } from "node:crypto";

/** The same for values that Kuma does not tell apart: null, undefined and ""; 0 and false; "5" and 5. */
export function fingerprint(value) {
    return createHash("sha256").update(canonical(value)).digest("base64url").slice(0, 12);
}

function canonical(value) {
    if (value === null || value === undefined || value === "") {
        return "";
    }
    if (typeof value === "boolean") {
        return value ? "1" : "0";
    }
    return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/**
 * @param {object} sides
 * @param {Record<string, unknown>} sides.wanted
 * @param {Record<string, unknown>} sides.current
 * @param {Record<string, string>} sides.applied fingerprints of what was last put there
 * @param {"keep" | "restore"} sides.mode keep: a field that an operator has changed stays
 * @returns {{changes: Record<string, unknown>, kept: string[], applied: Record<string, string>}}
 */
export function merge({ wanted, current, applied, mode }) {
    const result = { changes: {}, kept: [], applied: {} };
    for (const [field, value] of Object.entries(wanted)) {
        const now = fingerprint(current[field]);
        const then = applied[field];
        result.applied[field] = fingerprint(value);
        if (now === fingerprint(value)) {
            continue;
        }
        if (mode === "keep" && then !== undefined && now !== then) {
            result.kept.push(field);
            result.applied[field] = then;
            continue;
        }
        result.changes[field] = value;
    }
    return result;
}

/**
 * The same for a set, such as the notifications of a monitor: what an operator added or took away stays, unless mode is restore.
 * Members that are not ours are never touched.
 * @returns {{members: string[], changed: boolean, kept: boolean, applied: string[]}}
 */
export function mergeSet({ wanted, current, applied, ours, mode }) {
    const members = new Set(current);
    const put = new Set();
    let kept = false;
    for (const member of ours) {
        const want = wanted.includes(member);
        const is = current.includes(member);
        const was = applied.includes(member);
        const keep = mode === "keep" && want !== is && is !== was;
        kept ||= keep;
        if (keep ? was : want) {
            put.add(member);
        }
        if (!keep && want) {
            members.add(member);
        } else if (!keep) {
            members.delete(member);
        }
    }
    const all = [...members];
    return { members: all, changed: all.length !== current.length || all.some((m) => !current.includes(m)), kept, applied: [...put] };
}
