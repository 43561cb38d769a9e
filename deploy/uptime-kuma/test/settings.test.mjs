import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Problem } from "../lib/problem.mjs";
import { levels, readSettings } from "../lib/settings.mjs";

const base = { KUMA_ADMIN_PASSWORD: "test-password-1" };
const read = (variables) => readSettings({ ...base, ...variables });

test("a variable that is wrong is named", () => {
    const cases = {
        "KUMA_ADMIN_PASSWORD must be set": { KUMA_ADMIN_PASSWORD: "" },
        'KUMA_INTERVAL must be a whole number from 1 on, not "0"': { KUMA_INTERVAL: "0" },
        'KUMA_INTERVAL must be a whole number from 1 on, not "60s"': { KUMA_INTERVAL: "60s" },
        "KUMA_GOROUTINES_WARNING, _CRITICAL and _SEVERE must rise": { KUMA_GOROUTINES_WARNING: "6000" },
        'KUMA_LANG must be en or zh, not "de"': { KUMA_LANG: "de" },
        "KUMA_RELAY_URL must be a URL that begins with http:// or https://": { KUMA_RELAY_URL: "relay:3000" },
        "KUMA_SMTP_FROM and KUMA_SMTP_TO must be set because KUMA_SMTP_HOST is": { KUMA_SMTP_HOST: "mail" },
        "KUMA_SMTP_PASSWORD must be set because KUMA_SMTP_USER is": {
            KUMA_SMTP_HOST: "mail", KUMA_SMTP_FROM: "a@example.com", KUMA_SMTP_TO: "b@example.com", KUMA_SMTP_USER: "a" },
        "KUMA_TELEGRAM_CHAT_ID must be set because KUMA_TELEGRAM_TOKEN is": { KUMA_TELEGRAM_TOKEN: "1:test" },
        "KUMA_WECOM_KEY must be set because KUMA_WECOM_MENTION is": { KUMA_WECOM_MENTION: "@all" },
        "KUMA_DINGTALK_URL must have ?access_token=": { KUMA_DINGTALK_URL: "https://oapi.dingtalk.com/robot/send" },
        'KUMA_NTFY_LEVELS must be of warning, critical, severe, channel, health, not "loud"': { KUMA_NTFY_LEVELS: "loud" },
        'KUMA_WEBHOOK_HEADERS must be a JSON object such as {"Authorization":"Bearer …"}': {
            KUMA_WEBHOOK_URL: "http://sink", KUMA_WEBHOOK_HEADERS: "X: y" },
        "MONITOR_TOKEN_FILE cannot be read (ENOENT)": { MONITOR_TOKEN_FILE: "/nowhere/at/all" },
    };
    for (const [message, variables] of Object.entries(cases)) {
        assert.throws(() => read(variables), (error) => error instanceof Problem && error.message === message, message);
    }
});

test("everything that is wrong is said at once, and no secret with it", () => {
    const wrong = { KUMA_INTERVAL: "x", KUMA_BARK_URL: "sk-test-bark", KUMA_LANG: "fr" };
    assert.throws(() => read(wrong), (error) => {
        assert.match(error.message, /KUMA_INTERVAL.*KUMA_LANG.*KUMA_BARK_URL/);
        assert.doesNotMatch(error.message, /sk-test-bark|test-password-1/);
        return true;
    });
});

test("secrets may come from files", (t) => {
    const folder = mkdtempSync(join(tmpdir(), "secrets-"));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "key"), "test-key\n");
    const { notifications } = read({ KUMA_WECOM_KEY_FILE: join(folder, "key") });
    assert.equal(notifications[0].config.weComBotKey, "test-key");
});

test("the defaults are the guide's limits, every minute, with a timeout", () => {
    const settings = read({});
    assert.deepEqual(settings.limits,
        { warning: 2000, critical: 5000, severe: 10000, unexplained: 500, memoryWarning: 3072, memoryCritical: 4096 });
    assert.deepEqual([settings.interval, settings.retryInterval, settings.timeout], [60, 20, 10]);
    assert.deepEqual(settings.notifications, []);
    assert.equal(settings.mode, "keep");
});

test("a timeout is never zero, which Kuma takes for hours", () => {
    assert.equal(read({ KUMA_INTERVAL: "1" }).timeout, 1);
    assert.throws(() => read({ KUMA_TIMEOUT: "0" }), Problem);
});

test("the collector and the status page can be switched off by an empty variable", () => {
    const settings = read({ KUMA_COLLECTOR_URL: "", KUMA_STATUS_SLUG: "" });
    assert.deepEqual([settings.collector, settings.page, settings.unknown], ["", "", []]);
});

test("a slip of the pen in a variable's name is noticed", () => {
    assert.deepEqual(read({ KUMA_TELEGRAM_TOKN: "x" }).unknown, ["KUMA_TELEGRAM_TOKN"]);
});

test("each kind of notification becomes what Kuma calls it", () => {
    const { notifications } = read({
        KUMA_SMTP_HOST: "mail.example.com", KUMA_SMTP_PORT: "465", KUMA_SMTP_FROM: "a@example.com", KUMA_SMTP_TO: "b@example.com",
        KUMA_WECOM_KEY: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=test-wecom", KUMA_WECOM_LEVELS: "critical, severe",
        KUMA_DINGTALK_URL: "https://oapi.dingtalk.com/robot/send?access_token=test", KUMA_DINGTALK_MENTION: "everyone",
        KUMA_FEISHU_URL: "https://open.feishu.cn/open-apis/bot/v2/hook/test",
        KUMA_TELEGRAM_TOKEN: "1:test", KUMA_TELEGRAM_CHAT_ID: "-100",
        KUMA_NTFY_TOPIC: "relay", KUMA_NTFY_TOKEN: "test-ntfy",
        KUMA_BARK_URL: "https://api.day.app/test",
        KUMA_WEBHOOK_URL: "http://sink/hook", KUMA_WEBHOOK_HEADERS: '{"X-Test":"1"}',
    });
    const config = Object.fromEntries(notifications.map((n) => [n.key, n.config]));
    assert.deepEqual(notifications.map((n) => n.config.type),
        ["smtp", "WeCom", "DingDing", "Feishu", "telegram", "ntfy", "Bark", "webhook"]);
    assert.deepEqual(notifications.find((n) => n.key === "wecom").levels, ["critical", "severe"]);
    assert.deepEqual(notifications.find((n) => n.key === "bark").levels, levels);
    assert.equal(config.smtp.smtpSecure, true);
    assert.equal(config.wecom.weComBotKey, "test-wecom");
    assert.equal(config.dingtalk.secretKey, "", "Kuma signs with it in any case: undefined would throw there");
    assert.equal(config.dingtalk.mentioning, "everyone");
    assert.equal(config.ntfy.ntfyAuthenticationMethod, "accessToken");
    assert.equal(config.bark.barkGroup, "One%20API");
    assert.equal(config.webhook.webhookAdditionalHeaders, '{"X-Test":"1"}');
});
