// How the monitors that we made are recognised, whatever they have been renamed to.

// The column of gRPC metadata: no monitor of ours uses gRPC, Kuma keeps the column through edits in its interface, shows it
// nowhere and sends it in no notification, and it is written in the same step that makes the monitor. A tag has none of that: a run
// that is interrupted between a monitor and its tag would make the monitor a second time.
export const column = "grpcMetadata";

/**
 * @typedef {object} Marker
 * @property {string} provisioner whose monitor it is: KUMA_ID
 * @property {string} key which one it is
 * @property {Record<string, string>} applied fingerprints of the fields as last put there
 * @property {string[]} links keys of the notifications as last linked
 * @property {string} [tag] name of the tag as last given
 * @property {boolean} [paused] by us, because its channel had left the configuration
 */

/** @returns {Marker | null} null: the monitor is not ours */
export function readMarker(monitor, id) {
    try {
        const marker = JSON.parse(monitor[column]);
        return marker?.provisioner === id && typeof marker.key === "string" ? { applied: {}, links: [], ...marker } : null;
    } catch {
        return null;
    }
}

/** @param {Marker} marker */
export const writeMarker = (marker) => JSON.stringify(marker);
