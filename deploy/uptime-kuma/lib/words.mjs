// What people read on their phones, in English and Chinese. A monitor's name is the first thing in every message and in every list, where
// a phone shows little more than its first letters: so these differ, say the level or the channel, and the relay's name comes last. (It is
// there at all for whoever watches several, and for robots that ask for a keyword.) A description says what to do: the monitoring
// guide's advice.

const titled = (title, name) => `${title} · ${name}`;
const capital = (word) => word[0].toUpperCase() + word.slice(1);

const english = {
    levels: { warning: "warning", critical: "critical", severe: "severe", channel: "channel", health: "health" },
    colon: ": ",
    of: " of ",
    health: (name) => titled("Health", name),
    goroutines: (name, level, limit) => titled(`${capital(level)}: goroutines > ${limit}`, name),
    unexplained: (name, level, limit) => titled(`Unexplained goroutines > ${limit} (${level})`, name),
    memory: (name, level, limit) => titled(`Memory > ${limit} MB (${level})`, name),
    memoryCritical: (name, level, limit) => titled(`High memory > ${limit} MB (${level})`, name),
    channel: (name, channel) => titled(`${channel} (channel)`, name),
    outage: (name) => titled("Most channels fail at once", name),
    unwatched: (name) => titled("New channels without a monitor", name),
    collector: (name) => titled("Telemetry collector", name),
    ledger: (name, level) => titled(`Ledger (${level})`, name),
    figures: { goroutines: ["", " goroutines"], unexplained: ["", " unexplained goroutines"], memory: ["memory ", " MB"] },
    idle: [", idle clients among them: ", ""],
    busiest: ["; busiest channel: ", " (in flight: ", ", oldest: ", " s)"],
    advice: {
        health: "The relay does not answer, or is stopping. See that the container runs, and its logs.",
        warning: "More goroutines than usual, idle clients not counted. Keep watching; look which channel holds most: GET /api/monitor/channels.",
        critical:
            "Check at once and be ready to restart. GET /api/monitor/goroutines says which channel holds them; consider disabling that channel for a while.",
        severe: "A leak, most likely. Save GET /api/monitor/goroutines, then restart the relay at once.",
        ledger:
            "What is spent cannot be written down as it should. Calls go on, and nothing is lost while there is room on disk. The relay's log says why the database does not take it; runbook: LedgerSpilling, LedgerLosing, LedgerUnbalanced.",
        unexplained: "Goroutines that no connection and no call accounts for: a slow leak, long before any limit. Save GET /api/monitor/goroutines.",
        memoryWarning: "Check for a leak: does memory still grow while the load does not?",
        memoryCritical: "Consider a restart. Save /debug/pprof/heap before it.",
        channel: (channel) =>
            `This upstream fails, refuses a key, or keeps a call open for too long. Details: GET /api/monitor/channels/${channel}. To take it out: POST /api/channel/${channel}/disable.`,
        outage:
            "More than half of the channels fail, so look at what they share first: the network, DNS, the proxy. Their own monitors are pending meanwhile, and alert of what is left afterwards.",
        unwatched: "The configuration has channels that no monitor watches yet. Run the provisioning again.",
        collector: "The OpenTelemetry Collector does not answer: metrics and traces are delayed or lost. Calls are not affected.",
    },
    reasons: {
        ok: "OK",
        okInName: "O.K.",
        draining: "draining: it stops and takes no new calls",
        noHealth: "no health answer of One API",
        noChannels: "no list of channels",
        mayNotLook: "the monitors may not look:",
        gone: "not in the configuration any more",
        oneOfMany: "it fails, and so do most channels",
        cooling: "passed over",
        failures: "failures in a row:",
        fruitless: "no success lately",
        hanging: "calls that hang:",
        left: "calls in a row that clients left without an answer:",
        refused: "refused keys:",
        open: "seconds that the oldest call is open:",
        noLedger: "nothing is remembered (SQL_DSN=off)",
        written: "all is written down",
        waits: ["rows that the database has not taken: ", ", for ", " s"],
        lost: "rows lost: ",
        differs: "the books differ by ",
        last: "last:",
    },
    sections: { relay: "Relay", channels: "Channels" },
    about: "Up means below its limit. Goroutines: 2000 warning, 5000 critical, 10000 severe; idle clients are not counted.",
};

const chinese = {
    levels: { warning: "警告", critical: "紧急", severe: "严重", channel: "渠道", health: "健康" },
    colon: "：",
    of: " / ",
    health: (name) => titled("健康检查", name),
    goroutines: (name, level, limit) => titled(`${level}：goroutine 数量 > ${limit}`, name),
    unexplained: (name, level, limit) => titled(`来历不明的 goroutine > ${limit}（${level}）`, name),
    memory: (name, level, limit) => titled(`内存 > ${limit} MB（${level}）`, name),
    memoryCritical: (name, level, limit) => titled(`大量内存 > ${limit} MB（${level}）`, name),
    channel: (name, channel) => titled(`${channel}（渠道）`, name),
    outage: (name) => titled("多数渠道同时故障", name),
    unwatched: (name) => titled("未监控的新渠道", name),
    collector: (name) => titled("遥测采集器", name),
    ledger: (name, level) => titled(`账本（${level}）`, name),
    figures: { goroutines: ["goroutine 数量 ", ""], unexplained: ["来历不明的 goroutine ", ""], memory: ["内存 ", " MB"] },
    idle: ["，其中空闲客户端 ", ""],
    busiest: ["；最忙的渠道：", "（进行中 ", "，最老 ", " 秒）"],
    advice: {
        health: "中继没有响应，或正在停止。请检查容器是否在运行，并查看日志。",
        warning: "goroutine 比平时多（不含空闲客户端）。继续观察；用 GET /api/monitor/channels 查看哪个渠道占用最多。",
        critical: "立即检查，准备重启。GET /api/monitor/goroutines 会指出占用最多的渠道；可以临时禁用该渠道。",
        severe: "很可能有泄漏。先保存 GET /api/monitor/goroutines 的结果，然后立即重启服务。",
        ledger: "花费没有照常写入账本。请求不受影响，磁盘有空间时也不会丢失。中继的日志会说明数据库为何不接受；见运维手册 LedgerSpilling、LedgerLosing、LedgerUnbalanced。",
        unexplained: "没有任何连接或请求能解释的 goroutine：缓慢泄漏的早期迹象。请保存 GET /api/monitor/goroutines 的结果。",
        memoryWarning: "检查是否有内存泄漏：负载没有增加时内存还在增长吗？",
        memoryCritical: "考虑重启。重启前先保存 /debug/pprof/heap。",
        channel: (channel) =>
            `该上游失败、拒绝密钥，或有请求长时间未结束。详情：GET /api/monitor/channels/${channel}。临时停用：POST /api/channel/${channel}/disable。`,
        outage: "一半以上的渠道同时故障，请先检查它们共用的部分：网络、DNS、代理。期间各渠道的监控项显示为等待中，恢复后仍有问题的会单独告警。",
        unwatched: "配置中有还没有监控的渠道。请重新运行一次配置容器。",
        collector: "OpenTelemetry 采集器没有响应：指标和链路追踪会延迟或丢失，请求不受影响。",
    },
    reasons: {
        ok: "正常",
        okInName: "正·常",
        draining: "正在停机，不再接受新请求",
        noHealth: "不是 One API 的健康检查结果",
        noChannels: "不是渠道列表",
        mayNotLook: "监控没有查看权限：",
        gone: "已不在配置中",
        oneOfMany: "故障，多数渠道也同时故障",
        cooling: "已被跳过",
        failures: "连续失败次数：",
        fruitless: "最近没有成功",
        hanging: "卡住的请求数：",
        left: "连续被客户端放弃、没有任何内容的请求数：",
        refused: "被拒绝的密钥：",
        open: "最老请求时长（秒）：",
        noLedger: "不记账（SQL_DSN=off）",
        written: "全部已入账",
        waits: ["数据库未接受的行数：", "，已等待 ", " 秒"],
        lost: "丢失的行数：",
        differs: "账目相差：",
        last: "最近一次：",
    },
    sections: { relay: "中继", channels: "渠道" },
    about: "正常表示低于阈值。goroutine：2000 警告，5000 紧急，10000 严重；不含空闲客户端。",
};

/** @param {"en" | "zh"} language */
export const wordsFor = (language) => (language === "zh" ? chinese : english);

// Texts that this program has put on a status page in any language or version. Kuma has no place to remember there what was put where, so
// a text that is one of these is taken for ours, and any other for the operator's.
export const everAbout = new Set([
    english.about, chinese.about,
    "Up means below its limit. Goroutines: 2000 warning, 5000 critical, 10000 severe.",
    "正常表示低于阈值。goroutine：2000 警告，5000 紧急，10000 严重。",
]);

/** @returns {"relay" | "channels" | undefined} the section that a name stands for, in any language */
export const sectionCalled = (name) =>
    ["relay", "channels"].find((section) => [english, chinese].some((words) => words.sections[section] === name));
