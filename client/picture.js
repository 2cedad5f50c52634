// What a newcomer needs to be told: the newest comments, the pins, how the video stands.

/** @typedef {import("./model.js").Comment} Comment */
/** @typedef {{comments: Comment[], pins: Comment[], welcome: Record<string, any>}} Whole */

const NEWEST = 200;

export class Picture {
  /** @type {Comment[]} */
  comments = [];
  /** @type {Comment[]} */
  pins = [];
  /** @type {Record<string, any>} the video's state, its start and end, viewers, settings */
  welcome = {};

  /** @returns {Whole} */
  get all() {
    const { comments, pins, welcome } = this;
    return { comments, pins, welcome };
  }

  /** @param {import("./model.js").Happening} event */
  apply({ name, data }) {
    const without = (/** @type {Comment[]} */ list) => list.filter(({ id }) => id !== data.id);
    if (name === "reset") this.comments = [];
    if (name === "welcome" || name === "reset") {
      this.welcome = { ...this.welcome, ...data };
      this.pins = data.pins ?? [];
    } else if (name === "start" || name === "end") {
      this.welcome = { ...this.welcome, ...data, state: name === "end" ? "ended" : "live" };
    } else if (name === "settings") this.welcome = { ...this.welcome, settings: data };
    else if (name === "comments") {
      const known = new Set(this.comments.map(({ id }) => id));
      this.comments = [...this.comments, ...data.filter((/** @type {Comment} */ { id }) => !known.has(id))].slice(-NEWEST);
    }
    else if (name === "comment_deleted" || name === "comment_hidden") {
      this.comments = without(this.comments);
      this.pins = without(this.pins);
    } else if (name === "comment_restored") {
      const all = [...without(this.comments), data];
      this.comments = all.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(-NEWEST);
    } else if (name === "comment_pinned") this.pins = [...without(this.pins), data];
    else if (name === "comment_unpinned") this.pins = without(this.pins);
  }
}
