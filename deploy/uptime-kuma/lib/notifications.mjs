// Which notifications are wanted, as Uptime Kuma's own notification configurations. Fields and their traps were read in and
// tried against Uptime Kuma 2.5.3 (server/notification-providers).

// Where a provider takes a template, a message that something is down also says what to do about it.
const body =
    "{{ msg }}{% if heartbeatJSON.status == 0 and monitorJSON.description %}\n\n{{ monitorJSON.description }}{% endif %}";

/** Each kind: what it is called, its variables by role, and its configuration in Kuma. `needs` go together or not at all. */
const kinds = [
    {
        key: "smtp",
        title: { en: "E-mail", zh: "邮件" },
        prefix: "KUMA_SMTP",
        needs: ["HOST", "FROM", "TO"],
        may: ["PORT", "SECURE", "USER", "PASSWORD", "STARTTLS", "IGNORE_TLS_ERRORS"],
        config(env) {
            const port = env.whole("KUMA_SMTP_PORT", 587, 1);
            const user = env.text("KUMA_SMTP_USER");
            const password = env.text("KUMA_SMTP_PASSWORD");
            together(env, { KUMA_SMTP_USER: user, KUMA_SMTP_PASSWORD: password });
            return {
                type: "smtp",
                smtpHost: env.text("KUMA_SMTP_HOST"),
                smtpPort: port,
                smtpSecure: env.flag("KUMA_SMTP_SECURE", port === 465),
                smtpIgnoreSTARTTLS: !env.flag("KUMA_SMTP_STARTTLS", true),
                smtpIgnoreTLSError: env.flag("KUMA_SMTP_IGNORE_TLS_ERRORS", false),
                smtpUsername: user,
                smtpPassword: password,
                smtpFrom: env.text("KUMA_SMTP_FROM"),
                smtpTo: env.text("KUMA_SMTP_TO"),
                customSubject: "{{ msg }}",
                customBody: `${body}\n\n{{ heartbeatJSON.localDateTime }} {{ heartbeatJSON.timezone }}`,
            };
        },
    },
    {
        key: "wecom",
        title: { en: "WeCom", zh: "企业微信" },
        prefix: "KUMA_WECOM",
        needs: ["KEY"],
        may: ["MENTION"],
        config(env) {
            const key = env.text("KUMA_WECOM_KEY");
            return {
                type: "WeCom",
                // People have the whole address of the robot at hand; Kuma wants its last part.
                weComBotKey: /[?&]key=([^&]+)/.exec(key)?.[1] ?? key,
                weComMentionedMobileList: env.text("KUMA_WECOM_MENTION"),
            };
        },
    },
    {
        key: "dingtalk",
        title: { en: "DingTalk", zh: "钉钉" },
        prefix: "KUMA_DINGTALK",
        needs: ["URL"],
        may: ["SECRET", "MENTION"],
        config(env) {
            const url = env.url("KUMA_DINGTALK_URL");
            if (url && !url.includes("?access_token=")) {
                env.problems.push("KUMA_DINGTALK_URL must have ?access_token=");
            }
            const mention = env.list("KUMA_DINGTALK_MENTION", []);
            const everyone = mention.includes("everyone");
            return {
                type: "DingDing",
                webHookUrl: url,
                secretKey: env.text("KUMA_DINGTALK_SECRET"), // "" and not absent: Kuma signs in any case
                mentioning: everyone ? "everyone" : mention.length > 0 ? "specify-mobiles" : "nobody",
                mobileList: everyone ? [] : mention,
                userList: [],
            };
        },
    },
    {
        key: "feishu",
        title: { en: "Feishu", zh: "飞书" },
        prefix: "KUMA_FEISHU",
        needs: ["URL"],
        may: [],
        config: (env) => ({ type: "Feishu", feishuWebHookUrl: env.url("KUMA_FEISHU_URL") }),
    },
    {
        key: "telegram",
        title: { en: "Telegram", zh: "Telegram" },
        prefix: "KUMA_TELEGRAM",
        needs: ["TOKEN", "CHAT_ID"],
        may: ["THREAD_ID", "SERVER_URL"],
        config: (env) => ({
            type: "telegram",
            telegramBotToken: env.text("KUMA_TELEGRAM_TOKEN"),
            telegramChatID: env.text("KUMA_TELEGRAM_CHAT_ID"),
            telegramMessageThreadID: env.text("KUMA_TELEGRAM_THREAD_ID"),
            telegramServerUrl: env.url("KUMA_TELEGRAM_SERVER_URL", "https://api.telegram.org"),
            telegramSendSilently: false,
            telegramProtectContent: false,
            telegramUseTemplate: true,
            telegramTemplateParseMode: "plain",
            telegramTemplate: body,
        }),
    },
    {
        key: "ntfy",
        title: { en: "ntfy", zh: "ntfy" },
        prefix: "KUMA_NTFY",
        needs: ["TOPIC"],
        may: ["URL", "TOKEN", "USER", "PASSWORD", "PRIORITY"],
        config(env) {
            const token = env.text("KUMA_NTFY_TOKEN");
            const user = env.text("KUMA_NTFY_USER");
            const password = env.text("KUMA_NTFY_PASSWORD");
            together(env, { KUMA_NTFY_USER: user, KUMA_NTFY_PASSWORD: password });
            const priority = env.whole("KUMA_NTFY_PRIORITY", 4, 1);
            if (priority > 5) {
                env.problems.push("KUMA_NTFY_PRIORITY must be 1 to 5");
            }
            return {
                type: "ntfy",
                ntfyserverurl: env.url("KUMA_NTFY_URL", "https://ntfy.sh"),
                ntfytopic: env.text("KUMA_NTFY_TOPIC"),
                ntfyPriority: priority,
                ntfyPriorityDown: 5,
                ntfyAuthenticationMethod: token ? "accessToken" : user ? "usernamePassword" : "none",
                ntfyaccesstoken: token,
                ntfyusername: user,
                ntfypassword: password,
                ntfyUseTemplate: true,
                ntfyCustomTitle: "{{ name }} {{ status }}",
                ntfyCustomMessage: body,
            };
        },
    },
    {
        key: "bark",
        title: { en: "Bark", zh: "Bark" },
        prefix: "KUMA_BARK",
        needs: ["URL"],
        may: ["GROUP", "SOUND"],
        config: (env, settings) => ({
            type: "Bark",
            apiVersion: "v1",
            barkEndpoint: env.url("KUMA_BARK_URL"),
            barkGroup: encodeURIComponent(env.text("KUMA_BARK_GROUP", settings.name)), // Kuma puts it into a query as it is
            barkSound: env.text("KUMA_BARK_SOUND", "telegraph"),
        }),
    },
    {
        key: "webhook",
        title: { en: "Webhook", zh: "Webhook" },
        prefix: "KUMA_WEBHOOK",
        needs: ["URL"],
        may: ["HEADERS"],
        config(env) {
            const headers = env.text("KUMA_WEBHOOK_HEADERS");
            if (headers && !isObject(headers)) {
                env.problems.push('KUMA_WEBHOOK_HEADERS must be a JSON object such as {"Authorization":"Bearer …"}');
            }
            return {
                type: "webhook",
                webhookURL: env.text("KUMA_WEBHOOK_URL") && env.url("KUMA_WEBHOOK_URL"),
                httpMethod: "post",
                webhookContentType: "json",
                ...(headers ? { webhookAdditionalHeaders: headers } : {}),
            };
        },
    },
];

/**
 * @param {Environment} env
 * @param {{name: string, language: "en" | "zh"}} settings
 * @param {string[]} levels all levels; a kind's *_LEVELS chooses among them
 * @returns {{key: string, levels: string[], config: object}[]}
 */
export function wantedNotifications(env, settings, levels) {
    const wanted = [];
    for (const kind of kinds) {
        const given = (role) => env.text(`${kind.prefix}_${role}`) !== "";
        const routed = env.list(`${kind.prefix}_LEVELS`, levels, levels);
        const set = [...kind.needs, ...kind.may].filter(given);
        const missing = kind.needs.filter((role) => !given(role)).map((role) => `${kind.prefix}_${role}`);
        if (set.length === 0) {
            continue;
        }
        if (missing.length > 0) {
            env.problems.push(`${missing.join(" and ")} must be set because ${kind.prefix}_${set[0]} is`);
            continue;
        }
        const name = `${settings.name} · ${kind.title[settings.language]}`;
        wanted.push({ key: kind.key, levels: routed, config: { ...kind.config(env, settings), name, isDefault: false } });
    }
    return wanted;
}

function together(env, values) {
    const missing = Object.keys(values).filter((name) => !values[name]);
    if (missing.length === 1) {
        const other = Object.keys(values).find((name) => values[name]);
        env.problems.push(`${missing[0]} must be set because ${other} is`);
    }
}

function isObject(text) {
    try {
        const value = JSON.parse(text);
        return typeof value === "object" && value !== null && !Array.isArray(value);
    } catch {
        return false;
    }
}
