// JSONata expressions that Kuma evaluates over the relay's answers. Kuma puts their result into its message, so they say in words
// what is wrong; a monitor is up while the result contains reasons.ok. Kuma has nothing but its message that reaches every kind of
// notification, so the level, the number and the busiest channel have to be in it.
//
// $error is how a query says that it does not know. Kuma calls that pending, which nobody is alerted of (monitors.mjs), and shows it in
// yellow: the relay is out of reach, which its health tells, or a channel fails together with most others, which one monitor tells.

const quoted = (text) => JSON.stringify(text);

/** A name as it may stand in a text that must not contain the word for "all is well": BOOK-1 has an OK in it. */
const safe = (words, expression) => `$replace(${expression}, ${quoted(words.reasons.ok)}, ${quoted(words.reasons.okInName)})`;

/** The busiest channel, as a text to be appended; "" while nothing is in flight, or if the relay does not say. */
const busiest = (words) => {
    const [before, calls, oldest, after] = words.busiest;
    return `$busiest := busiest.channel ? ${quoted(before)} & ${safe(words, "busiest.channel")} & ${quoted(calls)} & busiest.in_flight & ${quoted(oldest)} & busiest.oldest_seconds & ${quoted(after)} : "";`;
};

/**
 * Whether the relay is well, from GET /api/monitor/health. Its recovery says how things stand.
 * @param {object} words wordsFor(language)
 */
export function healthQuery(words) {
    const [before, after] = words.figures.goroutines;
    return [
        `( ${busiest(words)}`,
        `  status = "ok" ? ${quoted(`${words.reasons.ok}, `)} & level & ", " & ${quoted(before)} & goroutines & ${quoted(after)} & $busiest`,
        `  : status = "draining" ? ${quoted(words.reasons.draining)} : ${quoted(words.reasons.noHealth)} )`,
    ].join("\n");
}

/**
 * Whether a figure of GET /api/monitor/health is at most its limit. An idle client connection has a goroutine and is no trouble, so
 * for goroutines those are taken off before anybody is woken; the number that is said is the whole one.
 * @param {object} words wordsFor(language)
 * @param {object} limit
 * @param {"warning" | "critical" | "severe"} limit.level
 * @param {"goroutines" | "unexplained" | "memory"} limit.figure
 * @param {number} limit.most
 */
export function limitQuery(words, { level, figure, most }) {
    const path = { goroutines: "goroutines", unexplained: "unexplained_goroutines", memory: "memory.alloc_mb" }[figure];
    const [before, after] = words.figures[figure];
    const [idleBefore, idleAfter] = words.idle;
    const says = `${quoted(before)} & $n & ${quoted(after)}`;
    const lines = [
        `( $n := ${path}; ${busiest(words)}`,
        `  $not($type($n) = "number") ? $error(${quoted(words.reasons.noHealth)});`,
    ];
    if (figure === "goroutines") {
        lines.push(
            `  $idle := $type(client_connections.idle) = "number" ? client_connections.idle : 0;`,
            `  $which := $idle > 0 ? ${quoted(idleBefore)} & $idle & ${quoted(idleAfter)} : "";`,
        );
    } else {
        lines.push(`  $idle := 0; $which := "";`);
    }
    lines.push(
        `  $n - $idle <= ${most} ? ${quoted(`${words.reasons.ok}, `)} & ${says} & $which`,
        `  : ${quoted(`${words.levels[level]}${words.colon}`)} & ${says} & " > ${most}" & $which & $busiest )`,
    );
    return lines.join("\n");
}

/**
 * Whether what is spent is written down, from GET /api/monitor/health. A relay that keeps no ledger, or is older than this, has none
 * there, and is well. What was lost is said for a while, since nobody can bring it back; a relay that does not say how long ago that was says
 * it until it is started anew.
 * @param {object} words wordsFor(language)
 * @param {object} limit
 * @param {"warning"} limit.level
 * @param {number} limit.age seconds that rows may wait for the database
 * @param {number} limit.lost seconds that the loss of a row is said for
 */
export function ledgerQuery(words, { level, age, lost }) {
    const { reasons } = words;
    const [before, between, after] = reasons.waits;
    const bad = (expression) => `${quoted(`${words.levels[level]}${words.colon}`)} & ${expression}`;
    return [
        `( $not($type(goroutines) = "number") ? $error(${quoted(reasons.noHealth)});`,
        `  $not($type(ledger) = "object") ? ${quoted(`${reasons.ok}, ${reasons.noLedger}`)}`,
        `  : ledger.balance != 0 ? ${bad(`${quoted(reasons.differs)} & ledger.balance`)}`,
        `  : ledger.lost > 0 and ($exists(ledger.lost_seconds_ago) ? ledger.lost_seconds_ago < ${lost} : true) ? ${bad(`${quoted(reasons.lost)} & ledger.lost`)}`,
        `  : ledger.age_seconds > ${age} ? ${bad(`${quoted(before)} & ledger.queue & ${quoted(between)} & ledger.age_seconds & ${quoted(after)}`)}`,
        `  : ${quoted(`${reasons.ok}, ${reasons.written}`)} )`,
    ].join("\n");
}

/**
 * A function of a channel of GET /api/monitor/channels: what is wrong with it, "" if nothing. A channel that the operator has disabled
 * is well: somebody knows. Cooling is short (5 s to a minute) and over before anybody could look, so only a longer rest counts; failures in a
 * row stay until a call succeeds. Calls that hang, or that clients have left while nothing came, are no failures; as many of them as it takes
 * failures count as well. A key that is refused counts; one that is merely limited does not, unless there is no other.
 */
function wrong(words, { failures, oldest }) {
    const { reasons } = words;
    const wrongs = [
        `$c.state = "cooling" and $c.retry_in_seconds >= 30 ? ${quoted(reasons.cooling)}`,
        `$c.consecutive_failures >= ${failures} ? ${quoted(`${reasons.failures} `)} & $c.consecutive_failures`,
        `$contains($string($c.reason), "attempts succeeded") ? ${quoted(reasons.fruitless)}`,
        `$c.hanging >= ${failures} and $contains($string($c.reason), "calls hang") ? ${quoted(`${reasons.hanging} `)} & $c.hanging & " (" & $c.silent_seconds & " s)"`,
        `$c.left_in_a_row >= ${failures} ? ${quoted(`${reasons.left} `)} & $c.left_in_a_row`,
        `$c.keys.refused > 0 ? ${quoted(`${reasons.refused} `)} & $c.keys.refused`,
    ];
    if (oldest > 0) {
        wrongs.push(`$c.oldest_in_flight_seconds > ${oldest} ? ${quoted(`${reasons.open} `)} & $round($c.oldest_in_flight_seconds)`);
    }
    return [
        `$wrong := function($c) { ( $w := $c.state = "disabled" ? "" : $join([${wrongs.join(", ")}], ", ");`,
        `    $w = "" ? "" : $w & ($c.last_failure.outcome ? ${quoted(`, ${reasons.last} `)} & $c.last_failure.outcome & ($c.last_failure.status ? " " & $c.last_failure.status)) ) };`,
    ].join("\n");
}

// More than half of the channels that are switched on, and at least two: then it is one outage, and no longer a matter of channels.
const common = [
    `  $failing := $[$wrong($) != ""]; $on := $[state != "disabled"];`,
    `  $common := $count($failing) > 1 and 2 * $count($failing) > $count($on);`,
].join("\n");

const isList = `$type($) = "array" and $count($[$exists(name)]) > 0`;

/**
 * What is wrong with one channel of GET /api/monitor/channels, or OK and its state. No reason contains the word OK (which is not lower
 * case because of first_token_timeout). In an outage of most channels it does not know: the monitor of outageQuery speaks then.
 * @param {object} words wordsFor(language)
 * @param {{failures: number, oldest: number}} limits failures in a row, and seconds that the oldest call may be open (0: any)
 * @param {string} name the channel's
 */
export function channelQuery(words, limits, name) {
    const { reasons } = words;
    return [
        `( ${wrong(words, limits)}`,
        `  $not(${isList}) ? $error(${quoted(reasons.noChannels)});`,
        common,
        `  $me := $[name = ${quoted(name)}][0]; $w := $wrong($me);`,
        `  $not($exists($me)) ? ${quoted(`${reasons.ok}, ${reasons.gone}`)} : $w = "" ? ${quoted(`${reasons.ok}, `)} & $me.state`,
        `  : $common ? $error(${quoted(reasons.oneOfMany)}) : $w )`,
    ].join("\n");
}

/**
 * Whether most channels fail at once, and which and why; also that the relay does not let the monitors look, which would blind all of them.
 * @param {object} words wordsFor(language)
 * @param {{failures: number, oldest: number}} limits
 */
export function outageQuery(words, limits) {
    const { reasons } = words;
    return [
        `( ${wrong(words, limits)}`,
        `  $type($) = "object" and success = false ? ${quoted(`${reasons.mayNotLook} `)} & ${safe(words, "message")} : ( `,
        `  $not(${isList}) ? $error(${quoted(reasons.noChannels)});`,
        common,
        `  $not($common) ? ${quoted(reasons.ok)}`,
        `  : $count($failing) & ${quoted(words.of)} & $count($on) & ${quoted(words.colon)} & $join($map($failing, function($c) { ${safe(words, "$c.name")} & " (" & $wrong($c) & ")" }), ", ") ) )`,
    ].join("\n");
}

/**
 * The channels of GET /api/monitor/channels that are not among the known ones, by name.
 * @param {object} words wordsFor(language)
 * @param {string[]} known
 */
export function unwatchedQuery({ reasons }, known) {
    return [
        `( $not(${isList}) ? $error(${quoted(reasons.noChannels)});`,
        `  $unwatched := $join([$.name[$not($ in ${JSON.stringify(known)})]], ", ");`,
        `  $unwatched = "" ? ${quoted(reasons.ok)} : $unwatched )`,
    ].join("\n");
}
