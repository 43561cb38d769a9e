const colours = { warning: "#d97706", critical: "#ea580c", severe: "#b91c1c", channel: "#2563eb", health: "#059669" };

/** Tags shows levels in Kuma's lists. Kuma knows a tag by its id and allows several of one name, so it is asked first. */
export class Tags {
    #kuma;
    #ids;

    constructor(kuma) {
        this.#kuma = kuma;
    }

    /** Gives a monitor the tag of that name, in the colour of the level. */
    async give(monitor, name, level) {
        this.#ids ??= new Map((await this.#kuma.call("getTags")).tags.map((tag) => [tag.name, tag.id]));
        if (!this.#ids.has(name)) {
            const { tag } = await this.#kuma.call("addTag", { name, color: colours[level] });
            this.#ids.set(name, tag.id);
        }
        await this.#kuma.call("addMonitorTag", this.#ids.get(name), monitor, "");
    }
}
