const colours = { warning: "#d97706", critical: "#ea580c", severe: "#b91c1c", channel: "#2563eb", health: "#059669" };

/** Tags shows levels in Kuma's lists. Kuma knows a tag by its id and allows several of one name, so it is asked first. */
export class Tags {
    #kuma;
    #ids;
    #uses = new Map(); // how many monitors have a tag, by its id
    #taken = new Set(); // ids of tags that were taken off a monitor

    /** @param {object[]} monitors all that Kuma has */
    constructor(kuma, monitors) {
        this.#kuma = kuma;
        monitors.flatMap((monitor) => monitor.tags ?? []).forEach(({ tag_id: id }) => this.#uses.set(id, (this.#uses.get(id) ?? 0) + 1));
    }

    /** Gives a monitor the tag of that name, in the colour of the level. */
    async give(monitor, name, level) {
        this.#ids ??= new Map((await this.#kuma.call("getTags")).tags.map((tag) => [tag.name, tag.id]));
        if (!this.#ids.has(name)) {
            const { tag } = await this.#kuma.call("addTag", { name, color: colours[level] });
            this.#ids.set(name, tag.id);
        }
        const id = this.#ids.get(name);
        await this.#kuma.call("addMonitorTag", id, monitor, "");
        this.#uses.set(id, (this.#uses.get(id) ?? 0) + 1);
    }

    /** Takes a tag off a monitor: the level has another name, in another language. */
    async take(monitor, { tag_id: id, value }) {
        await this.#kuma.call("deleteMonitorTag", id, monitor, value);
        this.#uses.set(id, (this.#uses.get(id) ?? 0) - 1);
        this.#taken.add(id);
    }

    /** Deletes what was taken off and is on no monitor any more. */
    async sweep() {
        for (const id of this.#taken) {
            if (this.#uses.get(id) <= 0) {
                await this.#kuma.call("deleteTag", id);
            }
        }
    }
}
