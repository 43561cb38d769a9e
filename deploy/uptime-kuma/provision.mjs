// Sets Uptime Kuma up for the relay, and can be run as often as one likes. It runs in a one-shot container of Kuma's own image,
// which has Node.js and the socket.io client. README.md says what it makes and which variables it reads.

import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { applyMonitors } from "./lib/apply-monitors.mjs";
import { applyNotifications, testNotifications } from "./lib/apply-notifications.mjs";
import { applyPage } from "./lib/apply-page.mjs";
import { Kuma } from "./lib/kuma.mjs";
import { keptPassword } from "./lib/password.mjs";
import { Problem } from "./lib/problem.mjs";
import { readChannels } from "./lib/relay.mjs";
import { Report } from "./lib/report.mjs";
import { readSettings } from "./lib/settings.mjs";

/**
 * @param {Record<string, string | undefined>} variables the environment
 * @param {(line: string) => void} say
 * @throws {Problem} after all that could be done is done
 */
export async function provision(variables, say) {
    const settings = readSettings(variables);
    const report = new Report(say);
    if (!settings.kuma.password && !settings.kuma.token) {
        const { password, file, made } = keptPassword(settings.kuma.state);
        settings.kuma.password = password;
        const again = settings.kuma.hint ? `; to read it again: ${settings.kuma.hint}` : "";
        say(made
            ? `no KUMA_ADMIN_PASSWORD was given, so one was made: log in to Uptime Kuma as ${settings.kuma.user} with ${password} (kept in ${file}${again})`
            : `logging in as ${settings.kuma.user} with the password in ${file}${again}`);
    }
    settings.unknown.forEach((name) => report.note(`${name} is not a variable of this program; ignored`));

    // Beside waiting for Kuma: at the start of a whole stack both come up together.
    const giveUp = new AbortController();
    const { watch } = settings.channels;
    const asked = watch ? attempt(readChannels(settings.relay, settings.wait, giveUp.signal)) : { value: null };
    const kuma = await Kuma.open(settings.kuma, settings.wait, (line) => report.did(line)).catch((error) => {
        giveUp.abort();
        throw error;
    });
    const channels = await asked;
    try {
        const notifications = await applyNotifications(kuma, settings, report);
        const { monitors, gone } = await applyMonitors(kuma, settings, channels.value ?? null, notifications, report);
        await applyPage(kuma, settings, monitors, gone, report);
        if (settings.test) {
            await testNotifications(kuma, settings, report);
        }
    } finally {
        kuma.close();
    }
    if (channels.problem) {
        throw new Problem(`no monitors for channels: ${channels.problem.message}; everything else is in place`);
    }
    report.end();
}

const attempt = (promise) => promise.then((value) => ({ value }), (problem) => ({ problem }));

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
    try {
        await provision(process.env, (line) => console.log(`provision: ${line}`));
    } catch (error) {
        console.error(`provision: FAILED: ${(error instanceof Problem ? error.message : String(error)).replaceAll("\n", " ")}`);
        process.exitCode = 1;
    }
}
