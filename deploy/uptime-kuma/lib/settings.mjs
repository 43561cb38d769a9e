// The environment as settings. README.md lists the variables.

import { Environment } from "./environment.mjs";
import { wantedNotifications } from "./notifications.mjs";
import { Problem } from "./problem.mjs";

/** The levels that a notification can be asked to carry. */
export const levels = ["warning", "critical", "severe", "channel", "health"];

/**
 * Reads and validates everything before anything is touched.
 * @param {Record<string, string | undefined>} variables
 * @returns {object} the settings, with `notifications` (lib/notifications.mjs) and `unknown` variable names
 * @throws {Problem} that names every variable that is wrong
 */
export function readSettings(variables) {
    const env = new Environment(variables);
    const interval = env.whole("KUMA_INTERVAL", 60, 1);
    const settings = {
        kuma: {
            url: env.url("KUMA_URL", "http://uptime-kuma:3001"),
            user: env.text("KUMA_ADMIN_USER", "admin"),
            password: env.text("KUMA_ADMIN_PASSWORD"),
            state: env.text("KUMA_STATE_DIR"),
            hint: env.text("KUMA_PASSWORD_HINT"), // the command that reads a password that was made
            token: env.text("KUMA_LOGIN_TOKEN"),
        },
        wait: env.whole("KUMA_WAIT", 180, 1) * 1000,
        id: env.text("KUMA_ID", "one-api"),
        name: env.text("KUMA_NAME", "One API"),
        language: env.choice("KUMA_LANG", "en", ["en", "zh"]),
        mode: env.choice("KUMA_PROVISION_MODE", "keep", ["keep", "restore"]),
        removed: env.choice("KUMA_REMOVED", "pause", ["pause", "delete", "keep"]),
        relay: { url: env.url("KUMA_RELAY_URL", "http://one-api:3000"), token: env.text("MONITOR_TOKEN") },
        collector: env.isEmpty("KUMA_COLLECTOR_URL") ? "" : env.url("KUMA_COLLECTOR_URL", "http://otel-collector:13133"),
        interval,
        retries: env.whole("KUMA_RETRIES", 1),
        limitRetries: env.whole("KUMA_LIMIT_RETRIES", 0), // 0: monitors.mjs says what that means
        retryInterval: env.whole("KUMA_RETRY_INTERVAL", Math.min(20, interval), 1),
        resend: env.whole("KUMA_RESEND", 0),
        // Kuma's own default is 0, which it reads as hours: a monitor of an address that hangs would freeze.
        timeout: env.whole("KUMA_TIMEOUT", Math.min(10, Math.max(1, Math.floor(interval * 0.8))), 1),
        limits: {
            warning: env.whole("KUMA_GOROUTINES_WARNING", 2000, 1),
            critical: env.whole("KUMA_GOROUTINES_CRITICAL", 5000, 1),
            severe: env.whole("KUMA_GOROUTINES_SEVERE", 10000, 1),
            unexplained: env.whole("KUMA_UNEXPLAINED_WARNING", 500),
            memoryWarning: env.whole("KUMA_MEMORY_WARNING_MB", 3072, 1),
            memoryCritical: env.whole("KUMA_MEMORY_CRITICAL_MB", 4096, 1),
        },
        channels: {
            watch: env.flag("KUMA_CHANNELS", true),
            failures: env.whole("KUMA_CHANNEL_FAILURES", 3, 1),
            oldest: env.whole("KUMA_CHANNEL_OLDEST", 900),
        },
        page: env.isEmpty("KUMA_STATUS_SLUG") ? "" : env.text("KUMA_STATUS_SLUG", "one-api").toLowerCase(),
        pageTitle: env.text("KUMA_STATUS_TITLE"),
        test: env.flag("KUMA_TEST_NOTIFICATIONS", false),
    };
    settings.notifications = wantedNotifications(env, settings, levels);

    const { problems } = env;
    const { warning, critical, severe, memoryWarning, memoryCritical } = settings.limits;
    if (!settings.kuma.password && !settings.kuma.token && !settings.kuma.state) {
        problems.push("KUMA_ADMIN_PASSWORD must be set");
    }
    if (!(warning < critical && critical < severe)) {
        problems.push("KUMA_GOROUTINES_WARNING, _CRITICAL and _SEVERE must rise");
    }
    if (memoryWarning >= memoryCritical) {
        problems.push("KUMA_MEMORY_WARNING_MB must be below KUMA_MEMORY_CRITICAL_MB");
    }
    if (settings.page && !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(settings.page)) {
        problems.push("KUMA_STATUS_SLUG must be letters, digits and single hyphens");
    }
    if (problems.length > 0) {
        throw new Problem(problems.join("; "));
    }
    settings.unknown = env.unknown("KUMA_");
    return settings;
}
