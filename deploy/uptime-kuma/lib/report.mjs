/** Report says what was done, a line each, and counts it. */
export class Report {
    changes = 0;
    #print;

    /** @param {(line: string) => void} print */
    constructor(print) {
        this.#print = print;
    }

    did(line) {
        this.changes++;
        this.#print(line);
    }

    note(line) {
        this.#print(line);
    }

    end() {
        this.#print(this.changes === 0 ? "nothing to change" : `done: ${this.changes} changes`);
    }
}
