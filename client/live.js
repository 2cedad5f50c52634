import { Emitter } from "./emitter.js";
import { Delay } from "./latency.js";
import { Known } from "./model.js";
import { Picture } from "./picture.js";

/** @typedef {import("./model.js").Comment} Comment */
/** @typedef {import("./session.js").Session | import("./sharing.js").SharedSession} Source */

const REMEMBERED = 5_000; // ids; the server repeats at most the newest 1,000

/**
 * A video's comments as they are made, in step with this viewer's player. Emits
 *
 * - `picture` (Comment[]): show these instead of what you show
 * - `comments` ({comments, earlier}): in order, each once; `earlier`: said before now, not to be announced
 * - `gone` (id), `back` (a Comment, at its place by id), `pins` (Comment[], the latest last)
 * - `state` (a State), `video` ({state, started_at, ended_at, viewers, settings}), `error` (a Problem that ended it)
 */
export class LiveFeed extends Emitter {
  #source;
  #picture = new Picture();
  #delay;
  #known = new Known(REMEMBERED);
  /** @type {Set<string>} restored, and not shown again yet */
  #restored = new Set();
  #pinsWait = false; // some are of moments that are still to come

  /** @param {Source} source @param {import("./latency.js").Latency} [latency] */
  constructor(source, latency = 0) {
    super();
    this.#source = source;
    this.#delay = new Delay(latency, (comments, earlier) => this.#show(comments, earlier));
    source.on("event", (event) => this.#take(event));
    source.on("state", (state) => this.emit("state", state));
    source.on("error", (problem) => this.emit("error", problem));
  }

  get state() {
    return this.#source.state;
  }

  /** The newest comments that were shown, some 200. */
  get newest() {
    return this.#picture.comments;
  }

  /** How the video stands. @returns {Record<string, any>} */
  get video() {
    return this.#picture.welcome;
  }

  /** @param {import("./latency.js").Latency} latency */
  set latency(latency) {
    this.#delay.latency = latency;
  }

  start() {
    this.#source.start();
  }

  stop() {
    this.#source.stop();
    this.#delay.clear();
  }

  nudge() {
    this.#source.nudge();
  }

  /** @param {import("./model.js").Happening} happening */
  #take({ name, data, earlier = false }) {
    if (name === "comments") {
      const fresh = data.filter((/** @type {Comment} */ { id }) => this.#known.add(id));
      return fresh.length && this.#delay.add(fresh, earlier);
    }
    const pins = this.#picture.pins;
    if (name === "comment_restored") {
      this.#known.add(data.id);
      this.#restored.add(data.id);
      return this.#delay.insert(data); // even when its moment has come: earlier ones that are due may still wait
    }
    this.#picture.apply({ name, data });
    if (name === "reset" || (name === "welcome" && !data.resumed)) {
      this.#delay.clear();
      this.#known.ids.clear();
      this.#restored.clear();
      this.emit("picture", []);
    } else if (name === "comment_deleted" || name === "comment_hidden") {
      this.#delay.drop(data.id);
      this.emit("gone", data.id);
    }
    if (pins !== this.#picture.pins) this.#showPins();
    if (/^(welcome|reset|start|end|settings)$/.test(name)) this.emit("video", this.#picture.welcome);
  }

  /** @param {Comment[]} comments @param {boolean} earlier */
  #show(comments, earlier) {
    const back = comments.filter(({ id }) => this.#restored.delete(id));
    const said = comments.filter((comment) => !back.includes(comment));
    this.#picture.apply({ name: "comments", data: said });
    if (said.length) this.emit("comments", { comments: said, earlier });
    for (const data of back) {
      this.#picture.apply({ name: "comment_restored", data });
      this.emit("back", data);
    }
    if (this.#pinsWait) this.#showPins();
  }

  #showPins() {
    const due = this.#picture.pins.filter((comment) => !this.#delay.early(comment)); // a pin would give it away
    this.#pinsWait = due.length < this.#picture.pins.length;
    this.emit("pins", due);
  }
}
