// One video's events as one unbroken run, made of as many connections as it takes.
//
// - A connection that is cut, refused for the moment or silent for too long is made anew from the place that was reached.
// - Nothing is missed. The server repeats some comments where it can't tell exactly what a viewer has: a feed knows them by id.
// - Where continuity can't be proven there is `reset`: forget what was shown, the newest comments follow.
// - It gives up only where trying again can't help, and says why (`error`).

import { Backoff, sleep } from "./backoff.js";
import { Emitter } from "./emitter.js";
import { asProblem } from "./problem.js";
import { polling, streamed } from "./transports.js";

/** @typedef {import("./model.js").WireEvent} WireEvent */
/** @typedef {import("./model.js").State} State */
/** @typedef {import("./transports.js").Transport} Transport */

const WELCOME_WITHIN = 6_000; // ms; a proxy that holds more than that back is no way for a stream
const SILENT = 45_000; // ms; the server gives a sign of life every 15 s
const CAUGHT_UP = 400; // ms of silence after which there is nothing left to catch up with
const POLLING = 60_000; // ms until the stream is tried again
const LONGEST_POLLING = 3_600_000;

/**
 * Emits `event` (a Happening), `state` (a State) and `error` (a Problem that ended it; `start` begins again).
 */
export class Session extends Emitter {
  #video;
  #backlog;
  #stream;
  #poll;
  place = "";
  /** @type {State} */
  state = { state: "connecting" };
  #told = false; // something since the last reset
  #backoff;
  #blocked = false; // the last stream brought no welcome
  #polled = false; // the last connection was a poll
  #pollsWork = false;
  #pollFor = 0; // ms
  #pollUntil = 0;
  /** @type {AbortController | undefined} of the whole */
  #running;
  /** @type {AbortController | undefined} of the connection, or of the wait for the next */
  #now;
  #welcomed = false;
  #heard = 0;
  #farewell = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #catching;
  #position = "";

  /**
   * @param {import("./api.js").Api} api
   * @param {string} video
   * @param {{backlog?: number, stream?: Transport, poll?: Transport, backoff?: Backoff}} [options]
   */
  constructor(api, video, { backlog = 100, stream = streamed, poll = polling, backoff = new Backoff() } = {}) {
    super();
    this.api = api;
    this.#video = video;
    this.#backlog = backlog;
    this.#stream = stream;
    this.#poll = poll;
    this.#backoff = backoff;
  }

  start() {
    if (this.#running) return;
    this.#running = new AbortController();
    const { signal } = this.#running;
    globalThis.addEventListener?.("online", () => this.nudge(), { signal });
    globalThis.document?.addEventListener("visibilitychange", () => document.hidden || this.nudge(), { signal });
    void this.#run(signal);
  }

  stop() {
    this.#running?.abort();
    this.#now?.abort();
    this.#running = undefined;
    clearTimeout(this.#catching);
  }

  /** Try now what would be tried later; look at once whether the connection is still alive. */
  nudge() {
    if (this.state.state === "offline" || Date.now() - this.#heard > SILENT) this.#now?.abort();
  }

  /** @param {AbortSignal} running */
  async #run(running) {
    while (!running.aborted) {
      this.#tell({ state: "connecting" });
      this.#welcomed = false;
      this.#farewell = "";
      const polls = Date.now() < this.#pollUntil || (this.#blocked && !this.#polled);
      let asked;
      let reason;
      try {
        reason = await this.#connect(polls, running);
      } catch (error) {
        if (running.aborted) return;
        const problem = asProblem(error);
        // A poll that only asked whether polls get through ends nothing: an older server has none.
        const last = polls ? [401, 403].includes(problem.status) : !problem.passing;
        if (last) {
          this.stop();
          this.#tell({ state: "offline", reason: problem.code });
          this.emit("error", problem);
          return;
        }
        asked = problem.retryAfter;
        reason = problem.code;
      }
      if (running.aborted || this.#goesOnAtOnce(polls, reason)) continue;
      if (this.#farewell === "token_expired") {
        this.api.tokens.forget();
        if (this.api.tokens.get) this.#backoff.beginAt(0);
      }
      const wait = this.#backoff.next(asked);
      this.#now = new AbortController();
      this.#tell({ state: "offline", reason: this.#farewell || reason, wait });
      await sleep(wait, this.#now.signal);
    }
  }

  /**
   * Decides between stream and poll. A stream that is held back, or refused where a poll just got through, gives way to
   * polls for a minute, then for two … A poll that gets through after a refused stream may also mean that the server is
   * back: then the stream is tried again at once.
   * @param {boolean} polled @param {string} reason
   */
  #goesOnAtOnce(polled, reason) {
    const through = this.#welcomed || this.#farewell !== "";
    const asked = polled && Date.now() >= this.#pollUntil;
    const refused = !polled && !through;
    const giveWay = refused && (reason === "held_back" || this.#pollsWork);
    if (polled) this.#pollsWork = through;
    else this.#blocked = refused;
    this.#polled = polled;
    if (giveWay) {
      this.#pollFor = Math.min(this.#pollFor * 2 || POLLING, LONGEST_POLLING);
      this.#pollUntil = Date.now() + this.#pollFor;
    } else if (polled ? !through : through) {
      this.#pollUntil = 0;
      if (!polled) this.#pollFor = 0;
    }
    return giveWay || (asked && through);
  }

  /** One connection, from opening to end. @param {boolean} polls @param {AbortSignal} running */
  async #connect(polls, running) {
    const line = (this.#now = new AbortController());
    const stop = () => line.abort();
    running.addEventListener("abort", stop);
    const opened = (this.#heard = Date.now());
    // The first poll after streams that failed is a question: were they refused, or was all of the network away?
    const once = polls && Date.now() >= this.#pollUntil;
    const watch = setInterval(() => {
      const silent = Date.now() - this.#heard > SILENT;
      const held = !this.#welcomed && Date.now() - opened > WELCOME_WITHIN;
      const enough = polls && !once && Date.now() > this.#pollUntil; // time to try the stream again
      if (silent || held || enough) line.abort();
    }, 1_000);
    try {
      return await (polls ? this.#poll : this.#stream)({
        ...{ api: this.api, video: this.#video, place: this.place, backlog: this.#backlog, once },
        signal: line.signal,
        alive: () => (this.#heard = Date.now()),
        take: (event) => {
          if (line.signal.aborted) return;
          this.#take(event);
          if (this.#farewell) stop();
        },
      });
    } catch (error) {
      if (line.signal.aborted && !running.aborted) return this.#welcomed ? "silent" : "held_back";
      throw error;
    } finally {
      clearInterval(watch);
      running.removeEventListener("abort", stop);
      stop();
    }
  }

  /** @param {WireEvent} event */
  #take({ name, data, id, retry }) {
    if (retry !== undefined) this.#backoff.beginAt(retry);
    if (name === "reconnect") {
      this.#farewell = data.reason;
    } else if (name === "welcome") {
      const lost = !data.resumed && !this.place && this.#told; // cut off before the server could name a place
      if (lost) this.emit("event", { name: "reset", data: { ...data, reason: "no_position" } });
      this.emit("event", { name, data });
      this.#position = data.position;
      this.#reached(id === data.position ? "live" : "behind");
    } else if (name === "" && !this.#welcomed) {
      this.#reached("live");
    } else if (name) {
      const comments = name === "comment" ? [data] : name === "comment_batch" ? data : undefined;
      this.#told = true;
      // `earlier`: said while nobody told us
      this.emit("event", comments ? { name: "comments", data: comments, earlier: this.state.state !== "live" } : { name, data });
    }
    if (id) this.place = id;
    if (this.state.state === "behind") this.#reached(id === this.#position ? "live" : "behind");
  }

  /** @param {"live" | "behind"} state */
  #reached(state) {
    this.#welcomed = true;
    this.#backoff.failures = 0;
    this.#tell({ state });
    clearTimeout(this.#catching);
    if (state === "behind") this.#catching = setTimeout(() => this.#tell({ state: "live" }), CAUGHT_UP);
  }

  /** @param {State} state */
  #tell(state) {
    if (state.state !== "behind") clearTimeout(this.#catching);
    if (state.state === this.state.state && state.reason === this.state.reason && state.wait === this.state.wait) return;
    this.state = state;
    this.emit("state", state);
  }
}
