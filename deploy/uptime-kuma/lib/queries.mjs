// The JSONata that Kuma evaluates. Each says OK or what is wrong: what it gives is what the message quotes, as "comparing failures in
// a row: 5, last: upstream_status 500 contains OK". An answer that is not what it should be is never OK.

const quoted = (text) => JSON.stringify(text);

/**
 * What is wrong with the channel of GET /api/monitor/channels/:name, or OK and its state. No reason contains the word OK (which is
 * not lower case because of first_token_timeout). A channel that the operator has disabled is OK: somebody knows.
 * Cooling is short (5 s to a minute), so failures in a row count too, and they stay until a call succeeds. A key that is
 * refused counts, one that is merely limited does not, unless there is no other (then the channel is cooling).
 * @param {object} reasons words.reasons
 * @param {{failures: number, oldest: number}} limits failures in a row, and seconds that the oldest call may be open (0: any)
 */
export function channelQuery(reasons, { failures, oldest }) {
    const wrongs = [
        `state = "cooling" ? ${quoted(reasons.cooling)}`,
        `consecutive_failures >= ${failures} ? ${quoted(`${reasons.failures} `)} & consecutive_failures`,
        `keys.refused > 0 ? ${quoted(`${reasons.refused} `)} & keys.refused`,
    ];
    if (oldest > 0) {
        wrongs.push(`oldest_in_flight_seconds > ${oldest} ? ${quoted(`${reasons.open} `)} & $round(oldest_in_flight_seconds)`);
    }
    return [
        `( $wrong := $join([${wrongs.join(", ")}], ", ");`,
        `  $last := last_failure.outcome ? ${quoted(`, ${reasons.last} `)} & last_failure.outcome & (last_failure.status ? " " & last_failure.status);`,
        `  $not(state in ["healthy", "degraded", "cooling", "disabled"]) ? ${quoted(reasons.notAChannel)}`,
        `  : state = "disabled" or $wrong = "" ? ${quoted(`${reasons.ok}, `)} & state : $wrong & $last )`,
    ].join("\n");
}

/**
 * The channels of GET /api/monitor/channels that are not among the known ones, by name.
 * @param {object} reasons words.reasons
 * @param {string[]} known
 */
export function unwatchedQuery(reasons, known) {
    return [
        `( $unwatched := $join([$.name[$not($ in ${JSON.stringify(known)})]], ", ");`,
        `  $not($exists($.name)) ? ${quoted(reasons.notAChannel)} : $unwatched = "" ? ${quoted(reasons.ok)} : $unwatched )`,
    ].join("\n");
}
