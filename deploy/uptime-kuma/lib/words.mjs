// What people read on their phones, in English and Chinese. A monitor's name is the first thing in every message, so it says
// the level or the channel, and the limit; its description says what to do (the monitoring guide's advice).

const english = {
    levels: { warning: "warning", critical: "critical", severe: "severe", channel: "channel", health: "health" },
    health: (name) => `${name} health`,
    goroutines: (name, level, limit) => `${name} ${level}: goroutines > ${limit}`,
    unexplained: (name, level, limit) => `${name} ${level}: unexplained goroutines > ${limit}`,
    memory: (name, level, limit) => `${name} ${level}: memory > ${limit} MB`,
    channel: (name, channel) => `${name} channel ${channel}`,
    unwatched: (name) => `${name} channels without a monitor`,
    collector: (name) => `${name} telemetry collector`,
    advice: {
        health: "The relay does not answer, or is stopping. See that the container runs, and its logs.",
        warning: "More goroutines than usual. Keep watching; look which channel holds most: GET /api/monitor/channels.",
        critical:
            "Check at once and be ready to restart. GET /api/monitor/goroutines says which channel holds them; consider disabling that channel for a while.",
        severe: "A leak, most likely. Save GET /api/monitor/goroutines, then restart the relay at once.",
        unexplained: "Goroutines that no connection and no call accounts for: a slow leak, long before any limit. Save GET /api/monitor/goroutines.",
        memoryWarning: "Check for a leak: does memory still grow while the load does not?",
        memoryCritical: "Consider a restart. Save /debug/pprof/heap before it.",
        channel: (channel) =>
            `This upstream fails, refuses a key, or keeps a call open for too long. Details: GET /api/monitor/channels/${channel}. To take it out: POST /api/channel/${channel}/disable.`,
        unwatched: "The configuration has channels that no monitor watches yet. Run the provisioning again.",
        collector: "The OpenTelemetry Collector does not answer: metrics and traces are delayed or lost. Calls are not affected.",
    },
    reasons: {
        ok: "OK",
        notAChannel: "not a channel's state",
        cooling: "passed over",
        failures: "failures in a row:",
        refused: "refused keys:",
        open: "seconds that the oldest call is open:",
        last: "last:",
    },
    sections: { relay: "Relay", channels: "Channels" },
    about: "Up means below its limit. Goroutines: 2000 warning, 5000 critical, 10000 severe.",
};

const chinese = {
    levels: { warning: "警告", critical: "紧急", severe: "严重", channel: "渠道", health: "健康" },
    health: (name) => `${name} 健康检查`,
    goroutines: (name, level, limit) => `${name} ${level}：goroutine 数量 > ${limit}`,
    unexplained: (name, level, limit) => `${name} ${level}：来历不明的 goroutine > ${limit}`,
    memory: (name, level, limit) => `${name} ${level}：内存 > ${limit} MB`,
    channel: (name, channel) => `${name} 渠道 ${channel}`,
    unwatched: (name) => `${name} 未监控的渠道`,
    collector: (name) => `${name} 遥测采集器`,
    advice: {
        health: "中继没有响应，或正在停止。请检查容器是否在运行，并查看日志。",
        warning: "goroutine 比平时多。继续观察；用 GET /api/monitor/channels 查看哪个渠道占用最多。",
        critical: "立即检查，准备重启。GET /api/monitor/goroutines 会指出占用最多的渠道；可以临时禁用该渠道。",
        severe: "很可能有泄漏。先保存 GET /api/monitor/goroutines 的结果，然后立即重启服务。",
        unexplained: "没有任何连接或请求能解释的 goroutine：缓慢泄漏的早期迹象。请保存 GET /api/monitor/goroutines 的结果。",
        memoryWarning: "检查是否有内存泄漏：负载没有增加时内存还在增长吗？",
        memoryCritical: "考虑重启。重启前先保存 /debug/pprof/heap。",
        channel: (channel) =>
            `该上游失败、拒绝密钥，或有请求长时间未结束。详情：GET /api/monitor/channels/${channel}。临时停用：POST /api/channel/${channel}/disable。`,
        unwatched: "配置中有还没有监控的渠道。请重新运行一次配置容器。",
        collector: "OpenTelemetry 采集器没有响应：指标和链路追踪会延迟或丢失，请求不受影响。",
    },
    reasons: {
        ok: "正常",
        notAChannel: "不是渠道状态",
        cooling: "已被跳过",
        failures: "连续失败次数：",
        refused: "被拒绝的密钥：",
        open: "最老请求时长（秒）：",
        last: "最近一次：",
    },
    sections: { relay: "中继", channels: "渠道" },
    about: "正常表示低于阈值。goroutine：2000 警告，5000 紧急，10000 严重。",
};

/** @param {"en" | "zh"} language */
export const wordsFor = (language) => (language === "zh" ? chinese : english);
