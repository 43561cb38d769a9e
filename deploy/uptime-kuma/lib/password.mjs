// A password for those who have not chosen one: made once, kept in a volume, and said in the log where only the operator reads.

import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "./problem.mjs";

/**
 * The password that is kept in a directory; it is made where there is none yet.
 * @param {string} directory a volume of this container's own
 * @returns {{password: string, file: string, made: boolean}}
 * @throws {Problem} where the directory cannot be used
 */
export function keptPassword(directory) {
    const file = join(directory, "admin-password");
    try {
        mkdirSync(directory, { recursive: true });
        try {
            // Letters, digits, - and _: 144 bits. Kuma wants two kinds of characters, so one of each is put in front.
            writeFileSync(file, `k9-${randomBytes(18).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
        } catch (error) {
            if (error.code !== "EEXIST") {
                throw error;
            }
            return { password: readFileSync(file, "utf8").trim(), file, made: false };
        }
        return { password: readFileSync(file, "utf8").trim(), file, made: true };
    } catch (error) {
        throw new Problem(`no password can be kept in KUMA_STATE_DIR (${error.code}); set KUMA_ADMIN_PASSWORD`);
    }
}
