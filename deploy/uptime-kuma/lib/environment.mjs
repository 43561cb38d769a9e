// Typed access to environment variables. What is wrong is collected, so that all of it is reported at once.

import { readFileSync } from "node:fs";

/** Environment reads variables, or the files that NAME_FILE names (a Docker secret) where NAME is unset. Empty is unset. */
export class Environment {
    problems = [];
    #variables;
    #asked = new Set();

    /** @param {Record<string, string | undefined>} variables process.env, or a test's */
    constructor(variables) {
        this.#variables = variables;
    }

    /** @returns {string} the value without surrounding white space, or otherwise */
    text(name, otherwise = "") {
        this.#asked.add(name).add(`${name}_FILE`);
        const value = this.#variables[name]?.trim();
        if (value) {
            return value;
        }
        const file = this.#variables[`${name}_FILE`]?.trim();
        if (!file) {
            return otherwise;
        }
        try {
            return readFileSync(file, "utf8").trim() || otherwise;
        } catch (error) {
            this.problems.push(`${name}_FILE cannot be read (${error.code})`);
            return otherwise;
        }
    }

    /** @returns {boolean} whether the variable is there but empty, which may switch something off */
    isEmpty(name) {
        this.#asked.add(name);
        return this.#variables[name]?.trim() === "" && !this.#variables[`${name}_FILE`]?.trim();
    }

    /** @returns {number} a whole number from min on */
    whole(name, otherwise, min = 0) {
        const text = this.text(name, String(otherwise));
        if (!/^\d{1,9}$/.test(text) || Number(text) < min) {
            this.problems.push(`${name} must be a whole number from ${min} on, not "${text}"`);
            return otherwise;
        }
        return Number(text);
    }

    /** @returns {boolean} */
    flag(name, otherwise) {
        return this.choice(name, otherwise ? "true" : "false", ["true", "false"]) === "true";
    }

    /** @returns {string} one of choices */
    choice(name, otherwise, choices) {
        const text = this.text(name, otherwise).toLowerCase();
        if (!choices.includes(text)) {
            this.problems.push(`${name} must be ${choices.join(" or ")}, not "${text}"`);
            return otherwise;
        }
        return text;
    }

    /** @returns {string[]} a comma-separated list, each item one of choices if there are any */
    list(name, otherwise, choices) {
        const items = this.text(name, otherwise.join(","))
            .split(",")
            .map((item) => item.trim())
            .filter(Boolean);
        const strangers = choices ? items.filter((item) => !choices.includes(item)) : [];
        if (strangers.length > 0) {
            this.problems.push(`${name} must be of ${choices.join(", ")}, not "${strangers.join(", ")}"`);
            return otherwise;
        }
        return items;
    }

    /** @returns {string} an http(s) URL without a trailing slash; the message never repeats it, for it may hold a secret */
    url(name, otherwise = "") {
        const text = this.text(name, otherwise);
        if (text && !(/^https?:\/\//.test(text) && URL.canParse(text))) {
            this.problems.push(`${name} must be a URL that begins with http:// or https://`);
            return otherwise;
        }
        return text.replace(/\/+$/, "");
    }

    /** @returns {string[]} variables of the given prefix that nothing has asked for: a slip of the pen, most likely */
    unknown(prefix) {
        return Object.keys(this.#variables)
            .filter((name) => name.startsWith(prefix) && !this.#asked.has(name))
            .sort();
    }
}
