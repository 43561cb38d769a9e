import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { channelQuery } from "../lib/queries.mjs";
import { readSettings } from "../lib/settings.mjs";
import { wordsFor } from "../lib/words.mjs";

const [english, chinese] = readFileSync(new URL("../README.md", import.meta.url), "utf8").split("\n# 中文\n");

test("the page explains every variable, in both languages", () => {
    const asked = new Set();
    const variables = new Proxy({ KUMA_ADMIN_PASSWORD: "test-password-1" }, { get: (target, name) => (asked.add(name), target[name]) });
    readSettings(variables);
    const whole = { KUMA_SMTP_HOST: "h", KUMA_SMTP_FROM: "f", KUMA_SMTP_TO: "t", KUMA_NTFY_TOPIC: "n", KUMA_WEBHOOK_URL: "http://w" };
    Object.assign(variables, whole);
    readSettings(variables);
    const names = [...asked].filter((name) => !name.endsWith("_FILE"));
    assert.ok(names.length > 50, String(names.length));
    for (const name of names) {
        assert.ok(english.includes(`\`${name}\``), `${name} in English`);
        assert.ok(chinese.includes(`\`${name}\``) || name.endsWith("_LEVELS"), `${name} in Chinese`);
    }
});

test("the channel's expression to enter by hand is the one that the program enters", () => {
    assert.ok(english.includes(channelQuery(wordsFor("en"), { failures: 3, oldest: 900 }, "NAME")));
});
